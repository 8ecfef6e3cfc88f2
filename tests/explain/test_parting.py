"""Two backends that do not compute the same: where they part, which is off, and what explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.records import ASSIGNMENT, BETWEEN, LAYERWISE, MEMORY_LOST, SINGLE_STEP, Cause, Code, plain
from tests.explain.parted_backends import APART, folder, further, parted
from tests.explain.run_folders import (
    Folder,
    RecordedArrays,
    assigning_call,
    configuration,
    dense_call,
    evaluated_call,
    layerwise,
    leaky_call,
    oracle,
    steps_of,
    update_call,
)

# ---------------------------------------------------------------- where they part


def test_they_part_where_a_step_of_their_oracles_does(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-3}, torch=1.0, jax=1.0 + APART)
    # What the runs do on top is their strategies' business.
    made.stepped(steps_of(plain(configuration("jax"))), {"forward|dense": 2.0})
    made.stepped(steps_of(plain(configuration("torch"))), {"forward|dense": 1.0})
    found = made.backends().place("torch", "jax")
    assert found is not None
    assert (found.stage, found.tensor, found.state) == ("gradient", "dense/kernel", "0")
    assert folder(tmp_path / "none", torch=1.0, jax=2.0).backends().place("torch", "jax") is None


# ---------------------------------------------------------------- which is off


def test_the_odd_one_out_is_named_where_the_others_agree(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0, tensorflow=1.0 + APART)
    detail = (("others", "jax, torch"), ("stage", "forward"), ("tensor", "dense"))
    odd = Cause(code=Code.ODD_ONE_OUT, subject="tensorflow", detail=detail)
    for other in ("torch", "jax"):
        parting = made.backends().parting(other, "tensorflow")
        assert (parting.off, parting.causes) == ("tensorflow", (odd,))


@pytest.mark.parametrize(
    "kernels", [{"torch": 1.0, "jax": 1.0 + APART}, {"torch": 1.0, "jax": 1.0 + APART, "tensorflow": 1.0 + 2 * APART}]
)
def test_nobody_is_odd_among_two_or_where_all_differ(tmp_path: Path, kernels: dict[str, float]) -> None:
    parting = parted(tmp_path, {"forward|dense": 1e-2}, **kernels).backends().parting("torch", "jax")
    assert (parting.off, parting.causes) == ("", (Cause(code=Code.UNKNOWN),))


def test_nobody_is_odd_who_is_not_apart_from_all_others(tmp_path: Path) -> None:
    """The third lies between the two: it agrees with both."""
    made = folder(tmp_path, torch=1.0, jax=1.0 + 1.5e-10, tensorflow=1.0 + 0.8e-10)
    assert made.backends().agreement.apart == [("torch", "jax")]
    assert made.backends().parting("torch", "jax").off == ""


def test_nobody_is_odd_where_it_is_not_known_whether_the_others_agree(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0, tensorflow=1.0 + APART)
    for run in (oracle("jax"), plain(configuration("jax"), "float64")):
        made.store.run(run).discard()
    assert made.backends().parting("torch", "tensorflow").off == ""


def test_a_departure_from_the_definition_where_they_part_names_the_one_that_is_off(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0 + APART)
    made.recorded("torch", [dense_call(off=1e-2)])
    made.recorded("jax", [dense_call()])
    parting = made.backends().parting("torch", "jax")
    assert (parting.off, [cause.code for cause in parting.causes]) == ("torch", [Code.DEFINITION])
    assert parting.causes[0].subject == "torch", "although the other's step was made to differ: nobody is counted"


def test_a_departure_explains_whole_runs_that_come_apart_where_their_steps_do_not(tmp_path: Path) -> None:
    """As of a bias whose gradient, and nothing else in a step, is wrong: it is neutral beside a batch normalization."""
    made = parted(tmp_path, {"forward|dense": 0.0}, torch=1.0, jax=1.0 + APART)
    assert made.backends().parting("torch", "jax").place is not None, "where whole runs come apart"
    made.recorded("jax", [dense_call(off=1e-2)])
    parting = made.backends().parting("torch", "jax")
    assert (parting.off, [cause.code for cause in parting.causes]) == ("jax", [Code.DEFINITION])
    assert parting.place is not None and parting.place.stage == "forward"


@pytest.mark.parametrize("call", [dense_call("other", off=1e-2), dense_call(off=1e-8)])
def test_a_departure_somewhere_else_or_by_what_float32_rounds_explains_nothing(tmp_path: Path, call: RecordedArrays) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0 + APART)
    made.recorded("jax", [call])
    assert made.backends().parting("torch", "jax").causes == (Cause(code=Code.UNKNOWN),)


@pytest.mark.parametrize("stage", ["forward|dense", "update|dense/kernel"])
def test_a_gradient_that_departs_explains_nothing_where_the_step_s_own_gradients_are_equal(
    tmp_path: Path, stage: str
) -> None:
    made = parted(tmp_path, {stage: 1e-2}, torch=1.0, jax=1.0 + APART)
    call, arrays = dense_call("dense")
    cotangent = arrays["output|0"] * 0 + 1.0
    wrong = cotangent @ arrays["weight|kernel"].T * 1.01
    made.recorded("jax", [(call, arrays | {"cotangent|0": cotangent, "gradient|input/0": wrong})])
    (cause,) = made.backends().parting("torch", "jax").causes
    assert cause.code == Code.UNKNOWN


@pytest.mark.parametrize(
    ("slopes", "code"), [((0.25, 1.0), Code.CORNER), ((0.5, 1.0), Code.CORNER), ((1.0, 1.0), Code.UNKNOWN)]
)  # fmt: skip
def test_other_slopes_at_a_corner_explain_where_gradients_part(
    tmp_path: Path, slopes: tuple[float, float], code: Code
) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-2}, torch=1.0, jax=1.0 + APART)
    for name, slope in zip(("torch", "jax"), slopes, strict=True):
        made.recorded(name, [leaky_call(slope)])
    parting = made.backends().parting("torch", "jax")
    (cause,) = parting.causes
    assert (parting.off, cause.code, cause.subject) == ("", code, "")
    if code is Code.CORNER:
        assert cause.detail == (("layer", "leaky (LeakyReLU)"),)


def test_calls_from_the_states_between_show_a_corner_that_only_their_batches_reach(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-2}, torch=1.0, jax=1.0 + APART)
    between = {layerwise(name, BETWEEN) for name in ("torch", "jax")}
    for name in ("torch", "jax"):
        made.recorded(name, [leaky_call(0.25, at=-1.0)], state="9")
    assert between <= further(made), "they part in a state from which no call was recorded"
    for name, slope in (("torch", 0.25), ("jax", 1.0)):
        made.recorded(name, [leaky_call(slope)], index=BETWEEN, state="0")
    (cause,) = made.backends().parting("torch", "jax").causes
    assert cause.code == Code.CORNER
    assert not further(made) & between


def test_where_the_place_was_recorded_no_further_calls_are_asked_for(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-2}, torch=1.0, jax=1.0 + APART)
    for name in ("torch", "jax"):
        made.recorded(name, [leaky_call(0.25, at=-1.0)])
    assert not {run for run in further(made) if run.variation == LAYERWISE}


def test_a_corner_explains_no_other_output(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0 + APART)
    for name, slope in (("torch", 0.25), ("jax", 1.0)):
        made.recorded(name, [leaky_call(slope)])
    assert made.backends().parting("torch", "jax").causes == (Cause(code=Code.UNKNOWN),)


def test_a_wrong_gradient_shows_in_the_weights_of_the_layer_before(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-2}, torch=1.0, jax=1.0 + APART)
    call, arrays = dense_call("behind")
    cotangent = arrays["output|0"] * 0 + 1.0
    wrong = cotangent @ arrays["weight|kernel"].T * 1.01
    made.recorded("jax", [(call, arrays | {"cotangent|0": cotangent, "gradient|input/0": wrong})])
    parting = made.backends().parting("torch", "jax")
    assert [dict(cause.detail)["name"] for cause in parting.causes] == ["behind"]
    assert parting.off == "jax"


def test_what_one_computes_wrong_and_the_other_drops_are_both_causes(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0 + APART)
    made.recorded("torch", [dense_call(off=1e-2), assigning_call(kept=True, name="dense")])
    made.recorded("jax", [dense_call(), assigning_call(kept=False, name="dense")])
    parting = made.backends().parting("torch", "jax")
    assert [(cause.subject, dict(cause.detail)["what"]) for cause in parting.causes] == [
        ("torch", "layer"),
        ("jax", ASSIGNMENT),
    ]
    assert parting.off == "", "both are"


def test_where_both_depart_alike_the_definition_tells_nobody_apart(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0 + APART)
    for name in ("torch", "jax"):
        made.recorded(name, [dense_call(off=1e-2)])
    assert made.backends().parting("torch", "jax").causes == (Cause(code=Code.UNKNOWN),)


def test_where_no_place_is_known_a_departure_is_one(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART)
    made.recorded("jax", [dense_call(off=1e-2)])
    parting = made.backends().parting("torch", "jax")
    assert parting.place is not None
    assert (parting.place.stage, parting.place.tensor, parting.off) == ("forward", "dense", "jax")


@pytest.mark.parametrize(("kernel", "code"), [(1.0, Code.DEFINITION), (1.0 + APART, Code.UNKNOWN)])
def test_what_departs_in_evaluate_explains_what_differs_there_alone(tmp_path: Path, kernel: float, code: Code) -> None:
    made = folder(tmp_path, torch=1.0, jax=kernel)
    made.trained(oracle("torch"), 1.0, evaluated=14.0 / 3.0)
    made.trained(oracle("jax"), kernel, evaluated=14.0 / 3.0 * 1.1)
    made.recorded("torch", [dense_call(), evaluated_call()])
    made.recorded("jax", [dense_call(), evaluated_call(off=0.1)])
    parting = made.backends().parting("torch", "jax")
    assert [cause.code for cause in parting.causes] == [code]
    if code is Code.DEFINITION:
        assert parting.off == "jax"
        assert parting.place is not None and (parting.place.stage, parting.place.tensor) == ("evaluation", "loss")


def test_what_differs_in_evaluate_alone_comes_from_nothing_that_departs_in_training(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.trained(oracle("torch"), 1.0, evaluated=1.0)
    made.trained(oracle("jax"), 1.0, evaluated=2.0)
    made.recorded("jax", [dense_call(off=1e-2)])
    assert made.backends().parting("torch", "jax").causes == (Cause(code=Code.UNKNOWN),)


# ---------------------------------------------------------------- hypotheses


def hypotheses_asked(made: Folder) -> bool:
    return any(run.emulates is not None and run.emulates.name for run in further(made))


def test_hypotheses_are_tried_where_no_definition_explains_it(tmp_path: Path) -> None:
    stages = {"forward|dense": 0.0, "update|dense/kernel": 1e-2}
    made = parted(tmp_path / "open", stages, torch=1.0, jax=1.0 + APART)
    made.stepped(steps_of(plain(configuration("jax"))), {"forward|dense": 1.0, "update|dense/kernel": 1.01})
    assert hypotheses_asked(made)
    made.recorded("jax", [update_call(off=1e-2)])
    assert not hypotheses_asked(made), "the definition of the update explains it"
    off = parted(tmp_path / "off", stages, torch=1.0, jax=1.0 + APART)
    off.stepped(steps_of(plain(configuration("jax"))), {"forward|dense": 1.0, "update|dense/kernel": 1.01})
    off.trained(plain(configuration("jax"), "float64"), 2.0)
    assert not hypotheses_asked(off), "the run is not even what its own strategy declares"


# ---------------------------------------------------------------- what layers keep between batches


@pytest.mark.parametrize(
    "forgetting",
    [
        {"jax": "gru"},
        {"jax": "gru, unused", "torch": "unused"},
        {"jax": "gru", "torch": "gru"},
        {"jax": "gru", "torch": "a"},
        {},
    ],
)
def test_who_does_not_keep_what_layers_keep_is_named_where_the_other_does(
    tmp_path: Path, forgetting: dict[str, str]
) -> None:
    made = Folder(tmp_path, ["torch", "jax"])
    for run in made.plan.runs:
        name = run.configuration.environment
        facts = {MEMORY_LOST: forgetting[name]} if name in forgetting else {}
        if run.emulates is None:  # no oracle emulates such a model
            made.trained(run, 1.0 + APART * (name == "jax"), facts)
    backends = made.backends()
    assert backends.agreement.apart == [("torch", "jax")]
    found = backends.parting("torch", "jax")
    if forgetting.get("torch", "unused") == "unused" and forgetting:
        assert (found.off, found.causes) == (
            "jax",
            (Cause(code=Code.MEMORY_LOST, subject="jax", detail=(("layer", "gru"),)),),
        )
    else:
        assert Code.MEMORY_LOST not in {cause.code for cause in found.causes}
    assert not any(run.variation == SINGLE_STEP for run in backends.further()), "there is no state to start from"
