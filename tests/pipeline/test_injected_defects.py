"""The whole pipeline with the fake backend, with each injected defect: its verdict, its cause, its side and its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from suite.records import MEASURED, Cause, Code, Status, Verdict
from suite.runner.numpy_backend.defects import DEFECTS
from tests.conftest import Parity
from tests.pipeline.fake_runs import ONE, TWO, checks, compared, injected, pair, quantity, rows, steps_of, trained


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a defect must be reported as. `devices`: which pair shows it; `shown`: a quantity that shows it; `kept`:
    quantities that stay clean; `place`: the stage at which the run leaves its oracle, empty if it does not."""

    devices: str = ONE
    verdict: Verdict = Verdict.DIFFERENT
    causes: tuple[Cause, ...]
    shown: str = "trainable weights"
    kept: tuple[str, ...] = ()
    place: str = ""


def measured(code: str, number: str) -> Cause:
    return Cause(code=code, detail=((MEASURED, number),))


def variant(code: str, name: str) -> Cause:
    return Cause(code=code, detail=(("variant", name),))


MOVING = "moving statistics"
LEARNED = ("trainable weights", "loss")
WRONG = {
    "epsilon": Expected(causes=(measured("bn-epsilon", "0.00107422"),), place="forward"),
    "momentum": Expected(causes=(measured("bn-momentum", "0.9"),), shown=MOVING, kept=LEARNED, place=MOVING),
    "bessel": Expected(causes=(Cause(code="bn-bessel-moving"),), shown=MOVING, kept=LEARNED, place=MOVING),
    "rate": Expected(causes=(measured("learning-rate", "1.001"),), place="update"),
    "summed": Expected(
        devices=TWO,
        causes=(Cause(code="gradients-summed"), measured("gradient-scale", "the gradient, 2")),
        place="gradient",
    ),
    "unreduced": Expected(
        devices=TWO, causes=(variant("gradients-unreduced", "the first one's are used"),), place="gradient"
    ),
    "averaged": Expected(
        devices=TWO,
        causes=(variant("semantics", "averaged moving statistics"),),
        shown=MOVING,
        kept=LEARNED,
        place=MOVING,
    ),
    "skipped": Expected(
        causes=(measured("bn-momentum", "1"), Cause(code="bn-moving-skipped")), shown=MOVING, kept=LEARNED, place=MOVING
    ),
    "initial": Expected(causes=(variant("initial-state", "norm/beta"),), place="initial state"),
    "order": Expected(causes=(Cause(code="batch-order"),), place="trajectory"),
    "nan": Expected(causes=(Cause(code=Code.NON_FINITE, subject="fake-b"),)),
    "noise": Expected(verdict=Verdict.NOISE, causes=(Cause(code=Code.REPEATS_DIFFER, subject="fake-b"),)),
}
BROKEN = {"raise": Status.FAILED, "hang": Status.TIMED_OUT, "killed": Status.FAILED, "half": Status.FAILED}
# These have tests of their own.
OTHER = {
    "unsaved", "recompiled", "restarted", "swapped", "loaded", "demoted", "wide", "narrow", "crash", "layer", "unemulated",
    "tf32", "bfloat16",
}  # fmt: skip


def kinds(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Causes without their numbers."""
    return tuple(cause.kind for cause in causes)


def test_every_defect_is_tested() -> None:
    assert set(DEFECTS) == set(WRONG) | set(BROKEN) | OTHER


@pytest.mark.parametrize("defect", WRONG)
def test_a_wrong_run_is_not_taken_for_rounding(parity: Parity, defect: str) -> None:
    expected = WRONG[defect]
    code, results = injected(parity, defect)
    found = pair(results, f"fake-a/{expected.devices}", f"fake-b/{expected.devices}")
    shown = quantity(found, expected.shown)
    assert found.verdict is shown.verdict is expected.verdict
    assert kinds(shown.causes) == expected.causes
    assert all(quantity(found, name).verdict in (Verdict.IDENTICAL, Verdict.ROUNDING) for name in expected.kept)
    assert code == results.exit_code == (0 if expected.verdict is Verdict.NOISE else 1)
    accused = {cause.subject for member in results.members for cause in member.causes if cause.code == Code.LOADED_WRONGLY}
    assert "fake-a" not in accused, "the file of a run that is off is no measure of who loads it"
    off = {one.run: one for one in results.diagnoses if one.distance and one.distance >= 1e-10}
    assert {run.configuration.environment for run in off} <= {"fake-b"}
    if expected.place:
        assert kinds(found.causes) == expected.causes
        assert found.side in off
        assert found.side.id == f"clusters/fake-b/{expected.devices}/plain"
        for one in off.values():
            assert all(suspect.whole and suspect.distance < 1e-10 for suspect in one.suspects)
            assert tuple(suspect.cause.kind for suspect in one.suspects) == expected.causes
            assert one.place is not None
            assert one.place.stage == expected.place
    else:
        assert not off
        lost = {cause.subject for cause in found.causes if cause.code == Code.NON_FINITE}
        assert (found.side.configuration.environment if found.side else "") == "".join(lost)
    # The other side's own runs stay what they are.
    assert checks(results, f"fake-a/{ONE}", "saved") == {Verdict.IDENTICAL}


@pytest.mark.parametrize("defect", BROKEN)
def test_a_broken_run_is_a_row_with_its_reason(parity: Parity, defect: str) -> None:
    code, results = injected(parity, defect, "--timeout", "3")
    broken = trained(results, "fake-b").values()
    assert {row.status for row in broken} == {BROKEN[defect]}
    assert all(row.reason for row in broken)
    assert {row.status for row in rows(results, "fake-a").values()} == {Status.COMPLETE}
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert found.verdict is Verdict.NOT_RUN
    assert {cause.code for cause in found.causes} == {Code.NOT_RUN}
    assert code == results.exit_code == 2
    assert re.search(r"not run; .* failures?\.$", parity.results()["answer"])


def test_statistics_that_are_not_saved_are_named(parity: Parity) -> None:
    code, results = injected(parity, "unsaved")
    assert code == 1
    unsaved = Cause(code=Code.NOT_SAVED, detail=(("tensor", "norm/moving_variance"),))
    saved = [check for check in results.checks if "fake-b/" in check.run.id and check.kind == "saved"]
    assert {check.run.id for check in saved} == {f"clusters/fake-b/{devices}/plain" for devices in (ONE, TWO)}
    assert {kinds(quantity(check, MOVING).causes) for check in saved} == {(unsaved,)}
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}").verdict is Verdict.ROUNDING


def test_tensors_swapped_in_the_file_are_found(parity: Parity) -> None:
    code, results = injected(parity, "swapped")
    assert code == 1
    swapped = Cause(code=Code.SAVE_SWAPPED, detail=(("norm/beta", "norm/gamma"), ("norm/gamma", "norm/beta")))
    saved = [check for check in results.checks if f"fake-b/{ONE}" in check.run.id and check.kind == "saved"]
    assert saved
    for check in saved:
        weights = quantity(check, "trainable weights")
        assert (weights.verdict, kinds(weights.causes)) == (Verdict.DIFFERENT, (swapped,))
        assert quantity(check, MOVING).verdict is Verdict.IDENTICAL


def test_what_a_file_is_compiled_with_is_compared(parity: Parity) -> None:
    code, results = injected(parity, "recompiled")
    assert code == 1
    (check,) = (one for one in results.checks if one.verdict is Verdict.DIFFERENT)
    assert (check.run.configuration.environment, check.kind, check.form) == ("fake-b", "saved", "model.keras")
    (cause,) = check.causes
    assert (cause.code, cause.detail[0][0]) == (Code.COMPILED_DIFFERENTLY, "optimizer.learning_rate")
    assert quantity(check, "compile configuration").verdict is Verdict.DIFFERENT
    assert quantity(check, "trainable weights").verdict is quantity(check, "evaluation").verdict is Verdict.IDENTICAL


def test_training_that_does_not_go_on_as_it_was_is_found(parity: Parity) -> None:
    code, results = injected(parity, "restarted")
    assert code == 1
    (check,) = (one for one in results.checks if one.verdict is Verdict.DIFFERENT)
    assert (check.run.configuration.environment, check.kind) == ("fake-b", "resumed")
    assert kinds(quantity(check, "trainable weights").causes) == (Cause(code=Code.UNKNOWN),)
    assert checks(results, f"fake-a/{ONE}", "resumed") == {Verdict.IDENTICAL}


def test_who_loads_a_right_file_wrongly_is_named(parity: Parity) -> None:
    _, results = injected(parity, "loaded")
    loaded = [check for check in results.checks if check.kind == "reloaded"]
    given, own = ([check for check in loaded if f"{side}/" in check.run.id] for side in ("fake-a", "fake-b"))
    misloads = Cause(code=Code.LOADED_WRONGLY, subject="fake-b")
    assert {kinds(quantity(check, "trainable weights").causes) for check in given} == {(misloads,)}
    assert {check.verdict for check in given} == {check.verdict for check in own} == {Verdict.DIFFERENT}
    assert "fake-a" not in {cause.subject for check in own for cause in check.causes}, "it loads what it is given as it is"


def test_a_demoted_float64_is_not_trusted(parity: Parity) -> None:
    _, results = injected(parity, "demoted")
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert found.verdict is Verdict.ROUNDING, "single float32 steps of both sides from common states agree"
    (cause,) = found.causes
    assert cause.code == Code.NO_FLOAT64
    (checked,) = checks(results, "fake-b/", "declared")
    assert checked is Verdict.INCONCLUSIVE
    assert cause.reason.startswith("the float64 probe of fake-b failed: it does not compute in float64 throughout")


def test_a_kernel_that_is_unstable_only_after_some_training_is_found(parity: Parity) -> None:
    code, results = injected(parity, "wide")
    assert code == 1
    unstable = Cause(code=Code.UNSTABLE_KERNEL, subject="fake-b")
    for devices in (ONE, TWO):
        found = pair(results, f"fake-a/{devices}", f"fake-b/{devices}")
        assert (found.verdict, kinds(found.causes)) == (Verdict.DIFFERENT, (unstable,))
        numbers = dict(found.causes[0].evidence)
        assert (numbers["measured"], numbers["states"]) == (6, 4)
        assert numbers["a"] < 1e-6 < 1e-4 < numbers["b"] < 1e-3
        assert found.side is not None
        assert found.side.id == f"clusters/fake-b/{devices}/plain"
    (finding,) = (one for one in results.findings if one.verdict is Verdict.DIFFERENT)
    assert (kinds(finding.causes), finding.environment) == ((unstable,), "fake-b")
    place = finding.place
    assert place is not None
    assert (place.stage, place.tensor, place.state) == ("forward", "norm", "2")
    (words,) = (one for one in parity.results()["findings"] if one["verdict"] == "different")
    assert words["off"] == "fake-b"
    assert re.search(
        "single float32 steps from 6 common states: from 4 of them fake-b ×([12]) is much farther from float64, "
        r"first from state 2 in forward norm \(fake-a ×\1 [0-9.]+e-[78], fake-b ×\1 [0-9.]+e-4\) "
        r"\(clusters, fake-a ×\1 against fake-b ×\1\)$",
        words["evidence"],
    )
    # Every run does what is declared, and no further run was made that would not decide anything.
    assert len(results.diagnoses) == 4
    assert all(one.distance is not None and one.distance < 1e-10 for one in results.diagnoses)
    assert len(steps_of(results)) == 4 + 4


def test_kernels_that_are_as_far_from_float64_on_both_sides_are_not_unstable(parity: Parity) -> None:
    parity.scenario("clusters")
    wide, narrow = ({"PARITY_FAKE_DEFECT": name} for name in ("wide", "narrow"))
    parity.environments({"fake-a": narrow, "fake-b": {"PARITY_FAKE_ORDER": "1", **wide}})
    code, results = compared(parity, "--devices", "1")
    assert code == 0
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert (found.verdict, found.side) == (Verdict.INCONCLUSIVE, None)
    (cause,) = found.causes
    numbers = dict(cause.evidence)
    assert (cause.code, numbers["measured"]) == (Code.BEYOND_ENVELOPE, 6)
    assert 1 <= numbers["ratio"] < 2
    assert len(steps_of(results)) == 2 + 2
    (finding,) = (one for one in results.findings if one.verdict is Verdict.INCONCLUSIVE)
    assert kinds(finding.causes) == (cause.kind,)
    (words,) = (one for one in parity.results()["findings"] if one["verdict"] == "inconclusive")
    said = "single float32 steps from 6 common states are as far from float64 on both sides, within a factor of 1."
    assert said in words["evidence"]
    assert words["evidence"].endswith(": what grows in training is rounding")
