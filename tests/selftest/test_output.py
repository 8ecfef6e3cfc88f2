"""What a self-test prints and keeps, and when it passes."""

from __future__ import annotations

import json
from dataclasses import replace

from suite.records import Environment, Provisioned, Verdict
from suite.selftest import output, score
from suite.selftest.plan import BUILT_IN, RANDOM
from tests.report import builder
from tests.selftest.by_hand import FAULTY, INJECTED, PLACE, diagnosis, pair, results


def test_versions_are_those_that_results_depend_on() -> None:
    environment = Provisioned(
        environment=Environment(name="torch", backend="torch"), packages={"torch": "2.13.0", "keras": "3.15.1", "pip": "1"}
    )
    assert score.versions(builder.assemble((), environments=(environment,))) == {"keras": "3.15.1", "torch": "2.13.0"}


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
