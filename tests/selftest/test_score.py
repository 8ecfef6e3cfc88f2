"""What counts as detected, named, located, and as a false alarm; on results put together by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from suite.records import (
    At,
    Cause,
    Code,
    Configuration,
    ConsistencyCheck,
    Diagnosis,
    Distances,
    Environment,
    Judged,
    Pair,
    Place,
    Provisioned,
    Results,
    Suspect,
    Verdict,
    because,
    plain,
)
from suite.selftest import output, score
from suite.selftest.plan import Injected
from tests.report import builder

CLEAN = Configuration(scenario="injected-adam", environment="torch", strategy="torch_ddp", devices=2)
FAULTY = replace(CLEAN, fault="bn-epsilon-small")
INJECTED = Injected(fault="bn-epsilon-small", configuration=FAULTY)
UNKNOWN = Cause(code=Code.UNKNOWN)
UNSTABLE = Cause(code=Code.UNSTABLE_KERNEL, subject="torch")
SAVED = Injected(fault="variance-not-saved", configuration=replace(CLEAN, fault="variance-not-saved"))


def judged(quantity: str, verdict: Verdict, float64: float = 0.25, code: str = "", tensor: str = "") -> Judged:
    at = At(step=1, plain={}, float64={"train": float64})
    found = Distances(quantity=quantity, bits=False, at=(at,))
    causes = (Cause(code=code),) if code else ()
    return Judged(quantity=quantity, verdict=verdict, causes=causes, distances=found, limits={}, worst_tensor=tensor)


def pair(verdict: Verdict, a: Configuration = CLEAN, b: Configuration = FAULTY, cause: Cause | None = None) -> Pair:
    quantities = () if verdict is Verdict.NOT_RUN else (judged("trainable weights", verdict),)
    return Pair(a=plain(a), b=plain(b), verdict=verdict, causes=(cause,) if cause else (), quantities=quantities)


def check(configuration: Configuration, *quantities: Judged) -> ConsistencyCheck:
    worst = max((one.verdict for one in quantities), key=lambda verdict: verdict.rank)
    return ConsistencyCheck(
        run=plain(configuration),
        kind="saved",
        environment="torch",
        verdict=worst,
        form="model.keras",
        quantities=quantities,
    )


def diagnosis(*suspects: tuple[str, float], distance: float | None = 0.25, place: Place | None = None) -> Diagnosis:
    return Diagnosis(
        run=plain(FAULTY),
        oracle=None,
        distance=distance,
        place=place,
        suspects=tuple(Suspect(name=name, distance=size, matches=size < 1e-10, whole=True) for name, size in suspects),
    )


def outcome(
    *pairs: Pair,
    checks: tuple[ConsistencyCheck, ...] = (),
    diagnoses: tuple[Diagnosis, ...] = (),
    injected: Injected = INJECTED,
) -> score.Scored:
    results = replace(builder.assemble((), pairs, checks), diagnoses=diagnoses)
    return score.outcome(results, injected)


PLACE = Place(stage="forward", tensor="norm", state="0", size=0.1, ratio=1e9)


def test_a_fault_that_is_named_and_located() -> None:
    found = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-epsilon", 1e-13), place=PLACE),))
    assert (found.detected, found.right_cause, found.right_place, found.size) == (True, True, True, 0.25)


@pytest.mark.parametrize("verdict", [Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE, Verdict.INCONCLUSIVE])
def test_a_pair_that_agrees_detects_nothing(verdict: Verdict) -> None:
    found = outcome(pair(verdict))
    assert (found.detected, found.size) == (False, None)
    assert not found.right_cause


def test_an_oracle_detects_what_a_pair_does_not() -> None:
    assert outcome(pair(Verdict.ROUNDING), diagnoses=(diagnosis(distance=1e-9),)).detected
    assert not outcome(pair(Verdict.ROUNDING), diagnoses=(diagnosis(distance=1e-12),)).detected
    assert not outcome(pair(Verdict.ROUNDING), diagnoses=(diagnosis(distance=None),)).detected


def test_a_run_that_failed_is_not_detected_and_says_why() -> None:
    found = outcome(pair(Verdict.NOT_RUN, cause=because(Code.NOT_RUN, "rank 1 died")))
    assert (found.detected, found.note) == (False, "rank 1 died")
    assert outcome().note == f"{FAULTY.id}/plain was compared with nothing"


def test_a_suspect_that_does_not_match_is_not_named() -> None:
    near = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-epsilon", 1e-9)),))
    assert (near.causes, near.right_cause) == ((), False)


def test_the_right_cause_may_have_company_that_predicts_the_same() -> None:
    both = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-bessel", 0.0), ("bn-epsilon", 0.0)),))
    assert (both.causes, both.right_cause) == (("bn-bessel", "bn-epsilon"), True)
    wrong = outcome(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-bessel", 0.0)),))
    assert not wrong.right_cause


def test_a_fault_without_a_hypothesis_must_be_called_unknown() -> None:
    configuration = replace(CLEAN, fault="bias-twice")
    injected = Injected(fault="bias-twice", configuration=configuration)
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


def test_clean_pairs_in_which_a_difference_is_reported_are_false_alarms() -> None:
    other = replace(CLEAN, environment="jax", strategy="single", devices=1)
    variant = replace(CLEAN, fault="variant-layer")
    pairs = (
        pair(Verdict.ROUNDING, b=other),
        pair(Verdict.BY_DESIGN, b=other),
        pair(Verdict.INCONCLUSIVE, b=other),
        pair(Verdict.NOT_RUN, b=other),
        pair(Verdict.DIFFERENT, b=other, cause=UNKNOWN),
        pair(Verdict.DIFFERENT, b=variant, cause=UNKNOWN),
        pair(Verdict.INVALID, b=variant, cause=because(Code.INVALID, "NaN")),
        pair(Verdict.DIFFERENT, b=FAULTY),
    )
    clean, alarms = score.false_alarms(builder.assemble((), pairs))
    assert clean == 6
    assert alarms == (
        f"{CLEAN.id}/plain | {other.id}/plain: unknown",
        f"{CLEAN.id}/plain | {variant.id}/plain: unknown",
        f"{CLEAN.id}/plain | {variant.id}/plain: invalid",
    )


def test_a_clean_run_that_is_not_its_oracle_is_a_false_alarm() -> None:
    off = replace(diagnosis(distance=1e-3), run=plain(CLEAN))
    results = replace(builder.assemble(()), diagnoses=(off, diagnosis(distance=1e-3)))
    assert score.false_alarms(results) == (0, (f"{CLEAN.id}/plain: 1.0e-03 from its oracle",))


CLIPPED = Configuration(scenario="injected-clip", environment="tensorflow", strategy="tf_mirrored", devices=2)
CLIPS = replace(diagnosis(("clipping-per-replica", 1e-15)), run=plain(CLIPPED))


def scored(found: Diagnosis, cause: Cause = UNKNOWN) -> score.Score:
    other = replace(CLIPPED, environment="jax", strategy="single", devices=1)
    pairs = (pair(Verdict.DIFFERENT, CLIPPED, other, cause), pair(Verdict.ROUNDING, other, replace(other, devices=2)))
    return score.score(results(*pairs, diagnoses=(found,)), [])


def test_a_defect_of_a_backend_that_is_named_is_no_false_alarm_and_its_pairs_are_not_clean() -> None:
    found = scored(CLIPS)
    assert (found.clean_pairs, found.alarms) == (1, ())
    assert found.defects == (f"{CLIPPED.id}/plain: Keras (3.15) clips gradients on each replica, before the sum",)
    assert f"found, and not injected: {found.defects[0]}" in output.table(found)


@pytest.mark.parametrize(
    "found",
    [
        replace(CLIPS, suspects=()),
        replace(CLIPS, suspects=diagnosis(("bn-epsilon", 0.0)).suspects),
        replace(CLIPS, run=plain(replace(CLIPPED, scenario="injected-adam"))),
        replace(CLIPS, run=plain(replace(CLIPPED, strategy="torch_ddp", environment="torch"))),
    ],
)
def test_anything_else_in_its_place_is_a_false_alarm(found: Diagnosis) -> None:
    whole = scored(found)
    assert (whole.clean_pairs, len(whole.alarms), whole.defects) == (2, 2, ())


def test_an_unstable_kernel_is_a_defect_of_the_side_that_has_it_where_it_is_known() -> None:
    def found(scenario: str, side: str) -> score.Score:
        torch, jax = (
            Configuration(scenario=scenario, environment=name, strategy="single", devices=1) for name in ("torch", "jax")
        )
        pairs = (
            replace(pair(Verdict.DIFFERENT, torch, jax, UNSTABLE), side=plain(replace(torch, environment=side))),
            pair(Verdict.DIFFERENT, torch, replace(jax, devices=2), UNKNOWN),
            pair(Verdict.ROUNDING, jax, replace(jax, devices=2)),
        )
        return score.score(results(*pairs), [])

    of_torch = found("large-mean-bn", "torch")
    assert (of_torch.clean_pairs, of_torch.alarms) == (1, ())
    assert of_torch.defects == ("large-mean-bn/torch/single-x1/plain: torch computes variances in one pass, which cancels",)
    other = found("injected-adam", "torch")
    assert (other.clean_pairs, len(other.alarms), other.defects) == (3, 2, ())


def test_versions_are_those_that_results_depend_on() -> None:
    environment = Provisioned(
        environment=Environment(name="torch", backend="torch"), packages={"torch": "2.13.0", "keras": "3.15.1", "pip": "1"}
    )
    assert score.versions(builder.assemble((), environments=(environment,))) == {"keras": "3.15.1", "torch": "2.13.0"}


# ---------------------------------------------------------------- what is printed and kept


def results(*pairs: Pair, diagnoses: tuple[Diagnosis, ...] = ()) -> Results:
    return replace(builder.assemble((), pairs), diagnoses=diagnoses)


GOOD = results(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-epsilon", 0.0), place=PLACE),))


def test_a_self_test_passes_when_goals_are_met_without_an_alarm() -> None:
    good = score.score(GOOD, [INJECTED])
    assert output.passed(good)
    assert not output.passed(replace(good, alarms=("one",)))
    assert not output.passed(score.score(results(pair(Verdict.DIFFERENT)), [INJECTED]))
    assert not output.passed(score.score(results(pair(Verdict.ROUNDING)), [INJECTED]))
    assert not output.passed(score.together([]))


def test_nine_of_ten_causes_are_enough_and_eight_are_not() -> None:
    good = score.score(GOOD, [INJECTED]).outcomes[0]
    wrong = replace(good, causes=("bn-bessel",))
    nine = score.Score(outcomes=(good,) * 9 + (wrong,), clean_pairs=0, alarms=(), defects=(), versions={})
    assert output.rates(nine) == {"detected": 1.0, "right cause": 0.9, "right place": 1.0}
    assert output.passed(nine)
    assert not output.passed(replace(nine, outcomes=(good,) * 8 + (wrong,) * 2))


def test_the_file_holds_a_row_for_each_fault() -> None:
    document = json.loads(output.as_json(score.score(GOOD, [INJECTED])))
    assert document["faults"] == [
        {
            "name": "bn-epsilon-small",
            "strategy": "torch_ddp",
            "environment": "torch",
            "devices": 2,
            "scenario": "injected-adam",
            "detected": True,
            "cause_expected": "bn-epsilon",
            "cause_named": "bn-epsilon",
            "cause_right": True,
            "place_expected": "forward of norm",
            "place_named": "forward of norm",
            "place_right": True,
            "size": 0.25,
            "note": "",
        }
    ]
    assert (document["clean_pairs"], document["false_alarms"], document["versions"]) == (0, 0, {})


def test_the_table_says_what_was_missed_and_why() -> None:
    missed = results(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-bessel", 0.0)),))
    text = output.table(replace(score.score(missed, [INJECTED]), clean_pairs=3, alarms=("a | b: unknown",)))
    assert "bn-epsilon-small  torch x2 torch_ddp  yes    NO     NO" in text
    assert f"{FAULTY.id}: cause bn-bessel in place of bn-epsilon; place unknown in place of forward of norm" in text
    assert "false alarm: a | b: unknown" in text
    assert "1 injected faults: 100.0% detected (wanted 98%), 0.0% right cause (wanted 90%)" in text
    assert text.endswith("3 clean pairs: 1 false alarms (wanted 0)")


def test_several_seeds_are_one_self_test() -> None:
    one = score.Score(outcomes=(), clean_pairs=15, alarms=("a",), defects=("d",), versions={"jax": "1"})
    both = score.together([one, replace(one, clean_pairs=30, alarms=(), versions={"torch": "2"})])
    assert (both.clean_pairs, both.alarms, both.versions) == (45, ("a",), {"jax": "1", "torch": "2"})
