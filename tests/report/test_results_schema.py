"""results.json is what docs/results.md says, field by field, and gives back the records that it was written from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from suite.records import DamagedArtifact, ParityError, Results, TensorDistance, Verdict
from suite.report import results_json, summary
from tests.report import sample

DOCUMENT = Path(__file__).parents[2] / "docs" / "results.md"


def documented() -> dict[str, dict[str, str]]:
    """Heading -> field -> type, as the document has them."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif field := re.match(r"\| `(\w+)` \| ([\w ]+) \|", line):
            found.setdefault(heading, {})[field[1]] = field[2]
    return found


def schema(fields: dict[str, str]) -> dict[str, Any]:
    """Exactly these fields: an undocumented one fails, and so does one that is documented and missing."""
    kinds: dict[str, Any] = {name: {"type": kind.split(" or ")} for name, kind in fields.items()}
    if "verdict" in kinds:
        kinds["verdict"]["enum"] = [verdict.value for verdict in Verdict]
    return {"type": "object", "properties": kinds, "required": list(fields), "additionalProperties": False}


def nodes(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(heading of the document, object) of everything in a results.json."""
    yield "top level", found
    yield "plan", found["plan"]
    yield "plan.options", found["plan"]["options"]
    for name in ("environments", "scenarios", "broken", "runs", "pairs", "checks", "findings", "limits", "diagnoses"):
        yield from ((f"{name}[]", one) for one in found[name])
    yield from (("environments[].environment", one["environment"]) for one in found["environments"])
    yield from (("known[]", one) for one in found["known"])
    yield from (("findings[].parts[]", one) for finding in found["findings"] for one in finding["parts"])
    yield "self_test", found["self_test"]
    yield "self_test.suite", found["self_test"]["suite"]
    yield "change", found["change"]
    yield from (("change.moves[]", one) for one in found["change"]["moves"])
    yield from (("place", one["place"]) for one in (*found["findings"], *found["diagnoses"]) if one["place"])
    yield from (("magnitudes[]", size) for one in found["findings"] for size in one["magnitudes"])
    yield from (("suspects[]", suspect) for one in found["diagnoses"] for suspect in one["suspects"])
    for one in (*found["pairs"], *found["checks"]):
        for quantity in one["quantities"].values():
            yield "quantities{}", quantity
            yield from (("trajectory[]", at) for at in quantity["trajectory"])
            yield from (("tensors[]", tensor) for tensor in quantity["tensors"])


def again(results: Results, folder: Path) -> tuple[str, Results]:
    path = folder / "results.json"
    results_json.write(results, path)
    return path.read_text(encoding="utf-8"), results_json.read(path)


def test_every_field_is_documented_and_every_documented_field_is_there() -> None:
    found = json.loads(results_json.text(sample.results()))
    described = documented()
    seen = set()
    for heading, node in nodes(found):
        seen.add(heading)
        jsonschema.validate(node, schema(described[heading]))
    assert seen == described.keys()


def test_the_schema_notices_a_field_that_nobody_documented() -> None:
    fields = documented()["limits[]"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "", "value": 1.0, "reason": "", "more": 1}, schema(fields))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sample.random_results())
def test_what_is_read_writes_the_same(tmp_path: Path, results: Results) -> None:
    text, read = again(results, tmp_path)
    assert results_json.text(read) == text
    assert again(read, tmp_path)[1] == read


def rounded(found: Any) -> Any:
    """Plain data with every number as a results.json keeps it."""
    if isinstance(found, float):
        return float(f"{found:.4g}")
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    return [rounded(value) for value in found] if isinstance(found, list | tuple) else found


def test_the_sample_comes_back_whole(tmp_path: Path) -> None:
    results = sample.results()
    _, read = again(results, tmp_path)
    for name in Results.__dataclass_fields__:
        assert rounded(msgspec.to_builtins(getattr(read, name))) == rounded(msgspec.to_builtins(getattr(results, name))), (
            name
        )


def test_runs_asked_for_later_are_not_the_plans(tmp_path: Path) -> None:
    results = sample.results()
    _, read = again(results_of_fewer_planned(results), tmp_path)
    assert len(read.plan.runs) == len(results.plan.runs) - 2
    assert len(read.runs) == len(results.runs)


def results_of_fewer_planned(results: Results) -> Results:
    return replace(results, plan=replace(results.plan, runs=results.plan.runs[:-2]))


def test_a_report_from_before_the_oracles_is_still_read(tmp_path: Path) -> None:
    """It is the baseline of the next one."""
    found = json.loads(results_json.text(sample.results()))
    del found["diagnoses"], found["self_test"]
    for row in found["runs"]:
        del row["emulates"], row["fault"]
    for one in (*found["pairs"], *found["checks"]):
        for quantity in one["quantities"].values():
            del quantity["layers"], quantity["histogram"]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(found))
    read = results_json.read(path)
    assert [pair.verdict for pair in read.pairs] == [pair.verdict for pair in sample.results().pairs]
    assert read.diagnoses == ()
    assert read.self_test is None


def test_of_many_tensors_the_worst_20_stay_and_unjudged_ones_go_first() -> None:
    tensors = [
        TensorDistance(name=f"t{i}", group="P" if i > 30 else "K", value=float(i), ulp=1.0, bits=False) for i in range(40)
    ]
    kept = summary.farthest(tensors, results_json.KEPT_TENSORS)
    assert [one.name for one in kept] == [f"t{i}" for i in range(30, 10, -1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no results.json"),
        ("[]", "is no results.json"),
        ("{}", "has schema None, this version reads 1"),
        ('{"schema": 2}', "has schema 2, this version reads 1"),
        ('{"schema": 1}', "is not as docs/results.md says (KeyError: 'runs')"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ParityError, match=re.escape(message)):
        results_json.read(path)


def test_a_verdict_that_does_not_exist_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(results_json.text(sample.results()).replace('"rounding"', '"fine"'))
    with pytest.raises(DamagedArtifact, match="fine"):
        results_json.read(path)
