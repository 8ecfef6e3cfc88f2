"""What counts as detected, named, located, and as a false alarm; on results put together by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from suite.explain import diagnoses as diagnoses_of
from suite.explain import findings
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
    Status,
    Suspect,
    Verdict,
    because,
    plain,
)
from suite.selftest import output, score
from suite.selftest.catalogue import BY_NAME
from suite.selftest.plan import BUILT_IN, RANDOM, Expected, Injected
from tests.report import builder

CLEAN = Configuration(scenario="injected-adam", environment="torch", strategy="torch_ddp", devices=2)
FAULTY = replace(CLEAN, fault="bn-epsilon-small")


def of(name: str) -> Injected:
    """A fault of the catalogue in the configuration of these tests."""
    fault = BY_NAME[name]
    expected = Expected(causes=(fault.cause,), stage=fault.stage, tensor=fault.tensor)
    return Injected(fault=name, configuration=replace(CLEAN, fault=name), expected=expected)


INJECTED = of("bn-epsilon-small")
UNKNOWN = Cause(code=Code.UNKNOWN)
UNSTABLE = Cause(code=Code.UNSTABLE_KERNEL, subject="torch")
SAVED = of("variance-not-saved")


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
    every = (*checks, *(declared(one) for one in diagnoses))
    results = replace(builder.assemble((), pairs, every), diagnoses=diagnoses)
    found = findings.group((*pairs, *every), diagnoses)
    return score.outcome(replace(results, findings=found), injected)


def declared(diagnosis: Diagnosis) -> ConsistencyCheck:
    """The check of a run against its oracle that goes with a diagnosis."""
    off = diagnosis.distance is not None and diagnosis.distance >= 1e-7
    quantities = (judged("trainable weights", Verdict.DIFFERENT if off else Verdict.ROUNDING, diagnosis.distance or 0.0),)
    verdict = quantities[0].verdict
    causes = (diagnoses_of.causes(diagnosis) or (Cause(code=Code.UNKNOWN, subject="torch"),)) if off else ()
    return ConsistencyCheck(
        run=diagnosis.run, kind="declared", environment="torch", verdict=verdict, causes=causes, quantities=quantities
    )


PLACE = Place(stage="forward", tensor="norm", state="0", size=0.1, ratio=1e9)


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
    found = score.score(builder.assemble((), pairs), [])
    assert (found.clean_pairs, found.undecided) == (6, 1)
    assert found.alarms == (
        f"{CLEAN.id}/plain | {other.id}/plain: unknown",
        f"{CLEAN.id}/plain | {variant.id}/plain: unknown",
        f"{CLEAN.id}/plain | {variant.id}/plain: invalid",
    )


def test_a_clean_run_that_is_not_its_oracle_is_a_false_alarm() -> None:
    off = replace(diagnosis(distance=1e-3), run=plain(CLEAN))
    small = replace(diagnosis(distance=1e-9), run=plain(replace(CLEAN, devices=1)))
    every = (off, small, diagnosis(distance=1e-3))
    found = score.score(replace(builder.assemble((), (), [declared(one) for one in every]), diagnoses=every), [])
    assert (found.clean_pairs, found.clean_checks) == (0, 2)
    assert found.alarms == (f"{CLEAN.id}/plain | declared | torch: unknown torch",)


# ---------------------------------------------------------------- real defects


CLIPPED = Configuration(scenario="injected-clip", environment="tensorflow", strategy="tf_mirrored", devices=2)
CLIPS = Cause(code="clipping-per-replica", subject="tensorflow")


def scored(configuration: Configuration, *causes: Cause) -> score.Score:
    other = replace(CLIPPED, environment="jax", strategy="single", devices=1)
    off = replace(pair(Verdict.DIFFERENT, configuration, other), causes=causes)
    return score.score(results(off, pair(Verdict.ROUNDING, other, replace(other, devices=2))), [])


def test_a_defect_of_a_backend_that_is_named_is_no_false_alarm_and_its_pairs_are_not_clean() -> None:
    found = scored(CLIPPED, CLIPS, Cause(code=Code.BY_DESIGN))
    assert (found.clean_pairs, found.alarms) == (1, ())
    assert found.defects == ("injected-clip: Keras (3.15) clips gradients on each replica, before the sum",)
    assert f"found, and not injected: {found.defects[0]}" in output.table(found)


@pytest.mark.parametrize(
    ("configuration", "causes"),
    [
        (CLIPPED, ()),
        (CLIPPED, (UNKNOWN,)),
        (CLIPPED, (CLIPS, UNKNOWN)),
        (CLIPPED, (Cause(code=Code.BY_DESIGN),)),
        (CLIPPED, (Cause(code="bn-epsilon", subject="tensorflow"),)),
        (CLIPPED, (replace(CLIPS, subject="jax"),)),
        (replace(CLIPPED, strategy="single", devices=1), (CLIPS,)),
        (replace(CLIPPED, strategy="torch_ddp", environment="torch"), (replace(CLIPS, subject="torch"),)),
    ],
)
def test_anything_else_in_its_place_is_a_false_alarm(configuration: Configuration, causes: tuple[Cause, ...]) -> None:
    whole = scored(configuration, *causes)
    assert (whole.clean_pairs, len(whole.alarms), whole.defects) == (2, 1, ())


@pytest.mark.parametrize(
    ("code", "detail", "alarms"),
    [
        (Code.NOT_SAVED, {"tensor": "dropout/seed_generator_state"}, 0),
        (Code.RENEWED, {"tensor": "lstm/cell/seed_generator_state"}, 0),
        (Code.NOT_SAVED, {"tensor": "norm/moving_mean"}, 1),
        (Code.SAVE_STALE, {"tensor": "dropout/seed_generator_state"}, 1),
        (Code.COMPILED_DIFFERENTLY, {"loss.delta": "0.5 -> 1.0", "known": "K-12"}, 0),
        (Code.COMPILED_DIFFERENTLY, {"loss.delta": "0.5 -> 1.0", "optimizer.beta_1": "0.8 -> 0.9"}, 1),
    ],
)
def test_a_file_without_what_files_are_known_to_lose_is_a_defect_and_without_anything_else_an_alarm(
    code: Code, detail: dict[str, str], alarms: int
) -> None:
    cause = Cause(code=code, detail=tuple(detail.items()))
    file = replace(check(CLEAN, judged("other state", Verdict.DIFFERENT)), causes=(cause,))
    found = score.score(builder.assemble((), (), (file,)), [])
    assert (len(found.alarms), len(found.defects), found.clean_checks) == (alarms, 1 - alarms, alarms)


def test_an_unstable_kernel_is_a_defect_where_it_is_known() -> None:
    def found(scenario: str) -> score.Score:
        torch, jax = (
            Configuration(scenario=scenario, environment=name, strategy="single", devices=1) for name in ("torch", "jax")
        )
        return score.score(results(pair(Verdict.DIFFERENT, torch, jax, UNSTABLE), pair(Verdict.ROUNDING, jax, jax)), [])

    known = found("large-mean-bn")
    assert (known.clean_pairs, known.alarms) == (1, ())
    assert known.defects == ("large-mean-bn: torch computes variances in one pass, which cancels",)
    assert len(found("injected-adam").alarms) == 1


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


def test_versions_are_those_that_results_depend_on() -> None:
    environment = Provisioned(
        environment=Environment(name="torch", backend="torch"), packages={"torch": "2.13.0", "keras": "3.15.1", "pip": "1"}
    )
    assert score.versions(builder.assemble((), environments=(environment,))) == {"keras": "3.15.1", "torch": "2.13.0"}


# ---------------------------------------------------------------- what is printed and kept


def results(*pairs: Pair, diagnoses: tuple[Diagnosis, ...] = ()) -> Results:
    checks = tuple(declared(one) for one in diagnoses)
    found = findings.group((*pairs, *checks), diagnoses)
    return replace(builder.assemble((), pairs, checks), diagnoses=diagnoses, findings=found)


GOOD = results(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-epsilon", 0.0), place=PLACE),))


def test_a_self_test_passes_when_goals_are_met_without_an_alarm() -> None:
    good = score.score(GOOD, [INJECTED])
    assert output.passed(good)
    assert not output.passed(replace(good, alarms=("one",)))
    assert not output.passed(score.score(results(pair(Verdict.DIFFERENT)), [INJECTED]))
    assert not output.passed(score.score(results(pair(Verdict.ROUNDING)), [INJECTED]))
    assert not output.passed(score.together([], BUILT_IN))


def test_nine_of_ten_causes_are_enough_and_eight_are_not() -> None:
    good = score.score(GOOD, [INJECTED]).outcomes[0]
    wrong = replace(good, causes=("bn-bessel",))
    nine = score.Score(outcomes=(good,) * 9 + (wrong,), clean_pairs=0, alarms=(), defects=(), versions={})
    reached = {"detected": 1.0, "right side": 1.0, "right cause": 0.9, "right place": 1.0, "right cause or place": 1.0}
    assert output.rates(nine) == reached
    assert output.passed(nine)
    assert not output.passed(replace(nine, outcomes=(good,) * 8 + (wrong,) * 2))


def test_in_random_models_the_side_must_be_named_and_cause_or_place() -> None:
    good = score.score(GOOD, [INJECTED]).outcomes[0]
    no_cause, no_side = replace(good, causes=("bn-bessel",)), replace(good, side=False)
    neither = replace(no_cause, place=None)

    def passes(*wrong: score.Scored) -> bool:
        outcomes = (good,) * (10 - len(wrong)) + wrong
        one = score.Score(ground=RANDOM, outcomes=outcomes, clean_pairs=1, alarms=(), defects=(), versions={})
        return output.passed(one)

    assert passes(no_cause, no_cause, no_cause, no_side, neither)
    assert not passes(no_side, no_side)
    assert not passes(neither, neither)


def test_the_file_holds_a_row_for_each_fault() -> None:
    [document] = json.loads(output.as_json([score.score(GOOD, [INJECTED])]))["grounds"]
    assert document["faults"] == [
        {
            "ground": "built-in",
            "name": "bn-epsilon-small",
            "target": "",
            "strategy": "torch_ddp",
            "environment": "torch",
            "devices": 2,
            "scenario": "injected-adam",
            "detected": True,
            "side_right": True,
            "cause_expected": "bn-epsilon",
            "cause_named": "bn-epsilon",
            "cause_right": True,
            "place_expected": "forward of norm",
            "place_named": "forward of norm",
            "place_right": True,
            "size": 0.25,
            "effect": 0.25,
            "note": "",
        }
    ]
    assert (document["ground"], document["without_effect"], document["versions"]) == ("built-in", [], {})
    assert (document["clean_pairs"], document["false_alarms"]) == (0, 0)


def test_the_table_says_what_was_missed_and_why() -> None:
    missed = results(pair(Verdict.DIFFERENT), diagnoses=(diagnosis(("bn-bessel", 0.0)),))
    one = replace(score.score(missed, [INJECTED]).outcomes[0], side=False)
    text = output.table(
        replace(score.score(missed, []), outcomes=(one,), clean_pairs=3, clean_checks=0, alarms=("a | b: unknown",))
    )
    assert "bn-epsilon-small        torch x2 torch_ddp  yes    NO    NO     NO" in text
    why = "the side is not named; cause bn-bessel in place of bn-epsilon; place unknown in place of forward of norm"
    assert f"{FAULTY.id}: {why}" in text
    assert "false alarm: a | b: unknown" in text
    assert "1 injected faults: 100.0% detected (wanted 98%), 0.0% right side, 0.0% right cause (wanted 90%)" in text
    assert text.endswith("3 clean pairs: 1 false alarms (wanted 0)")


def test_several_seeds_are_one_self_test() -> None:
    one = score.Score(outcomes=(), clean_pairs=15, alarms=("a",), defects=("d",), versions={"jax": "1"})
    both = score.together([one, replace(one, clean_pairs=30, alarms=(), versions={"torch": "2"})], BUILT_IN)
    assert (both.clean_pairs, both.alarms, both.versions) == (45, ("a",), {"jax": "1", "torch": "2"})
