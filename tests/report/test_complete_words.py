"""Every cause and every hypothesis has words, nothing else does, and no two have the same."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from suite.explain import hypotheses
from suite.records import Code, Verdict
from suite.report import causes, explanations, findings, hypothesis_words
from tests.report.every_cause import DETAILS, EVERY, VERDICTS, cause, compared

# Causes that are a reason in themselves, or the name of a hypothesis, or no difference: a finding repeats them.
REPEATED = {
    Code.DTYPE_DEMOTED,
    Code.AMPLIFIED_ROUNDING,
    Code.STEPS_ALIKE,
    Code.BELOW_FLOAT32,
    Code.FLOAT32_INSIDE,
    Code.UNDEFINED,
    Code.NO_FLOAT64,
    Code.NOTHING_COMPARED,
    Code.NOT_RUN,
    Code.UNSUPPORTED,
}


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words(code: Code) -> None:
    words = causes.SHORT[code](cause(code))
    assert words
    assert words == words.strip()
    for name in (name for _, name in DETAILS.get(code, ())):
        assert name in words


def test_no_other_code_has_words() -> None:
    assert causes.SHORT.keys() == set(Code)
    assert explanations.FINDINGS.keys() == set(Code) - REPEATED


@pytest.mark.parametrize("code", [*Code, *hypothesis_words.HYPOTHESES])
def test_a_finding_of_every_cause_has_a_claim_and_an_experiment(code: str) -> None:
    said = explanations.said("8 pairs", "in article-mlp", (cause(code),), "different")
    assert said.claim.endswith(".")
    assert not said.claim.endswith("..")
    assert "8 pairs" in said.claim and "in article-mlp" in said.claim
    assert said.experiment and not said.experiment.endswith(".")
    if code in REPEATED and code not in hypothesis_words.HYPOTHESES:
        assert causes.words((cause(code),)) in said.claim


def test_every_cause_of_the_judge_has_a_finding_with_words() -> None:
    results, _ = compared()
    found = {one.finding.causes[0].code: one for one in findings.worded(results)}
    rounding = {code for code, verdict in VERDICTS.items() if verdict is Verdict.ROUNDING}
    assert found.keys() == set(EVERY) - rounding, "of what is rounding nothing is found"
    for one in found.values():
        assert all((one.claim, one.evidence, one.experiment, one.repeat)), one


@pytest.mark.parametrize("code", [*Code, "gradients-summed"])
def test_the_verb_of_a_claim_agrees_with_what_is_counted(code: str) -> None:
    one, several = (explanations.said(what, "in a", (cause(code),), "different").claim for what in ("1 pair", "8 pairs"))
    assert not re.match(r"1 pair in a (are|have|do|differ|hold|compare|compute|draw)\b", one)
    assert not re.match(r"8 pairs in a (is|has|does|differs|holds|compares|computes|draws)\b", several)


def test_every_hypothesis_has_words_and_nothing_else_does() -> None:
    assert hypothesis_words.HYPOTHESES.keys() == hypotheses.BY_NAME.keys() | {Code.DTYPE_DEMOTED}
    for name, words in hypothesis_words.HYPOTHESES.items():
        assert words.words and words.advice, name
        assert not (words.words + words.advice).count("\n")
        assert words.words[-1] not in ".;" and words.advice[-1] not in ".;", name
        assert words.link.startswith("https://") or not words.link


def test_no_two_causes_have_the_same_words() -> None:
    """A reader could not tell them apart."""
    said = [causes.words((replace(cause(code), detail=()),)) for code in hypothesis_words.HYPOTHESES]
    said += [causes.words((cause(code),)) for code in Code if code is not Code.DTYPE_DEMOTED]
    assert len(said) == len(set(said))
