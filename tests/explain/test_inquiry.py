"""An inquiry in rounds: what it asks for, what it applies on top of what, and what it says of the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from suite.explain import diagnoses
from suite.explain.candidates import single
from suite.explain.hypotheses import HYPOTHESES, Hypothesis
from suite.explain.inquiry import Inquiry
from suite.records import SINGLE_STEP, BatchNorm, Code, Deviation, Diagnosis, Run, plain
from tests.explain.run_folders import Folder, configuration, oracle, steps_of

Step = Mapping[str, float | np.ndarray]

RATE = 1.001
FORWARD, LOSS, GRADIENT, UPDATE, SLOT = (
    "forward|dense",
    "loss|loss",
    "gradient|dense/kernel",
    "update|dense/kernel",
    "optimizer state|dense/kernel/momentum",
)
CLEAN = {FORWARD: 1.1, LOSS: 1.0, GRADIENT: 1.0, UPDATE: 0.5, SLOT: 2.0}


def emulated(deviation: Deviation) -> Step:
    """One step of an oracle: what its deviation makes of it."""
    return CLEAN | {
        GRADIENT: deviation.gradient_scale * deviation.loss_scale * (3.0 if deviation.undivided else 1.0),
        LOSS: deviation.loss_scale * deviation.reported_loss,
        UPDATE: 0.5 * deviation.learning_rate * (1.0 if deviation.clipping == "declared" else 2.0),
    }


def answered(
    path: Path,
    run: Step,
    kernel: float,
    whole: Callable[[Deviation], float] = lambda _: 1.0,
    *,
    start: float = 0.0,
    norms: Sequence[BatchNorm] = (),
    rounding: float = 0.0,
) -> tuple[Diagnosis, list[Run]]:
    """What comes of a run with this step that trains the kernel from `start` so far, when everything that is asked for is
    answered. `whole`: how far an emulation trains it; `norms`: of the model; `rounding`: how far permuted reruns are off.
    With all that was asked for."""
    made = Folder(path, ["torch"], norms=norms)
    made.all_trained({"torch": 1.0})
    subject = plain(configuration("torch"), "float64")
    made.trained(subject, kernel, start=start)
    asked: list[Run] = []
    while True:
        folder = made.read()
        found = diagnoses.compared(folder.subject(configuration("torch")))  # type: ignore[arg-type]
        assert not isinstance(found, str)
        inquiry = Inquiry(folder, configuration("torch"), oracle("torch"), found)
        wanted = inquiry.further()
        if not wanted:
            return inquiry.diagnosis(0.5), asked
        asked += wanted
        for one in wanted:
            deviation = one.emulates.deviation if one.emulates else None
            if one.variation == SINGLE_STEP:
                made.stepped(one, run if deviation is None else emulated(deviation))
            elif deviation is None:
                assert one.variation == "permuted"
                made.rerun(one, kernel + one.index * rounding, start=start)
            else:
                made.rerun(one, whole(deviation), start=start if deviation.initial != "stored" else 0.0)


def suspected(found: Diagnosis) -> list[tuple[str, int]]:
    return [(one.name, one.round) for one in found.suspects if one.matches]


def test_one_deviation_is_found_where_it_begins_and_confirmed_by_a_whole_run(tmp_path: Path) -> None:
    run = CLEAN | {UPDATE: 0.5 * RATE}
    found, asked = answered(tmp_path, run, 2.0, lambda deviation: 2.0 if deviation.learning_rate == RATE else 1.0)
    assert suspected(found) == [("learning-rate", 1)]
    assert found.place is not None and (found.place.stage, found.place.tensor) == ("update", "dense/kernel")
    assert found.remaining is None
    (suspect,) = found.suspects
    assert (suspect.detail, suspect.measured, suspect.whole) == ("1.001", True, True)
    assert suspect.distance < 1e-10
    assert [cause.code for cause in diagnoses.causes(found)] == ["learning-rate"]
    assert asked[:2] == [steps_of(plain(configuration("torch"))), steps_of(oracle("torch"))], "where it begins comes first"
    whole = [one for one in asked if one.variation != SINGLE_STEP]
    assert len(whole) == 1, "whole runs of what matches alone"


@pytest.mark.parametrize(("rounding", "left"), [(1e-6, None), (0.0, "trajectory")])
def test_a_rest_that_no_step_shows_is_held_against_what_rounding_grows_to(
    tmp_path: Path, rounding: float, left: str | None
) -> None:
    run = CLEAN | {UPDATE: 0.5 * RATE}
    almost = 2.0 + 2e-6
    found, asked = answered(
        tmp_path, run, 2.0, lambda deviation: almost if deviation.learning_rate == RATE else 1.0, rounding=rounding
    )
    assert suspected(found) == [("learning-rate", 1)]
    assert sum(one.variation == "permuted" for one in asked) == 3
    assert (found.remaining and found.remaining.stage) == left


def test_what_matches_is_applied_and_the_rest_is_searched(tmp_path: Path) -> None:
    run = CLEAN | {LOSS: 3.0, GRADIENT: 3.0, UPDATE: 0.5 * RATE}

    def whole(deviation: Deviation) -> float:
        return 2.0 if (deviation.loss_scale, deviation.learning_rate) == (3.0, RATE) else 1.0

    found, _ = answered(tmp_path, run, 2.0, whole)
    assert suspected(found) == [("gradient-scale", 1), ("learning-rate", 2)]
    assert found.remaining is None
    first, second = (suspect for suspect in found.suspects if suspect.matches)
    assert first.distance > 0.1, "alone it does not predict the run"
    assert second.distance < 1e-10
    causes = diagnoses.causes(found)
    assert [dict(cause.evidence).get("round") for cause in causes] == [None, 2.0]


def test_behind_another_start_the_search_goes_on(tmp_path: Path) -> None:
    def whole(deviation: Deviation) -> float:
        return 2.0 if deviation.initial != "stored" and deviation.learning_rate == RATE else 1.0

    found, _ = answered(tmp_path, CLEAN | {UPDATE: 0.5 * RATE}, 2.0, whole, start=0.5)
    assert found.place is not None and found.place.stage == "initial state"
    assert suspected(found) == [("initial-state", 1), ("learning-rate", 2)]
    assert found.remaining is None
    alone, _ = answered(tmp_path / "alone", CLEAN, 2.0, lambda one: 2.0 if one.initial != "stored" else 1.0, start=0.5)
    assert suspected(alone) == [("initial-state", 1)] and alone.remaining is None


@pytest.mark.parametrize("norms", [(), (BatchNorm(name="n", mean="n/mean", variance="n/variance"),)])
def test_hypotheses_about_batch_normalization_are_tried_only_where_there_is_one(
    tmp_path: Path, norms: tuple[BatchNorm, ...]
) -> None:
    _, asked = answered(tmp_path, CLEAN | {FORWARD: 2.0}, 2.0, norms=norms)
    tried = [run.emulates.name for run in asked if run.emulates and run.emulates.name]
    assert any(name.startswith("bn-") for name in tried) is bool(norms)


def test_a_rest_that_nothing_explains_is_said_with_its_place(tmp_path: Path) -> None:
    found, _ = answered(tmp_path, CLEAN | {UPDATE: 0.5 * RATE, SLOT: 1.0}, 2.0)
    assert suspected(found) == [("learning-rate", 1)]
    assert found.remaining is not None and found.remaining.stage == "optimizer state"
    assert [cause.code for cause in diagnoses.causes(found)] == ["learning-rate", Code.UNKNOWN]


def test_whole_runs_have_the_last_word(tmp_path: Path) -> None:
    found, _ = answered(tmp_path, CLEAN | {UPDATE: 0.5 * RATE}, 2.0, lambda deviation: 1.0)
    assert suspected(found) == [("learning-rate", 1)], "it predicts every step"
    assert found.remaining is not None and found.remaining.stage == "trajectory"
    assert Code.UNKNOWN in [cause.code for cause in diagnoses.causes(found)]


def test_hypotheses_that_predict_the_same_are_of_one_round(tmp_path: Path) -> None:
    found, _ = answered(tmp_path, CLEAN | {GRADIENT: 3.0}, 2.0, lambda deviation: 2.0 if deviation != Deviation() else 1.0)
    assert {number for _, number in suspected(found)} == {1}
    assert ("gradient-scale", 1) in suspected(found)


def test_a_hypothesis_that_says_less_is_not_named_beside_the_one_that_includes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undivided = Hypothesis(name="loss-undivided", stages=("gradient",), candidates=single(undivided=True))
    monkeypatch.setattr("suite.explain.rounds.HYPOTHESES", (*HYPOTHESES, undivided))
    run, whole = CLEAN | {GRADIENT: 3.0}, lambda deviation: 2.0 if deviation != Deviation() else 1.0
    assert suspected(answered(tmp_path / "both", run, 2.0, whole)[0]) == [("loss-undivided", 1)]
    run = CLEAN | {GRADIENT: 4.0}
    assert suspected(answered(tmp_path / "one", run, 2.0, whole)[0]) == [("gradient-scale", 1)]


@pytest.mark.parametrize(
    ("right", "name"),
    [
        (lambda deviation: deviation.clipping == "none", "clipping-missing"),
        (lambda deviation: deviation.learning_rate != 1.0, "learning-rate"),
    ],
)
def test_of_those_that_steps_do_not_tell_apart_whole_runs_choose(
    tmp_path: Path, right: Callable[[Deviation], bool], name: str
) -> None:
    """As clipping that acts alike in the steps that are looked at."""
    found, asked = answered(tmp_path, CLEAN | {UPDATE: 1.0}, 2.0, lambda deviation: 2.0 if right(deviation) else 1.5)
    assert suspected(found) == [(name, 1)]
    assert found.remaining is None
    assert [cause.code for cause in diagnoses.causes(found)] == [name]
    assert not [run.id for run in asked if run.emulates and "+" in run.emulates.name], (
        "nothing is tried on top of the others"
    )


def test_clipping_that_acts_in_steps_that_are_not_looked_at_alone_is_found_in_whole_runs(tmp_path: Path) -> None:
    found, _ = answered(tmp_path, CLEAN, 2.0, lambda deviation: 2.0 if deviation.clipping == "none" else 1.0)
    assert suspected(found) == [("clipping-missing", 1)]
    assert found.place is not None and found.place.stage == "trajectory"


@pytest.mark.parametrize(("nearest", "said"), [(2.0 - 1e-3, ["rows-reversed"]), (1.5, [])])
def test_the_nearest_hypothesis_is_named_only_if_it_explains_nearly_all(
    tmp_path: Path, nearest: float, said: list[str]
) -> None:
    def whole(deviation: Deviation) -> float:
        return nearest if deviation.order == "reversed rows" else 1.0

    found, _ = answered(tmp_path, CLEAN, 2.0, whole)
    assert suspected(found) == []
    assert [one.name for one in found.suspects] == said
    assert found.place is not None and found.place.stage == "trajectory"
    assert found.remaining == found.place
    assert found.tried > 1


def test_numbers_of_a_narrower_format_are_named(tmp_path: Path) -> None:
    found, _ = answered(tmp_path, CLEAN | {FORWARD: float(np.float32(CLEAN[FORWARD]))}, 2.0)
    (suspect,) = (one for one in found.suspects if one.matches)
    assert (suspect.name, suspect.detail) == (Code.DTYPE_DEMOTED, "float32")
    assert found.remaining is None, "it says nothing of the rest"


def test_without_steps_it_is_said_why_there_is_no_place(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch"])
    made.all_trained({"torch": 1.0})
    made.trained(plain(configuration("torch"), "float64"), 2.0)
    folder = made.read()
    found = diagnoses.compared(folder.subject(configuration("torch")))  # type: ignore[arg-type]
    known = diagnoses.diagnosis(folder, configuration("torch"), found)
    assert (known.place, known.suspects) == (None, ())
    assert known.reason == "no single-step comparison: it was not run"
    assert known.distance == pytest.approx(0.5)


# ---------------------------------------------------------------- numbers of a narrower format

THIRDS = np.array([1.0, 2.0, 4.0]) / 3.0


@pytest.mark.parametrize(
    ("outputs", "format"),
    [
        (THIRDS.astype(np.float32).astype(np.float64), "float32"),
        (THIRDS.astype(np.float16).astype(np.float64), "float16"),
        (THIRDS, None),
        (np.zeros(3), None),  # numbers of any format, and nothing like what was wanted
        (np.array([1.0, 2.0, 4.0]), None),
    ],
)
def test_a_layer_computes_in_a_narrower_format_where_its_outputs_are_such_numbers_near_the_right_ones(
    tmp_path: Path, outputs: np.ndarray, format: str | None
) -> None:
    made = Folder(tmp_path, ["torch"])
    made.all_trained({"torch": 1.0})
    subject = plain(configuration("torch"), "float64")
    made.trained(subject, 2.0)
    made.stepped(steps_of(subject), CLEAN | {FORWARD: outputs, LOSS: 2.0})
    made.stepped(steps_of(oracle("torch")), CLEAN | {FORWARD: THIRDS})
    folder = made.read()
    found = diagnoses.compared(folder.subject(configuration("torch")))  # type: ignore[arg-type]
    assert not isinstance(found, str)
    suspects = Inquiry(folder, configuration("torch"), oracle("torch"), found).diagnosis(0.5).suspects
    assert [one.detail for one in suspects if one.name == Code.DTYPE_DEMOTED] == ([format] if format else [])
