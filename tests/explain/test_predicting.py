"""Which environment predicts differently from one and the same file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.compare import EVALUATION, PREDICTIONS
from suite.explain import predicting
from suite.explain.backends import Backends
from suite.explain.definitions import Departure
from suite.records import MEMORY_LOST, PREDICT_MOVES, RANDOM_PREDICTIONS, Cause, Code, RecordedCall, plain
from tests.explain.run_folders import Folder, configuration, dense_call
from tests.explain.test_known_defects import READY

TRAINABLE = "trainable weights"
ENVIRONMENTS = ("tensorflow", "jax", "torch")


def folder(path: Path, outputs: dict[str, float]) -> Folder:
    """Three environments that train alike. The file of each predicts `outputs` where it is loaded."""
    made = Folder(path, ENVIRONMENTS)
    made.all_trained(dict.fromkeys(ENVIRONMENTS, 1.0))
    for source in ENVIRONMENTS:
        for environment, output in outputs.items():
            made.loaded(plain(configuration(source, 1), "float64"), environment, 1.0, output=output)
    return made


def odd(name: str, others: str) -> Cause:
    return Cause(
        code=Code.ODD_ONE_OUT, subject=name, detail=(("others", others), ("stage", "prediction"), ("from", "one file"))
    )


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ({"tensorflow": 1.0, "jax": 1.0, "torch": 1.1}, odd("torch", "jax, tensorflow")),
        ({"tensorflow": 1.2, "jax": 1.0, "torch": 1.0}, odd("tensorflow", "jax, torch")),
        ({"tensorflow": 1.0, "jax": 1.0, "torch": 1.0}, None),
        ({"tensorflow": 1.0, "jax": 1.1, "torch": 1.2}, None),  # no two agree
        ({"jax": 1.0, "torch": 1.1}, None),  # of two, neither is odd
    ],
)
def test_the_odd_one_predicts_as_no_other_does_and_all_others_agree(
    tmp_path: Path, outputs: dict[str, float], found: Cause | None
) -> None:
    made = folder(tmp_path, outputs).read()
    for source in ENVIRONMENTS:
        assert predicting.odd_one_out(made, configuration(source, 1)) == found


@pytest.mark.parametrize(
    ("cause", "acts"),
    [
        (Cause(code=Code.DEFINITION, detail=(("what", "layer"), ("stage", "forward"))), True),
        (Cause(code=Code.DEFINITION, detail=(("what", "layer"), ("stage", "gradient"))), False),
        (Cause(code=Code.DEFINITION, detail=(("what", "update"), ("stage", "update"))), False),
        (Cause(code=Code.ODD_ONE_OUT, detail=(("stage", "batch statistics"),)), True),
        (Cause(code=Code.ODD_ONE_OUT, detail=(("stage", "update"),)), False),
        (Cause(code=Code.CORNER), False),
        (Cause(code=Code.UNKNOWN), True),
    ],
)
def test_what_differs_in_training_alone_explains_no_prediction(cause: Cause, acts: bool) -> None:
    assert predicting.acts(cause) is acts


def test_two_that_train_alike_and_predict_differently_have_the_odd_one_of_a_file(tmp_path: Path) -> None:
    made = folder(tmp_path, {"tensorflow": 1.0, "jax": 1.0, "torch": 1.1})
    assert Backends(made.read(), "s").parting("jax", "torch").off == "", "they are equal"
    for run in made.plan.runs:
        made.trained(run, 1.0, evaluated=1.5 if run.configuration.environment == "torch" else 1.0)
    for source in ENVIRONMENTS:
        for environment, output in {"tensorflow": 1.0, "jax": 1.0, "torch": 1.1}.items():
            made.loaded(plain(configuration(source, 1), "float64"), environment, 1.0, output=output)
    for pair in (("jax", "torch"), ("torch", "jax")):
        parting = Backends(made.read(), "s").parting(*pair)
        assert (parting.off, parting.causes) == ("torch", (odd("torch", "jax, tensorflow"),))


def test_the_odd_one_that_draws_random_numbers_to_predict_is_odd_for_that(tmp_path: Path) -> None:
    made = folder(tmp_path, {"tensorflow": 1.0, "jax": 1.0, "torch": 1.1})
    made.trained(plain(configuration("torch", 1)), 1.0, facts={RANDOM_PREDICTIONS: "0.5"})
    found = predicting.odd_one_out(made.read(), configuration("jax", 1))
    assert found == Cause(code=Code.DRAWS_IN_PREDICT, subject="torch")


def test_the_odd_one_that_keeps_no_memory_is_odd_for_that(tmp_path: Path) -> None:
    made = folder(tmp_path, {"tensorflow": 1.0, "jax": 1.1, "torch": 1.0})
    made.trained(plain(configuration("jax", 1)), 1.0, facts={MEMORY_LOST: "memory, summary"})
    found = predicting.odd_one_out(made.read(), configuration("jax", 1))
    assert found == Cause(code=Code.MEMORY_LOST, subject="jax", detail=(("layer", "memory, summary"),))


@pytest.mark.parametrize(
    ("moving", "subject"),
    [({"torch": "norm/moving_mean, norm/moving_variance"}, "torch"), ({"torch": "norm/n", "jax": "norm/n"}, ""), ({}, "")],
)
def test_the_one_that_changes_variables_where_it_predicts_is_odd_for_that(
    tmp_path: Path, moving: dict[str, str], subject: str
) -> None:
    made = folder(tmp_path, {"tensorflow": 1.0, "jax": 1.0, "torch": 1.1})
    for run in made.plan.runs:
        name = run.configuration.environment
        facts = {PREDICT_MOVES: moving[name]} if name in moving else {}
        made.trained(run, 1.0, evaluated=1.5 if name == "torch" else 1.0, facts=facts)
    resize, norm = (
        (RecordedCall(state="0", kind="layer", name=name, of=of), {"input|0": np.ones((2, 2))})
        for name, of in (("resize", "Resizing"), ("norm", "BatchNormalization"))
    )
    made.recorded("torch", [resize, norm])
    expected = Cause(code=Code.MOVES_IN_PREDICT, subject="torch", detail=(("layer", "norm"), ("known", "K-90")))
    for pair in (("jax", "torch"), ("torch", "jax")):
        found = Backends(made.read(READY), "s").parting(*pair)
        assert (expected in found.causes, found.off == "torch" and found.causes == (expected,)) == (bool(subject),) * 2


def recorded(made: Folder, off: dict[str, float]) -> None:
    """Each environment has recorded what the layers `first`, `dense` and `last` do where the model predicts: too large by
    these shares, and the last one is given what the others make of it."""
    for name in ENVIRONMENTS:
        share = off.get(name, 0.0)
        call, arrays = dense_call("last", training=False)
        scaled = {
            what: value * (1.0 + share) if what in ("input|0", "output|0") else value for what, value in arrays.items()
        }
        trained = dense_call(off=2.0 * share)
        calls = [dense_call("first", training=False), dense_call(off=share, training=False), (call, scaled), trained]
        made.recorded(name, calls)


@pytest.mark.parametrize(("share", "layer"), [(0.1, "dense"), (1e-9, "")])
def test_the_layer_is_the_first_that_returns_something_else_of_equal_numbers(
    tmp_path: Path, share: float, layer: str
) -> None:
    made = folder(tmp_path, {"tensorflow": 1.0, "jax": 1.0, "torch": 1.1})
    recorded(made, {"torch": share})
    place = predicting.layer_apart(made.read(), "s", "jax", "torch")
    assert (place.tensor if place else "", place and place.stage) == (layer, "prediction" if layer else None)
    assert predicting.layer_apart(made.read(), "s", "jax", "tensorflow") is None
    found = predicting.odd_one_out(made.read(), configuration("jax", 1))
    others, stage, from_file = odd("torch", "jax, tensorflow").detail
    where = (("tensor", layer),) if layer else ()
    assert found == replace(odd("torch", "jax, tensorflow"), detail=(others, stage, *where, from_file))


def departure(stage: str) -> Departure:
    fields = {"environment": "torch", "name": "x", "of": "X", "kind": "layer", "state": "0", "tensor": "", "size": 1.0}
    return Departure(stage=stage, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quantities", "stages"),
    [
        ({TRAINABLE, PREDICTIONS}, ["forward"]),
        ({PREDICTIONS}, ["prediction"]),
        ({PREDICTIONS, EVALUATION}, ["prediction"]),
        ({EVALUATION}, ["prediction", "evaluation"]),
        (set(), ["forward"]),
    ],
)
def test_what_departs_after_training_explains_what_differs_there_alone(quantities: set[str], stages: list[str]) -> None:
    every = [departure(stage) for stage in ("forward", "prediction", "evaluation")]
    assert [one.stage for one in predicting.showing(every, quantities)] == stages


def test_what_two_evaluate_differently_alone_is_the_place(tmp_path: Path) -> None:
    made = Folder(tmp_path, ENVIRONMENTS)
    for run in made.plan.runs:
        made.trained(run, 1.0, evaluated=1.5 if run.configuration.environment == "torch" else 1.0)
    parting = Backends(made.read(), "s").parting("jax", "torch")
    assert parting.place is not None
    assert (parting.place.stage, parting.place.tensor, parting.off) == ("evaluation", "loss", "torch")
    [cause] = parting.causes
    detail = (("others", "jax, tensorflow"), ("stage", "evaluation"), ("tensor", "loss"))
    assert (cause.code, cause.detail) == (Code.ODD_ONE_OUT, detail)


def test_a_known_defect_of_a_forward_pass_shows_in_predictions_wherever_it_was_recorded() -> None:
    """Of a bias that is still zero, only the gradient is wrong."""
    detail = (("what", "layer"), ("class", "Conv2D"), ("stage", "gradient"))
    unknown = Cause(code=Code.DEFINITION, subject="tensorflow", detail=detail)
    assert not predicting.acts(unknown)
    assert predicting.acts(replace(unknown, detail=(*detail, ("known", "K-02"))))
