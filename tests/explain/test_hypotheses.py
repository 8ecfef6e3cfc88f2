"""Every hypothesis is documented as it is, and says where it can begin; every cause is documented."""

from __future__ import annotations

import pytest

from suite.explain.candidates import penalized
from suite.explain.estimates import StepEvidence
from suite.explain.hypotheses import HYPOTHESES, Hypothesis
from suite.plan.locations import ROOT
from suite.records import LATER_STAGES, STAGES, Code, Semantics
from suite.report.hypothesis_words import HYPOTHESES as WORDS

DOCUMENT = (ROOT / "docs" / "causes.md").read_text()


@pytest.mark.parametrize("hypothesis", HYPOTHESES, ids=lambda one: one.name)
def test_every_hypothesis_is_documented_as_it_is(hypothesis: Hypothesis) -> None:
    row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `{hypothesis.name}` |"))
    said, stages = WORDS[hypothesis.name], ", ".join(hypothesis.stages)
    assert row.startswith(f"| `{hypothesis.name}` | {said.words} | {stages} | {said.advice}")
    assert said.link in row
    assert set(hypothesis.stages) <= {*STAGES, *LATER_STAGES}


def test_no_two_hypotheses_have_one_name_or_that_of_a_cause() -> None:
    names = [hypothesis.name for hypothesis in HYPOTHESES]
    assert len({*names, *Code}) == len(names) + len(Code)


def test_every_cause_is_documented() -> None:
    table = DOCUMENT[: DOCUMENT.index("## Hypotheses")]
    for code in Code:
        assert f"| `{code}` |" in table, code


def test_penalties_are_tried_divided_and_multiplied_by_the_replicas() -> None:
    def tried(replicas: int) -> list[float]:
        evidence = StepEvidence(run="", semantics=Semantics(), replicas=replicas, steps=())
        found = [deviation for _, deviation in penalized(evidence)]
        assert {one.evaluates for one in found} == {"as it predicts", "as declared"}
        return list(dict.fromkeys(deviation.regularization for deviation in found))

    assert (tried(1), tried(2), tried(4)) == ([0.0, 2.0], [0.0, 2.0, 0.5], [0.0, 2.0, 0.25, 4.0])
