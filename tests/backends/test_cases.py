"""Models as people have them, on the real backends: each is answered as plain Keras scripts have shown it to be.

Every case stands for a kind of model. What is true of it was measured with scripts that share nothing with the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from suite.records import Code, Finding, Pair, Results, Status, Verdict
from suite.report import results_json
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

CASES = Path(__file__).parent / "cases"
ON_SEVERAL = (
    "summed-loss",
    "scalar-loss",
    "square-kernel",
    "all-frozen",
    "own-layer",
    "lost-delta",
    "forgotten-argument",
    "seeded-noise",
    "counted-training",
    "paired-rows",
    "constant-rows",
    "overlapping-masks",
    "own-class",
    "unnamed-losses",
    "drawn-codes",
    "moving-teacher",
    "counted-hits",
    "merged-kernels",
    "adapted-centre",
)
ON_ONE = tuple(name for path in sorted(CASES.glob("[!_]*.py")) if (name := path.stem.replace("_", "-")) not in ON_SEVERAL)
IN_THE_GATE = (
    "repeated-words",
    "random-predictions",
    "resumed-training",
    "counted-calls",
    "summed-loss",
    "forgotten-argument",
    "overlapping-masks",
    "observed-range",
    "moving-teacher",
    "crossed-arms",
    "kept-gradients",
    "annealed-width",
)
# The causes that need a decision, each with the environment that it is about. All others have none.
DEFECTS = {
    "repeated-words": {(Code.DEFINITION, "tensorflow")},
    "channels-first": {(Code.DEFINITION, "tensorflow")},
    "assigned-weights": {(Code.DEFINITION, "jax")},
    "counted-training": {(Code.DEFINITION, "jax")},
    "unseeded-dropout": {(Code.RENEWED, ""), (Code.NOT_SAVED, ""), (Code.UNSEEDED, "torch")},
    "random-predictions": {(Code.NOT_SAVED, "")},
    "diverging": {(Code.NON_FINITE, "")},
    "seeded-noise": {(Code.NOT_SAVED, "")},
    "lost-delta": {(Code.COMPILED_DIFFERENTLY, "")},
    "forgotten-argument": {(Code.LOADED_DIFFERENTLY, ""), (Code.NOT_SAVED, "")},
    "black-background": {(Code.CORNER, "")},
    "resumed-training": {(Code.SHARED_AVERAGES, "jax")},
    "exact-zeros": {(Code.CORNER, "")},
    "second-batch": {(Code.CORNER, "")},
    "saturated-evaluation": {(Code.DEFINITION, "tensorflow")},
    "bias-free": {(Code.DEFINITION, "tensorflow"), (Code.COMPILED_DIFFERENTLY, "")},
    "late-mean": {(Code.ODD_ONE_OUT, "tensorflow")},
    "unstopped-target": {(Code.ODD_ONE_OUT, "jax")},
    "warmed-up": {(Code.DEFINITION, "tensorflow"), (Code.NOT_SAVED, "")},
    "relative-places": {(Code.DEFINITION, "tensorflow")},
    "constant-rows": {(Code.ODD_ONE_OUT, "torch")},
    "overlapping-masks": {("loss-undivided", "")},
    "rounded-predictions": {(Code.ODD_ONE_OUT, "torch")},
    "observed-range": {(Code.MOVES_IN_PREDICT, "jax")},
    "wide-identifiers": {(Code.ODD_ONE_OUT, "jax")},
    "masked-accuracy": {(Code.ODD_ONE_OUT, "jax")},
    "merged-kernels": {(Code.NOT_SAVED, ""), (Code.SAVE_ALTERED, ""), ("gradients-local", "")},
    "half-table": {(Code.SAVE_ALTERED, "")},
    "counted-hits": {(Code.ODD_ONE_OUT, "torch")},
    "truncated-setting": {(Code.LOADED_DIFFERENTLY, "")},
    "fixed-gaze": {(Code.ODD_ONE_OUT, "tensorflow")},
    "drawn-codes": {(Code.NOT_SAVED, "")},
    "crossed-arms": {(Code.DEFINITION, "torch"), (Code.DEFINITION, "tensorflow")},
    "kept-gradients": {("gradients-accumulated", "")},
    "silent-recordings": {(Code.NON_FINITE, "tensorflow"), (Code.NON_FINITE, "jax")},
    "annealed-width": {(Code.COMPILED_STEP, "tensorflow"), (Code.COMPILED_STEP, "jax"), (Code.LOADED_DIFFERENTLY, "")},
    "thrown-coins": {(Code.COMPILED_STEP, "tensorflow"), (Code.COMPILED_STEP, "jax")},
    "cropped-first": {("bn-inference-in-training", ""), *((Code.MOVES_IN_PREDICT, one) for one in ("tensorflow", "torch"))},
    "byte-photos": {(Code.DEFINITION, "tensorflow"), (Code.HALFWAY, "")},
    "counted-rate": {(Code.COMPILED_STEP, "tensorflow"), (Code.COMPILED_STEP, "jax")},
    "lifelong-hits": {(Code.METRIC_NOT_RESET, "")},
    "own-gain": {(Code.OTHER_FORMATS, "jax")},
    "drawn-predictions": {(Code.DRAWS_IN_PREDICT, "jax"), (Code.NOT_SAVED, "")},
}
STAGES = {  # of defects, each with the environment that is off
    "repeated-words": ("tensorflow", "update"),
    "channels-first": ("tensorflow", "gradient"),
    "saturated-evaluation": ("tensorflow", "evaluation"),
    "bias-free": ("tensorflow", "update"),
    "late-mean": ("tensorflow", "update"),
    "unstopped-target": ("jax", "gradient"),
    "relative-places": ("tensorflow", "update"),
    "rounded-predictions": ("torch", "prediction"),
    "observed-range": ("jax", "prediction"),
    "wide-identifiers": ("jax", "forward"),
    "masked-accuracy": ("jax", "history"),
    "fixed-gaze": ("tensorflow", "gradient"),
    "counted-hits": ("torch", "history"),
    "kept-gradients": ("torch", "trajectory"),
}
OF_FILES = ("resumed-training",)  # models that the backends train alike, whatever is wrong with their files
OWN_STEPS = ("unnamed-losses", "drawn-codes", "moving-teacher", "kept-gradients")
BY_DESIGN = {
    "summed-loss": {("torch", "mean of replica means")},
    "scalar-loss": {("tensorflow", "sum of replica shares")},
}


def _each(names: Iterable[str]) -> list[Any]:
    """One parameter for each case; those that the gate leaves out are long."""
    return [pytest.param(name, marks=[] if name in IN_THE_GATE else pytest.mark.long) for name in names]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Results]:
    """The results of a case. It trains together with those that are alike: in the gate or not, on several devices or not."""
    found: dict[tuple[str, ...], Results] = {}

    def run(name: str) -> Results:
        alike = ON_SEVERAL if name in ON_SEVERAL else ON_ONE
        together = tuple(one for one in alike if (one in IN_THE_GATE) == (name in IN_THE_GATE))
        if together not in found:
            folder = tmp_path_factory.mktemp("cases")
            chosen = [word for one in together for word in ("--scenario", one)]
            devices = "1,2" if name in ON_SEVERAL else "1"
            place = ["--scenario-path", str(CASES), "--out", str(folder / "run")]
            with pytest.MonkeyPatch.context() as patched:  # on some CPUs, TensorFlow has channels_first only with it
                patched.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
                patched.setenv("PARITY_INHERIT", "TF_ENABLE_ONEDNN_OPTS")
                main(["compare", *place, *chosen, "--device", "cpu", "--devices", devices])
            found[together] = results_json.read(folder / "run" / "results.json")
        return found[together]

    return run


def _findings(results: Results, name: str) -> list[Finding]:
    """Those of this case that need a decision or are undecided."""
    return [
        finding
        for finding in results.findings
        if finding.verdict in (Verdict.DIFFERENT, Verdict.INVALID, Verdict.INCONCLUSIVE)
        and any(member.scenario == name for member in finding.members)
    ]


def _pairs(results: Results, name: str) -> list[Pair]:
    return [pair for pair in results.pairs if pair.scenario == name]


@pytest.mark.parametrize("name", _each([*ON_ONE, *ON_SEVERAL]))
def test_every_run_completes(results: Callable[[str], Results], name: str) -> None:
    rows = [row for row in results(name).runs if row.run.configuration.scenario == name]
    assert len(rows) > 10
    # A training step of the model's own does not let the loss of a forward pass be taken apart.
    apart = {row.run.id for row in rows if name in OWN_STEPS and "loss be taken for each replica" in row.reason}
    assert {row.run.id: row.reason for row in rows if row.status is not Status.COMPLETE and row.run.id not in apart} == {}


@pytest.mark.parametrize("name", _each([*ON_ONE, *ON_SEVERAL]))
def test_every_cause_is_the_right_one_and_nothing_else_is_red(results: Callable[[str], Results], name: str) -> None:
    found = _findings(results(name), name)
    causes = {(cause.code, cause.subject) for finding in found for cause in finding.causes}
    assert causes == DEFECTS.get(name, set())


@pytest.mark.parametrize("name", _each(name for name in ON_ONE if name not in DEFECTS or name in OF_FILES))
def test_backends_agree_on_one_device(results: Callable[[str], Results], name: str) -> None:
    pairs = _pairs(results(name), name)
    assert len(pairs) == 3
    assert {pair.verdict for pair in pairs} <= {Verdict.IDENTICAL, Verdict.ROUNDING}


def test_training_goes_on_from_a_file_as_in_the_live_model(results: Callable[[str], Results]) -> None:
    checks = [check for check in results("resumed-training").checks if check.scenario == "resumed-training"]
    resumed = [check for check in checks if check.kind == "resumed"]
    assert [check.environment for check in resumed] == ["tensorflow", "jax", "torch"]
    for check in resumed:
        assert check.verdict is (Verdict.DIFFERENT if check.environment == "jax" else Verdict.IDENTICAL)
        assert {one.quantity for one in check.quantities} == {"trainable weights", "moving statistics", "optimizer state"}
    whole = [check for check in checks if (check.kind, check.form) == ("saved", "model.keras")]
    assert len(whole) == 3
    for check in whole:
        assert {"evaluation", "compile configuration", "optimizer state"} <= {one.quantity for one in check.quantities}
    forms = {check.form for check in checks if check.kind == "saved"}
    assert forms == {"model.keras", "model.weights.h5", "model.weights.h5+unbuilt", "model.h5"}


@pytest.mark.long
def test_noise_that_each_replica_draws_for_its_own_rows_is_no_rounding(results: Callable[[str], Results]) -> None:
    pairs = [pair for pair in _pairs(results("seeded-noise"), "seeded-noise") if pair.a.configuration.devices < 2]
    alike = {pair.a.configuration.environment: pair for pair in pairs if len(set(_environments(pair))) == 1}
    assert alike["jax"].verdict in (Verdict.IDENTICAL, Verdict.ROUNDING), "one program draws for the whole batch"
    for name in ("tensorflow", "torch"):
        [cause] = alike[name].causes
        assert (cause.code, cause.detail) == (Code.RANDOM_STREAMS, (("drawn by", "replicas"),))
        weights = next(one for one in alike[name].quantities if one.quantity == "trainable weights")
        assert weights.distances.at[-1].plain["train"] > 1e-3
        assert weights.distances.at[-1].float64["train"] < 1e-12
    apart = [pair for pair in pairs if len(set(_environments(pair))) == 2]
    assert {cause.detail for pair in apart for cause in pair.causes} == {()}


def _environments(pair: Pair) -> tuple[str, ...]:
    return tuple(run.configuration.environment for run in pair.runs)


def test_what_is_predicted_with_random_numbers_is_by_design_and_all_else_is_compared(
    results: Callable[[str], Results],
) -> None:
    found = results("random-predictions")
    checks = [check for check in found.checks if check.scenario == "random-predictions"]
    judged = [one for pair in _pairs(found, "random-predictions") for one in pair.quantities]
    judged += [one for check in checks for one in check.quantities]
    predicted = {
        (one.verdict, *(cause.code for cause in one.causes))
        for one in judged
        if one.quantity in ("predictions", "evaluation")
    }
    assert predicted == {(Verdict.BY_DESIGN, Code.RANDOM_PREDICTIONS)}
    declared = [check for check in checks if check.kind == "declared"]
    weights = [one.verdict for check in declared for one in check.quantities if one.quantity == "trainable weights"]
    assert len(weights) == 3
    assert set(weights) <= {Verdict.IDENTICAL, Verdict.ROUNDING}


@pytest.mark.long
def test_what_a_file_has_lost_of_a_loss_is_named_with_its_values(results: Callable[[str], Results]) -> None:
    checks = [check for check in results("lost-delta").checks if check.verdict is Verdict.DIFFERENT]
    lost = [check for check in checks if check.scenario == "lost-delta"]
    assert {(check.kind, check.environment) for check in lost} == {
        (kind, environment) for kind in ("saved", "resumed") for environment in ("tensorflow", "jax", "torch")
    }
    assert {(check.run.configuration.devices, check.kind) for check in lost} == {(1, "saved"), (1, "resumed"), (2, "saved")}
    for check in lost:
        (cause,) = [cause for cause in check.causes if cause.code != Code.BY_DESIGN]
        assert cause.code == Code.COMPILED_DIFFERENTLY
        assert cause.detail == (("loss.delta", "0.25 -> 1.0"), ("known", "K-12"))
        states = [one for one in check.quantities if one.quantity in ("trainable weights", "moving statistics")]
        assert {one.verdict is Verdict.IDENTICAL for one in states} == {check.kind == "saved"}


def test_what_layers_forget_is_named_with_its_values_and_tried_out(results: Callable[[str], Results]) -> None:
    checks = [check for check in results("forgotten-argument").checks if check.scenario == "forgotten-argument"]
    lost = [check for check in checks if check.verdict is Verdict.DIFFERENT]
    forms = {(check.kind, check.form) for check in lost}
    whole, weights = {"model.keras"}, {"model.weights.h5", "model.weights.h5+unbuilt"}
    assert forms == {("resumed", "model.keras"), *(("saved", form) for form in {"model.h5", *whole, *weights})}
    for check in lost:
        found = {cause.code: cause for cause in check.causes if cause.code != Code.BY_DESIGN}
        expected = {Code.LOADED_DIFFERENTLY} if check.form not in weights else set()
        assert set(found) == expected | ({Code.NOT_SAVED} if check.form != "model.h5" else set()), check.form
        if attributes := found.get(Code.LOADED_DIFFERENTLY):
            assert attributes.detail == (
                ("gain._factor", "2.5 -> 1.0"),
                ("scale.drawn", "array [16] -> other values"),
                ("scale.seed", "3 -> 0"),
                ("shift.by", "0.5 -> 0.0"),
            )
            if check.kind == "saved":
                sizes = dict(attributes.evidence)
                assert sizes["without"] > 0.01
                assert sizes["with"] < 1e-5
        if weight := found.get(Code.NOT_SAVED):
            assert weight.detail == (("tensor", "scale/heat"),)


@pytest.mark.long
def test_a_loss_over_each_replicas_rows_is_named_beside_their_statistics(results: Callable[[str], Results]) -> None:
    pairs = [pair for pair in _pairs(results("paired-rows"), "paired-rows") if len(set(_environments(pair))) == 1]
    causes = {pair.a.configuration.environment: [dict(cause.detail) for cause in pair.causes] for pair in pairs}
    for name in ("tensorflow", "torch"):
        [fields] = causes[name]
        assert (fields["batch statistics"], fields["loss"]) == ("per replica", "each replica's own")
    assert {pair.verdict for pair in pairs if pair.a.configuration.environment == "jax"} <= {
        Verdict.IDENTICAL,
        Verdict.ROUNDING,
    }


@pytest.mark.parametrize("name", _each(STAGES))
def test_a_defect_is_on_its_side_and_in_its_place(results: Callable[[str], Results], name: str) -> None:
    pairs = [pair for pair in _pairs(results(name), name) if all(one.configuration.devices == 1 for one in pair.runs)]
    assert {pair.verdict for pair in pairs} == {Verdict.ROUNDING, Verdict.DIFFERENT}
    different = [pair for pair in pairs if pair.verdict is Verdict.DIFFERENT]
    assert len(different) == 2
    for pair in different:
        assert pair.side is not None
        assert pair.place is not None
        assert (pair.side.configuration.environment, pair.place.stage) == STAGES[name]


def test_a_loss_that_is_added_up_is_wrong_on_the_side_that_adds(results: Callable[[str], Results]) -> None:
    [finding] = _findings(results("overlapping-masks"), "overlapping-masks")
    assert (finding.environment, finding.side and finding.side.configuration.devices) == ("tensorflow", 2)


@pytest.mark.long
def test_a_difference_over_replicas_alone_has_its_side_and_its_place(results: Callable[[str], Results]) -> None:
    """The only pair is of the two that declare the same."""
    [pair] = [one for one in _pairs(results("constant-rows"), "constant-rows") if one.verdict is Verdict.DIFFERENT]
    assert pair.side is not None and pair.place is not None
    assert (pair.side.configuration.label, pair.place.stage) == ("torch x2", "loss")


@pytest.mark.long
def test_a_gradient_that_is_not_stopped_in_a_loss_that_a_layer_adds_is_placed_there(
    results: Callable[[str], Results],
) -> None:
    pairs = [pair for pair in _pairs(results("unstopped-target"), "unstopped-target") if pair.place is not None]
    assert {pair.place.tensor for pair in pairs if pair.place} == {"alike"}


@pytest.mark.long
@pytest.mark.parametrize(("name", "known"), [("relative-places", "K-03"), ("warmed-up", "K-60"), ("bias-free", "K-60")])
def test_a_known_defect_of_an_optimizer_is_the_only_one(results: Callable[[str], Results], name: str, known: str) -> None:
    causes = [cause for finding in _findings(results(name), name) for cause in finding.causes]
    found = [dict(cause.detail)["known"] for cause in causes if cause.code == Code.DEFINITION]
    assert set(found) == {known}


@pytest.mark.long
def test_a_file_that_cannot_hold_operations_is_said_to_be_of_that_kind(results: Callable[[str], Results]) -> None:
    checks = [check for check in results("summed-branches").checks if check.scenario == "summed-branches"]
    old = [check for check in checks if (check.kind, check.form) == ("saved", "model.h5")]
    assert [check.verdict for check in old] == [Verdict.NOT_RUN] * 3
    for check in old:
        (cause,) = check.causes
        assert cause.code == Code.UNSUPPORTED
        assert "operations of keras.ops, as " in cause.reason and "K-61" in cause.reason


@pytest.mark.long
def test_backends_that_take_other_slopes_at_a_corner_are_both_right(results: Callable[[str], Results]) -> None:
    pairs = [pair for pair in _pairs(results("black-background"), "black-background") if pair.verdict is Verdict.DIFFERENT]
    assert [{run.configuration.environment for run in pair.runs} for pair in pairs] == [
        {"tensorflow", "jax"},
        {"jax", "torch"},
    ]
    assert [pair.side for pair in pairs] == [None, None]
    assert {detail for pair in pairs for cause in pair.causes for detail in cause.detail} == {
        ("layer", "leaky (LeakyReLU)"), ("odd", "jax"),
    }  # fmt: skip


@pytest.mark.parametrize("name", _each(BY_DESIGN))
def test_a_reduction_that_is_declared_is_the_only_cause(results: Callable[[str], Results], name: str) -> None:
    apart = [pair for pair in _pairs(results(name), name) if pair.verdict is Verdict.BY_DESIGN]
    assert len(apart) == 5, "the run on two devices of one backend, against all others"
    for pair in apart:
        details = {detail for cause in pair.causes for detail in cause.detail}
        [(environment, reduction)] = BY_DESIGN[name]
        sides = {(run.configuration.environment, run.configuration.devices) for run in pair.runs}
        if sides == {("tensorflow", 2), ("torch", 2)}:
            assert details == {("losses", "sum of replica shares"), ("other losses", "mean of replica means")}
            continue
        assert {what for what, _ in details} == {"gradients"}, "nothing is said of batch normalization"
        assert ("gradients", reduction) in details
        assert environment in {run.configuration.environment for run in pair.runs if run.configuration.devices == 2}
    checks = [check for check in results(name).checks if check.scenario == name and check.verdict is Verdict.BY_DESIGN]
    assert {what for check in checks for cause in check.causes for what, _ in cause.detail} <= {"live evaluation"}


@pytest.mark.long
def test_replicas_of_a_transposed_kernel_are_equal(results: Callable[[str], Results]) -> None:
    checks = [check for check in results("square-kernel").checks if check.scenario == "square-kernel"]
    replicas = [check for check in checks if check.kind == "replica"]
    assert len(replicas) == 3
    assert {check.verdict for check in replicas} == {Verdict.IDENTICAL}


@pytest.mark.long
def test_sines_of_large_angles_are_rounding_because_inputs_rounded_otherwise_show_it(
    results: Callable[[str], Results],
) -> None:
    rows = [row for row in results("far-angles").runs if row.run.configuration.scenario == "far-angles"]
    reruns = [row.run for row in rows if row.run.rounds_inputs]
    assert {run.configuration.environment for run in reruns} == {"tensorflow", "jax", "torch"}


def test_operations_are_named_with_the_layer_that_calls_them(results: Callable[[str], Results]) -> None:
    found = _findings(results("crossed-arms"), "crossed-arms")
    named = {cause.subject: dict(cause.detail) for finding in found for cause in finding.causes}
    assert {of: (one["class"], one["name"], one["stage"], one["known"]) for of, one in named.items()} == {
        "torch": ("keras.ops.cross", "cross", "forward", "K-68"),
        "tensorflow": ("keras.ops.cumprod", "chain/cumprod", "gradient", "K-69"),
    }


@pytest.mark.long
def test_an_operation_without_a_definition_is_named_where_backends_part_in_it(results: Callable[[str], Results]) -> None:
    (finding,) = _findings(results("fixed-gaze"), "fixed-gaze")
    (detail,) = [dict(cause.detail) for cause in finding.causes]
    assert (detail["operation"], detail["known"]) == ("keras.ops.image.affine_transform", "K-66")


@pytest.mark.long
def test_a_training_that_is_lost_says_in_which_step_and_by_which_call(results: Callable[[str], Results]) -> None:
    """In the fourth step, whose state is not stored."""
    found = _findings(results("silent-recordings"), "silent-recordings")
    for finding in found:
        assert finding.place is not None
        assert (finding.place.stage, finding.place.tensor, finding.place.state) == ("gradient", "pool", "3")
    operations = {(cause.subject, *cause.detail) for finding in found for cause in finding.causes}
    std = ("stage", "gradient"), ("operation", "keras.ops.std")
    assert operations == {("tensorflow", *std), ("jax", *std)}
