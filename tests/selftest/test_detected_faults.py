"""What counts as detected, named and located; of a fault of a run, of its file, and of a whole environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.explain import findings
from suite.records import (
    Cause,
    Code,
    Configuration,
    ConsistencyCheck,
    Environment,
    Judged,
    Pair,
    Provisioned,
    Results,
    Status,
    Verdict,
    because,
    plain,
)
from suite.selftest import output, score
from suite.selftest.plan import RANDOM, Expected, Injected
from tests.report import builder
from tests.selftest.by_hand import (
    CLEAN,
    FAULTY,
    INJECTED,
    PLACE,
    SAVED,
    check,
    diagnosis,
    judged,
    of,
    outcome,
    pair,
    results,
)


def test_a_fault_that_is_named_and_located() -> None:
    found = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-epsilon", 1e-13), place=PLACE),))
    assert (found.detected, found.side, found.right_cause, found.right_place, found.size) == (True, True, True, True, 0.25)


def test_the_side_that_a_pair_names_is_right_or_wrong_whatever_checks_say() -> None:
    off = (diagnosis(("bn-epsilon", 1e-13), place=PLACE),)
    assert outcome(replace(pair(Verdict.DIFFERENT), side=plain(FAULTY))).side
    assert not outcome(replace(pair(Verdict.DIFFERENT), side=plain(CLEAN)), diagnoses=off).side


def test_a_check_of_the_faulty_run_alone_names_the_side_where_the_pair_names_none() -> None:
    assert not outcome(pair(Verdict.DIFFERENT)).side
    assert outcome(pair(Verdict.IDENTICAL), checks=(check(FAULTY, judged("predictions", Verdict.DIFFERENT)),)).side
    assert not outcome(pair(Verdict.DIFFERENT), checks=(check(CLEAN, judged("predictions", Verdict.DIFFERENT)),)).side


@pytest.mark.parametrize("verdict", [Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE, Verdict.INCONCLUSIVE])
def test_a_pair_that_agrees_detects_nothing(verdict: Verdict) -> None:
    found = outcome(pair(verdict))
    assert (found.detected, found.size) == (False, None)
    assert not found.right_cause
    without_a_cause = replace(INJECTED, expected=replace(INJECTED.expected, causes=(Code.UNKNOWN,)))
    assert not outcome(pair(verdict), injected=without_a_cause).right_cause, "nobody knows why, and nobody saw it"


def test_an_oracle_detects_what_a_pair_does_not() -> None:
    assert outcome(pair(Verdict.ROUNDING), diagnoses=(diagnosis(distance=1e-6),)).detected
    assert not outcome(pair(Verdict.ROUNDING), diagnoses=(diagnosis(distance=1e-9),)).detected  # float32 shows nothing
    assert not outcome(pair(Verdict.ROUNDING), diagnoses=(diagnosis(distance=None),)).detected


def test_a_run_that_failed_is_not_detected_and_says_why() -> None:
    found = outcome(pair(Verdict.NOT_RUN, cause=because(Code.NOT_RUN, "rank 1 died")))
    assert (found.detected, found.note) == (False, "rank 1 died")
    assert outcome().note == f"{FAULTY.id}/plain was compared with nothing"


@pytest.mark.parametrize(("status", "counted"), [(Status.FAILED, 0), (Status.UNSUPPORTED, 0), (Status.COMPLETE, 1)])
def test_a_fault_in_what_does_not_run_without_it_is_in_no_rate(status: Status, counted: int) -> None:
    lost = pair(Verdict.NOT_RUN, cause=because(Code.NOT_RUN, "no such kernel"))
    found = score.score(builder.assemble((builder.row(CLEAN, status),), (lost,), ()), [INJECTED])
    assert (len(found.faults), len(found.not_run)) == (counted, 1 - counted)
    assert ("not run: " in output.table(found)) is (counted == 0)


def test_a_suspect_that_does_not_match_is_not_named() -> None:
    near = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-epsilon", 1e-9)),))
    assert (near.causes, near.right_cause) == ((), False)


def test_the_right_cause_may_have_company_that_predicts_the_same() -> None:
    both = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-bessel", 0.0), ("bn-epsilon", 0.0)),))
    assert (both.causes, both.right_cause) == (("bn-bessel", "bn-epsilon"), True)
    wrong = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-bessel", 0.0)),))
    assert not wrong.right_cause


def test_a_fault_without_a_hypothesis_must_be_called_unknown() -> None:
    injected = of("bias-twice")
    configuration = injected.configuration
    sides = pair(Verdict.DIFFERENT, b=configuration)
    assert outcome(sides, injected=injected).right_cause
    named = replace(diagnosis(("bn-epsilon", 0.0)), run=plain(configuration))
    assert not outcome(sides, diagnoses=(named,), injected=injected).right_cause


@pytest.mark.parametrize(("stage", "tensor"), [("gradient", "norm"), ("forward", "hidden"), ("save", "norm")])
def test_a_different_stage_or_tensor_is_a_different_place(stage: str, tensor: str) -> None:
    place = replace(PLACE, stage=stage, tensor=tensor)
    assert not outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(place=place),)).right_place


def test_no_place_is_no_right_place() -> None:
    assert not outcome(pair(Verdict.DIFFERENT)).right_place


@pytest.mark.parametrize("code", score.OF_FILES)
def test_a_fault_of_a_file_has_a_name(code: Code) -> None:
    off = judged("trainable weights", Verdict.DIFFERENT, code=code)
    found = outcome(
        pair(Verdict.IDENTICAL, b=SAVED.configuration), checks=(check(SAVED.configuration, off),), injected=SAVED
    )
    assert found.causes == (code,)


def test_a_file_is_off_where_the_clean_one_is_not() -> None:
    lost = judged("moving statistics", Verdict.DIFFERENT, code=Code.NOT_SAVED, tensor="norm/moving_variance")
    sides = pair(Verdict.IDENTICAL, b=SAVED.configuration)
    fine = check(CLEAN, judged("moving statistics", Verdict.IDENTICAL))
    found = outcome(sides, checks=(fine, check(SAVED.configuration, lost)), injected=SAVED)
    assert (found.detected, found.right_cause, found.right_place, found.size) == (True, True, True, 0.25)


def test_what_is_said_of_the_clean_run_as_well_is_no_cause_of_the_fault() -> None:
    seed = judged("other state", Verdict.DIFFERENT, code=Code.NOT_SAVED)
    lost = judged("moving statistics", Verdict.DIFFERENT, code=Code.NOT_SAVED)
    checks = (check(CLEAN, seed), check(SAVED.configuration, seed, lost))
    found = outcome(pair(Verdict.IDENTICAL, b=SAVED.configuration), checks=checks, injected=SAVED)
    assert (found.detected, found.causes) == (True, ())
    both = diagnosis(("clipping-per-replica", 0.0), ("bn-epsilon", 0.0)), diagnosis(("clipping-per-replica", 0.0))
    known = outcome(pair(Verdict.DIFFERENT), diagnoses=(both[0], replace(both[1], run=plain(CLEAN))))
    assert known.causes == ("bn-epsilon",)


def test_a_file_that_is_off_without_the_fault_too_detects_nothing() -> None:
    off = judged("predictions", Verdict.DIFFERENT)
    checks = (check(CLEAN, off), check(SAVED.configuration, off))
    assert not outcome(pair(Verdict.IDENTICAL, b=SAVED.configuration), checks=checks, injected=SAVED).detected


def test_a_file_of_a_run_that_is_off_itself_is_no_place() -> None:
    lost = check(FAULTY, judged("predictions", Verdict.DIFFERENT, tensor="output"))
    sides = pair(Verdict.DIFFERENT)
    assert outcome(sides, checks=(lost,), diagnoses=(diagnosis(distance=0.5),)).place is None
    assert outcome(sides, checks=(lost,), diagnoses=(diagnosis(distance=0.0),)).place == score.Location(
        stage="save", tensor="output"
    )


# ---------------------------------------------------------------- models drawn at random


DEFECTIVE = Configuration(scenario="random-1", environment="jax-defect", strategy="single", devices=1)
OF_BACKEND = Injected(
    fault="bias-again",
    target="dense_1",
    configuration=DEFECTIVE,
    expected=Expected(causes=("definition layer dense_1*",), stage="forward", tensor="dense_1|dense_2"),
    ground=RANDOM,
    original="jax",
)
ENVIRONMENTS = tuple(
    Provisioned(environment=Environment(name=name, backend="jax", faults=faults))
    for name, faults in (("jax", ()), ("torch", ()), ("jax-defect", (("random-1", "bias-again@dense_1"),)))
)


def departs(subject: str, name: str) -> Cause:
    detail = (("what", "layer"), ("class", "Dense"), ("name", name), ("stage", "forward"))
    return Cause(code=Code.DEFINITION, subject=subject, detail=detail)


def of_backend(*pairs: Pair, checks: tuple[ConsistencyCheck, ...] = ()) -> Results:
    results = builder.assemble((), pairs, checks, environments=ENVIRONMENTS)
    return replace(results, findings=findings.group((*pairs, *checks), ()))


def test_a_fault_of_a_backend_is_found_where_it_departs_from_the_environment_without_it() -> None:
    clean = replace(DEFECTIVE, environment="jax")
    off = replace(pair(Verdict.DIFFERENT, clean, DEFECTIVE, departs("jax-defect", "dense_1")), place=PLACE)
    found = score.outcome(of_backend(off), OF_BACKEND)
    assert (found.detected, found.side, found.right_cause, found.right_place) == (True, True, True, False)
    there = replace(off, place=replace(PLACE, tensor="dense_2"))
    assert score.outcome(of_backend(there), OF_BACKEND).right_place
    # A file of the run without it, loaded where it is, is no run without it.
    loaded = replace(check(clean, judged("predictions", Verdict.DIFFERENT)), kind="reloaded", environment="jax-defect")
    assert score.outcome(of_backend(off, checks=(replace(loaded, causes=off.causes),)), OF_BACKEND).right_cause
    for wrong in (departs("jax-defect", "dense_10"), departs("jax", "dense_1")):
        named = replace(off, causes=(wrong,))
        assert score.outcome(of_backend(named), OF_BACKEND).right_cause is (wrong.subject == "jax-defect")


def test_what_an_environment_with_a_fault_takes_part_in_is_not_clean() -> None:
    clean = replace(DEFECTIVE, environment="jax")
    elsewhere = replace(DEFECTIVE, scenario="random-2")
    loaded = replace(check(clean, judged("predictions", Verdict.DIFFERENT)), kind="reloaded", environment="jax-defect")
    pairs = (
        pair(Verdict.DIFFERENT, clean, DEFECTIVE),
        pair(Verdict.ROUNDING, clean, replace(clean, environment="torch")),
        pair(Verdict.ROUNDING, replace(clean, scenario="random-2"), elsewhere),
    )
    found = score.score(of_backend(*pairs, checks=(loaded,)), [OF_BACKEND], RANDOM)
    assert (found.ground, found.clean_pairs, found.clean_checks, found.alarms) == (RANDOM, 2, 0, ())


@pytest.mark.parametrize(("distance", "without"), [(0.0, True), (9e-12, True), (1e-11, False), (1e-9, False)])
def test_a_fault_that_changes_nothing_is_not_counted(distance: float, without: bool) -> None:
    same = pair(Verdict.ROUNDING)
    alike = replace(same, quantities=(judged("trainable weights", Verdict.ROUNDING, distance),))
    found = score.score(results(alike), [INJECTED])
    assert (len(found.faults), len(found.without_effect)) == ((0, 1) if without else (1, 0))


def test_what_only_a_file_shows_is_an_effect() -> None:
    equal = pair(Verdict.IDENTICAL, b=SAVED.configuration)
    alike = replace(equal, quantities=(judged("trainable weights", Verdict.IDENTICAL, 0.0),))
    by_design = judged("predictions", Verdict.BY_DESIGN, 0.5)

    def effect(*quantities: Judged) -> float | None:
        checks = (check(CLEAN, by_design), check(SAVED.configuration, *quantities))
        return score.outcome(builder.assemble((), [alike], checks), SAVED).effect

    assert effect(by_design) == 0.0
    assert effect(by_design, judged("moving statistics", Verdict.ROUNDING, 0.125)) == 0.125


def test_a_definition_that_departs_without_the_fault_too_detects_nothing() -> None:
    clean = replace(DEFECTIVE, environment="jax")

    def defined(configuration: Configuration, *names: str) -> ConsistencyCheck:
        causes = tuple(departs(configuration.environment, name) for name in names)
        of = replace(check(configuration, judged("x", Verdict.DIFFERENT)), kind="defined", form="", quantities=())
        return replace(of, causes=causes)

    sides = pair(Verdict.ROUNDING, clean, DEFECTIVE)
    both = of_backend(sides, checks=(defined(clean, "dense_2"), defined(DEFECTIVE, "dense_2")))
    assert not score.outcome(both, OF_BACKEND).detected
    more = of_backend(sides, checks=(defined(clean, "dense_2"), defined(DEFECTIVE, "dense_2", "dense_1")))
    assert score.outcome(more, OF_BACKEND).detected
