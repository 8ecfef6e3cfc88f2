"""Two backends on one device: whether they compute the same, where they part, which is off, and what would show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.explain import further_runs
from suite.explain.backends import FLOAT32_AT_MOST, PERTURBED
from suite.judge import equivalence, verdicts
from suite.records import (
    ASSIGNMENT,
    BETWEEN,
    LAYERWISE,
    MEMORY_LOST,
    OWN,
    SINGLE_STEP,
    TRAINING_STEP,
    Cause,
    Code,
    Deviation,
    Emulation,
    Place,
    Run,
    Semantics,
    plain,
)
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

APART = 1e-3
CLOSE = 1e-11


def folder(path: Path, **kernels: float) -> Folder:
    """Environments that train the kernel to these numbers, in runs and oracles alike."""
    made = Folder(path, list(kernels))
    made.all_trained(kernels)
    return made


def parted(path: Path, stages: dict[str, float], **kernels: float) -> Folder:
    """The same, where a step of each oracle is 1 everywhere, but for the last environment, whose differs by these."""
    made = folder(path, **kernels)
    last = list(kernels)[-1]
    for name in kernels:
        off = stages if name == last else dict.fromkeys(stages, 0.0)
        made.stepped(steps_of(oracle(name)), {stage: 1.0 + size for stage, size in off.items()})
    return made


def further(made: Folder) -> set[Run]:
    return set(made.backends().further())


# ---------------------------------------------------------------- whether they differ


def test_equal_backends_ask_for_the_calls_of_the_reference_alone(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + CLOSE, tensorflow=1.0)
    assert made.backends().agreement.apart == []
    assert further(made) == {layerwise("torch")}, "all of them may be wrong"
    made.recorded("torch", [dense_call()])
    assert further(made) == set()


def test_backends_that_differ_ask_for_steps_and_calls_of_both(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART, tensorflow=1.0 + CLOSE)
    assert set(made.backends().agreement.apart) == {("torch", "jax"), ("jax", "tensorflow")}
    names = ("torch", "jax", "tensorflow")
    assert further(made) == {*(steps_of(oracle(name)) for name in names), *map(layerwise, names)}


def test_they_are_compared_by_their_oracles_whatever_their_strategies_do(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.trained(plain(configuration("jax"), "float64"), 2.0)
    assert made.backends().agreement.apart == []
    missing = folder(tmp_path / "missing", torch=1.0, jax=1.0)
    missing.store.run(oracle("jax")).discard()
    missing.trained(plain(configuration("jax"), "float64"), 2.0)
    assert missing.backends().agreement.apart == [("torch", "jax")], "without an oracle, the float64 runs say it"
    found = missing.backends().agreement.measured("torch", "jax", 2, Emulation())
    assert found == "no oracle was planned", "of several devices, they say nothing of backends"


def test_a_training_step_of_the_models_own_is_in_an_oracle_only_if_that_is_known(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    for name in ("torch", "jax"):
        made.trained(plain(configuration(name)), 2.0, facts={TRAINING_STEP: OWN})
    made.trained(plain(configuration("jax"), "float64"), 2.0)
    agreement = made.backends().agreement
    assert agreement.apart == [("torch", "jax")]
    assert steps_of(plain(configuration("jax"))) in further(made)
    known = agreement.measured("torch", "jax", emulated=True)
    assert not isinstance(known, str) and not equivalence.differs(verdicts.oracle_distance(known))


def test_an_environment_that_trained_nothing_is_compared_with_nobody(tmp_path: Path) -> None:
    backends = folder(tmp_path, torch=1.0, jax=1.0 + APART).backends()
    assert backends.agreement.measured("torch", "tensorflow") == "tensorflow did not train it"
    assert not backends.agreement.differ("torch", "tensorflow")


def test_without_one_device_oracles_are_still_compared(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch", "jax", "tensorflow"], devices=(2,), declared={2: Semantics(saved="first replica")})
    made.all_trained({"torch": 1.0, "jax": 1.0, "tensorflow": 1.0 + APART})
    steps = [steps_of(oracle(name)) for name in ("torch", "jax", "tensorflow")]
    assert further(made) == set(steps), "nothing ran on one device"
    for step, size in zip(steps, (1.0, 1.0, 1.1), strict=True):
        made.stepped(step, {"update|dense/kernel": size})
    assert further(made) == set(), "nor can a hypothesis be tried on what did not run"
    parting = made.backends().parting("torch", "tensorflow")
    assert (parting.off, parting.causes[0].code) == ("tensorflow", Code.ODD_ONE_OUT)


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


@pytest.mark.parametrize(
    ("off", "size", "narrow"), [(1e-8, 1e-8, True), (1e-8, 1e-2, False), (1e-2, 1e-8, False), (0.0, 1e-8, False)]
)
def test_a_layer_is_narrow_where_no_more_is_off_than_float32_rounds(
    tmp_path: Path, off: float, size: float, narrow: bool
) -> None:
    made = folder(tmp_path, torch=1.0)
    made.recorded("torch", [dense_call(off=off)])
    place = Place(stage="forward", tensor="dense", state="0", size=size, ratio=size / 1e-10)
    assert made.backends().is_narrow_at("torch", place) is narrow
    assert not made.backends().is_narrow_at("torch", None)


def test_where_the_place_was_recorded_no_further_calls_are_asked_for(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-2}, torch=1.0, jax=1.0 + APART)
    for name in ("torch", "jax"):
        made.recorded(name, [leaky_call(0.25, at=-1.0)])
    assert not {run for run in further(made) if run.variation == LAYERWISE}


def test_where_oracles_begin_equal_and_the_runs_do_not_the_reruns_that_decide_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a rate that begins at 0 moves nothing in the first step, and losses differ there alone."""
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART)
    monkeypatch.setattr(further_runs, "settled", lambda _: False)
    assert made.backends().agreement.apart == []
    reruns = {run for name in ("torch", "jax") for run in further_runs.permuted_float64(configuration(name))}
    assert further(made) == {layerwise("torch"), *reruns} and len(reruns) == 6


def test_whether_two_differ_does_not_depend_on_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backends = folder(tmp_path, torch=1.0, jax=1.0).backends()
    asked: list[tuple[str, str]] = []

    def measured(a: str, b: str) -> str:
        asked.append((a, b))
        return "not compared"

    monkeypatch.setattr(backends.agreement, "measured", measured)
    for pair in (("torch", "jax"), ("jax", "torch")):
        assert not backends.agreement.differ(*pair)
    assert asked == [("torch", "jax")] * 2


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


# ---------------------------------------------------------------- float32 inside


def test_a_few_units_of_float32_in_the_first_steps_are_a_layer_that_computes_in_it(tmp_path: Path) -> None:
    stages = {"forward|dense": FLOAT32_AT_MOST / 2, "gradient|dense/kernel": FLOAT32_AT_MOST / 2, "update|dense/kernel": 1.0}
    made = parted(tmp_path, stages, torch=1.0, tensorflow=1.0, jax=1.0 + APART)
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (True, ""), "nobody is off"
    assert [(cause.code, dict(cause.detail)["layer"]) for cause in parting.causes] == [(Code.FLOAT32_INSIDE, "dense")]
    perturbed = {run for run in further(made) if run.variation == "perturbed"}
    assert {(run.configuration.environment, run.index) for run in perturbed} == {
        (name, index + 1) for name in ("torch", "tensorflow", "jax") for index in range(PERTURBED)
    }
    assert {run.kind for run in perturbed} == {"perturbed-float64"}


@pytest.mark.parametrize(("grown", "place"), [(1e-9, ("update", "dense/kernel")), (APART, None)])
def test_where_float32_does_not_grow_as_far_the_place_is_behind_it(
    tmp_path: Path, grown: float, place: tuple[str, str] | None
) -> None:
    stages = {"forward|dense": 1e-8, "gradient|dense/kernel": 1e-8, "update|dense/kernel": APART}
    made = parted(tmp_path, stages, torch=1.0, tensorflow=1.0, jax=1.0 + APART)
    for run in [run for run in further(made) if run.variation == "perturbed"]:
        made.rerun(run, 1.0 + grown)
    if place is None:
        assert made.backends().agreement.apart == [], "what float32 rounds grows as far"
        return
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (False, "jax")
    assert [cause.code for cause in parting.causes] == [Code.ODD_ONE_OUT]
    assert parting.place is not None and (parting.place.stage, parting.place.tensor) == place
    for run in [run for run in further(made) if run.variation == SINGLE_STEP]:
        own = stages if run.configuration.environment == "jax" else dict.fromkeys(stages, 0.0)
        made.stepped(run, {stage: 1.0 + size for stage, size in own.items()})
    tried = [run for run in further(made) if run.emulates and run.emulates.deviation != Deviation()]
    assert tried == [], "hypotheses would begin at the layer that computes in float32"


def test_where_something_wider_begins_behind_it_that_is_the_place(tmp_path: Path) -> None:
    stages = {"forward|dense": 1e-8, "forward|norm": 1e-2, "gradient|dense/kernel": 1e-2}
    made = parted(tmp_path, stages, torch=1.0, tensorflow=1.0, jax=1.0 + APART)
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (False, "jax")
    assert parting.place is not None and (parting.place.stage, parting.place.tensor) == ("forward", "norm")


@pytest.mark.parametrize(
    "stages",
    [
        {"forward|dense": FLOAT32_AT_MOST * 2},
        {"forward|dense": 1e-8, "gradient|dense/kernel": FLOAT32_AT_MOST * 2},
        {"forward|dense": 0.0, "update|dense/kernel": 1e-8},  # no layer computes an update
    ],
)
def test_what_is_larger_or_begins_later_is_a_difference(tmp_path: Path, stages: dict[str, float]) -> None:
    made = parted(tmp_path, stages, torch=1.0, jax=1.0 + APART)
    assert not made.backends().parting("torch", "jax").float32_inside
    assert not any(run.variation == "perturbed" for run in further(made))


def test_a_layer_that_departs_by_more_than_float32_rounds_is_no_float32_inside(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-8}, torch=1.0, jax=1.0 + APART)
    made.recorded("jax", [dense_call(off=1e-8)])
    assert made.backends().parting("torch", "jax").float32_inside, "it departs by what float32 rounds"
    other = parted(tmp_path / "other", {"forward|dense": 1e-8}, torch=1.0, jax=1.0 + APART)
    other.recorded("jax", [dense_call(off=1e-2)])
    assert [cause.code for cause in other.backends().parting("torch", "jax").causes] == [Code.DEFINITION]


def test_what_departs_behind_a_layer_that_computes_in_float32_is_found(tmp_path: Path) -> None:
    stages = {"forward|dense": 1e-8, "gradient|dense/kernel": 1e-8, "update|other/kernel": 1e-2}
    made = parted(tmp_path, stages, torch=1.0, jax=1.0 + APART)
    made.recorded("torch", [dense_call(), dense_call("other")])
    made.recorded("jax", [dense_call(off=1e-8), dense_call("other", off=1e-2)])
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (False, "jax")
    assert [(cause.code, dict(cause.detail)["name"]) for cause in parting.causes] == [(Code.DEFINITION, "other")]
    assert parting.place is not None and parting.place.tensor == "other"


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


@pytest.mark.parametrize("forgetting", [("jax",), ("jax", "torch"), ()])
def test_who_does_not_keep_what_layers_keep_is_named_where_the_other_does(
    tmp_path: Path, forgetting: tuple[str, ...]
) -> None:
    made = Folder(tmp_path, ["torch", "jax"])
    for run in made.plan.runs:
        name = run.configuration.environment
        facts = {MEMORY_LOST: "gru"} if name in forgetting else {}
        if run.emulates is None:  # no oracle emulates such a model
            made.trained(run, 1.0 + APART * (name == "jax"), facts)
    backends = made.backends()
    assert backends.agreement.apart == [("torch", "jax")]
    found = backends.parting("torch", "jax")
    if forgetting == ("jax",):
        assert (found.off, found.causes) == (
            "jax",
            (Cause(code=Code.MEMORY_LOST, subject="jax", detail=(("layer", "gru"),)),),
        )
    else:
        assert Code.MEMORY_LOST not in {cause.code for cause in found.causes}
    assert not any(run.variation == SINGLE_STEP for run in backends.further()), "there is no state to start from"
