"""Words belong to the report alone: with other words, no verdict, name or count is different."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

import pytest

from suite.judge import verdicts
from suite.records import At, Change, Code, Comparison, Component, Distances, Judged, Link, Results, Verdict
from suite.report import causes, explanations, glossary, html, hypothesis_words, junit, payload, results_json
from suite.report.hypothesis_words import Words
from suite.report.said import Said
from suite.results import baseline
from suite.results.exit_code import exit_code
from suite.selftest import score
from tests.report.document import FOUND, PEOPLE, objects
from tests.report.every_cause import EVERY, cause, compared


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that one comparison leads to. `document`: as JSON, without what is added for people."""

    judged: tuple[Judged, ...]
    fingerprints: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    change: Change
    exit_code: int
    document: Mapping[str, Any]
    kinds: Mapping[str, tuple[str, ...]]
    score: score.Score


def judged() -> tuple[Judged, ...]:
    """What the judge says of a difference in each of its cases."""
    at = At(step=20, plain={"train": 0.5}, envelope={"train": 1e-6}, float64={"train": 0.25})
    comparison = Comparison(distances=(Distances(quantity="trainable weights", bits=False, at=(at,)),))
    fine, off = (
        Component(link=Link.STRATEGY, environment="torch", distances={"trainable weights": size}, causes=causes)
        for size, causes in ((0.0, ()), (0.25, (cause("gradients-summed"),)))
    )
    declared = replace(off, link=Link.DECLARATION, causes=(cause(Code.BY_DESIGN),))
    lost = Component(link=Link.BACKEND, environment="torch", missing="it was killed")
    near = replace(comparison.distances[0], at=(replace(at, float64={"train": 1e-15}),))
    return (
        *verdicts.judge(comparison),
        *verdicts.judge(replace(comparison, components=(fine, lost, fine))),
        *verdicts.judge(replace(comparison, components=(fine, declared, fine))),
        *verdicts.judge(replace(comparison, components=(fine, off))),
        *verdicts.judge(replace(comparison, no_float64="it was not planned")),
        *verdicts.judge(replace(comparison, distances=(near,))),
    )


def kinds(results: Results) -> dict[str, tuple[str, ...]]:
    """Suite -> its counts, and for each case its kind."""
    found = {}
    for suite in ElementTree.fromstring(junit.text(results)):
        counts = [f"{name} {suite.get(name)}" for name in ("tests", "failures", "errors", "skipped")]
        cases = [f"{case.get('name')}: {' '.join(part.tag for part in case)}" for case in suite]
        found[str(suite.get("name"))] = (*counts, *cases)
    return found


def outcome() -> Outcome:
    results, faults = compared()
    document = json.loads(results_json.text(results))
    for name, one in list(objects(document, FOUND)):
        for field in PEOPLE.get(name, {}):
            del one[field]
    return Outcome(
        judged=judged(),
        fingerprints=tuple(
            name for one in results.findings for name in (one.fingerprint, *(part.fingerprint for part in one.parts))
        ),
        verdicts=tuple(one.verdict for one in results.members),
        change=baseline.since(results, replace(results, pairs=results.pairs[::-1]), "old.json"),
        exit_code=exit_code(results.members, results.runs, results.broken, Verdict(results.plan.options.gate)),
        document=document,
        kinds=kinds(results),
        score=score.score(results, faults),
    )


def replace_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word of the report's tables."""
    other = Said(claim="Anders.", experiment="keines", advice="nichts", link="https://else.example/")
    for code in causes.SHORT:
        monkeypatch.setitem(causes.SHORT, code, lambda cause: f"anders {cause.code}")
    for code in explanations.FINDINGS:
        monkeypatch.setitem(explanations.FINDINGS, code, lambda what, where, cause: other)
    for name in hypothesis_words.HYPOTHESES:
        words = Words(words=f"anders {name}", advice="nichts", link="https://else.example/")
        monkeypatch.setitem(hypothesis_words.HYPOTHESES, name, words)
    for metric in glossary.METRICS:
        monkeypatch.setitem(glossary.METRICS, metric, f"anders {metric}")


def for_people(results: Results) -> list[tuple[str, str, object]]:
    """What is added for people: (record, field, words)."""
    document = json.loads(results_json.text(results))
    return [(name, field, one[field]) for name, one in objects(document, FOUND) for field in sorted(PEOPLE.get(name, {}))]


def test_words_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = outcome()
    assert {Verdict.BY_DESIGN, Verdict.DIFFERENT, Verdict.INCONCLUSIVE, Verdict.NOT_RUN} <= set(before.verdicts)
    assert any(one.detected for one in before.score.outcomes) and before.score.alarms
    assert len(before.fingerprints) > len(EVERY)
    replace_all(monkeypatch)
    after = outcome()
    for name in Outcome.__dataclass_fields__:
        assert getattr(after, name) == getattr(before, name), name


def test_the_words_that_were_changed_are_those_that_a_person_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows that the test above changes something."""
    results, _ = compared()
    before, page = for_people(results), html.text(results)
    replace_all(monkeypatch)
    after = for_people(results)
    assert [entry[:2] for entry in before] == [entry[:2] for entry in after]
    both = list(zip(before, after, strict=True))
    changed = {entry[:2] for entry, other in both if entry != other}
    assert {("Pair", "cause"), ("ConsistencyCheck", "cause"), ("Finding", "claim"), ("Finding", "advice")} <= changed
    same = [str(entry[2]) for entry, other in both if entry == other and entry[1] in ("cause", "claim")]
    of_no_table = re.compile(r"\w+ does not compute what it is meant to compute in .*\. The cause is unknown\.")
    assert [words for words in same if not of_no_table.fullmatch(words)] == []
    said = html.text(results)
    for metric in payload.metrics(results):
        assert f"anders {metric}" in said
        assert f"anders {metric}" not in page
