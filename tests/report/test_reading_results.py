"""Reading results.json gives the records that it was written from. An unreadable file is a sentence."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.records import DamagedArtifact, Place, Results, TensorDistance, TensorGroup, UsageError, Verdict
from suite.report import results_json, summary
from tests.report import sample
from tests.report.document import DOCUMENT, FOUND, PEOPLE, VALIDATOR, Json, objects


def again(results: Results, folder: Path) -> tuple[str, Results]:
    path = folder / "results.json"
    results_json.write(results, path)
    return path.read_text(encoding="utf-8"), results_json.read(path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sample.random_results())
def test_records_that_were_read_write_the_same(tmp_path: Path, results: Results) -> None:
    text, read = again(results, tmp_path)
    assert results_json.text(read) == text
    assert again(read, tmp_path)[1] == read


def rounded(found: Any) -> Any:
    """Records with every number as a results.json keeps it."""
    if isinstance(found, float):
        return float(f"{found:.4g}")
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return tuple(rounded(value) for value in found)
    parts = getattr(found, "__dataclass_fields__", {})
    return replace(found, **{name: rounded(getattr(found, name)) for name in parts}) if parts else found


@pytest.mark.parametrize("name", Results.__dataclass_fields__)
def test_the_sample_comes_back_whole(tmp_path: Path, name: str) -> None:
    results = sample.results()
    _, read = again(results, tmp_path)
    assert getattr(read, name) == rounded(getattr(results, name))


def test_members_are_the_pairs_and_checks_themselves(tmp_path: Path) -> None:
    results = sample.results()
    both = (
        replace(results.findings[0], members=results.pairs[:3]),
        replace(results.findings[1], members=results.checks[:2]),
    )
    _, read = again(replace(results, findings=both), tmp_path)
    assert [finding.members for finding in read.findings] == [read.pairs[:3], read.checks[:2]]


def test_runs_asked_for_later_are_not_the_plans(tmp_path: Path) -> None:
    results = sample.results()
    fewer = replace(results, plan=replace(results.plan, runs=results.plan.runs[:-2]))
    _, read = again(fewer, tmp_path)
    assert len(read.plan.runs) == len(results.plan.runs) - 2
    assert len(read.runs) == len(results.runs)


def test_refused_runs_come_back(tmp_path: Path) -> None:
    results = sample.results()
    refused = tuple((row.run, row.status, row.reason) for row in results.runs[:2])
    _, read = again(replace(results, plan=replace(results.plan, refused=refused)), tmp_path)
    assert read.plan.refused == refused


@pytest.mark.parametrize(("size", "stored"), [(float("inf"), 1.797e308), (float("nan"), 1.797e308), (1e-320, 1e-320)])
def test_a_number_that_json_does_not_have_comes_back_as_the_largest(tmp_path: Path, size: float, stored: float) -> None:
    """A tensor that is NaN on one side is infinitely far: the place where two sides begin to differ."""
    results = sample.results()
    place = Place(stage="loss", tensor="loss", state="0", size=size, ratio=size)
    text, read = again(replace(results, findings=(replace(results.findings[0], place=place),)), tmp_path)
    assert read.findings[0].place == replace(place, size=stored, ratio=stored)
    VALIDATOR.validate(json.loads(text))


def test_words_that_are_added_for_people_are_not_read(tmp_path: Path) -> None:
    text, read = again(sample.results(), tmp_path)
    mended = json.loads(text)
    for name, one in list(objects(mended, FOUND)):
        for field in PEOPLE.get(name, {}):
            one[field] = "other words"
    path = tmp_path / "results.json"
    path.write_text(json.dumps(mended))
    assert results_json.read(path) == read
    assert results_json.text(results_json.read(path)) == text


def test_fields_that_this_version_does_not_know_are_ignored(tmp_path: Path) -> None:
    text, read = again(sample.results(), tmp_path)
    newer = json.loads(text)
    for _, one in list(objects(newer, FOUND)):
        one["of tomorrow"] = 1
    path = tmp_path / "results.json"
    path.write_text(json.dumps(newer))
    assert results_json.read(path) == read


def test_of_many_tensors_the_worst_20_stay_and_unjudged_ones_go_first() -> None:
    tensors = [
        TensorDistance(
            name=f"t{i}",
            group=TensorGroup.NEUTRAL_BIAS if i > 30 else TensorGroup.KERNEL,
            value=float(i),
            ulp=1.0,
            bits=False,
        )
        for i in range(40)
    ]
    kept = summary.farthest(tensors, results_json.KEPT_TENSORS)
    assert [one.name for one in kept] == [f"t{i}" for i in range(30, 10, -1)]


# ---------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a results.json"),
        ("[]", "is not a results.json"),
        ("{}", "has schema None, this version reads 2"),
        ('{"schema": 1}', "has schema 1, this version reads 2"),
        ('{"schema": 3}', "has schema 3, this version reads 2"),
        ('{"schema": 2}', "does not match docs/results.md (KeyError: 'runs'): was it edited?"),
    ],
)
def test_an_unreadable_file_is_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(DamagedArtifact, match=re.escape(f"{path} {message}")) as found:
        results_json.read(path)
    assert isinstance(found.value, results_json.OtherSchema) == ("this version reads" in message)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        results_json.read(tmp_path / "results.json")


def edits() -> dict[str, Callable[[Json], object]]:
    """Edits that a person may make to a document."""
    return {
        "a verdict that does not exist": lambda found: found["pairs"][0].update(verdict="fine"),
        "a word for a number": lambda found: found["pairs"][0]["quantities"][0]["distances"]["at"][0].update(step="one"),
        "a member that is gone": lambda found: found["pairs"].clear(),
        "a run that is gone": lambda found: found["runs"].clear(),
        "a side that is no run": lambda found: found["findings"][0].update(side="torch"),
        "a list for an object": lambda found: found.update(plan=[]),
        "a number for a list": lambda found: found.update(findings=1),
        "null for a list": lambda found: found.update(runs=None),
        "an object without its fields": lambda found: found["limits"][0].clear(),
    }


@pytest.mark.parametrize("edit", edits())
def test_a_document_that_was_edited_is_a_sentence(tmp_path: Path, edit: str) -> None:
    found = copy.deepcopy(DOCUMENT)
    edits()[edit](found)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(found))
    with pytest.raises(DamagedArtifact, match=re.escape(f"{path} does not match docs/results.md (")) as raised:
        results_json.read(path)
    assert str(raised.value).endswith("): was it edited?")


@pytest.mark.parametrize("verdict", list(Verdict), ids=lambda verdict: verdict.value)
def test_every_verdict_comes_back(tmp_path: Path, verdict: Verdict) -> None:
    _, read = again(sample.results(verdicts=(verdict,), healthy=True), tmp_path)
    assert {one.verdict for one in read.members} == {verdict}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_document_is_read_or_is_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    """Values, keys and bytes may all be different: whatever comes of it are records, or a sentence that names the file."""
    path = tmp_path / "results.json"
    text = json.dumps(DOCUMENT).encode()
    at, kept = data.draw(st.integers(0, len(text) - 1)), data.draw(st.integers(0, 30))
    path.write_bytes(text[:at] + data.draw(st.binary(max_size=30)) + text[at + kept :])
    try:
        assert isinstance(results_json.read(path), Results)
    except DamagedArtifact as error:
        assert str(path) in str(error)


JUNK: tuple[Any, ...] = (None, True, -1, 1e308, "", "../..", [], {}, [None], {"a": 1})


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_value_of_another_kind_is_read_or_is_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    found = copy.deepcopy(DOCUMENT)
    one = data.draw(st.sampled_from([holder for holder in everything(found) if holder]))
    one[data.draw(st.sampled_from(sorted(one) if isinstance(one, dict) else range(len(one))))] = data.draw(
        st.sampled_from(JUNK)
    )
    path = tmp_path / "results.json"
    path.write_text(json.dumps(found))
    try:
        assert isinstance(results_json.read(path), Results)
    except DamagedArtifact as error:
        assert str(path) in str(error)


def everything(value: Any) -> list[Any]:
    """Every object and list of a document."""
    if not isinstance(value, dict | list):
        return []
    return [value, *(one for member in (value.values() if isinstance(value, dict) else value) for one in everything(member))]


@pytest.mark.parametrize(
    "content", [b'{"schema":' + b"[" * 10**6, b'{"schema":2,"runs":' + b'[{"a":' * 10**5, b"\xff", b'{"a":"\\ud800"}']
)
def test_hostile_json_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(DamagedArtifact, match="is not a results"):
        results_json.read(path)


def test_a_pipe_is_a_sentence_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "results.json")
    with pytest.raises(UsageError, match="it is a pipe, wanted a file"):
        results_json.read(tmp_path / "results.json")
