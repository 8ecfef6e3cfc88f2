"""results.json, schema 2: everything that a report shows, for programs. docs/results.md describes it.

It is `records.Results` as it is, field by field, with these exceptions:

- A run stands for itself in `runs` only; everywhere else it is its id. A member of a finding is the id of a pair or check.
- Floats have four significant digits; of a quantity's tensors the worst 20 are kept.
- What a person reads is added: `answer`, `change.words`, `cause` of pairs and checks, and the words of each finding. Reading
  ignores it, so that a mended sentence changes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import MISSING, field, fields, is_dataclass, make_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from suite.artifacts import places, reading
from suite.artifacts.writing import write_text
from suite.records import (
    RESULTS_SCHEMA,
    ConsistencyCheck,
    DamagedArtifact,
    Distances,
    Finding,
    GroundRates,
    Pair,
    Results,
    Run,
    RunRow,
    UsageError,
)
from suite.report import answer, causes, changes, findings, summary

KEPT_TENSORS = 20  # the rest of a large model's would be most of the file, and nobody looks past the worst
DIGITS = 4  # more than any of these distances has
LARGEST = 1.797e308  # stands for infinity and NaN, which JSON does not have


class OtherSchema(DamagedArtifact):
    """It was written by a version with a different schema."""


def text(results: Results) -> str:
    """The results as JSON text, indented, fields in the order of the records."""
    return msgspec.json.format(msgspec.json.encode(document(results)), indent=1).decode() + "\n"


def write(results: Results, path: Path) -> None:
    """By rename: a reader never sees half a file."""
    write_text(path, text(results))


# ---------------------------------------------------------------- records to JSON


def document(results: Results) -> dict[str, Any]:
    found: dict[str, Any] = {"answer": answer.sentence(results), **_fields(results)}
    found["findings"] = [
        {**_record(worded.finding), **_fields(worded, without="finding")} for worded in findings.worded(results)
    ]
    if results.change:
        found["change"]["words"] = changes.sentence(results.change)
    return found


def _fields(record: Any, without: str = "") -> dict[str, Any]:
    return {field.name: _value(getattr(record, field.name)) for field in fields(record) if field.name != without}


def _value(value: Any) -> Any:
    if isinstance(value, Run | Pair | ConsistencyCheck) or is_dataclass(value):
        return _record(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float):
        return max(-LARGEST, min(LARGEST, float(f"{value:.{DIGITS}g}")))
    if isinstance(value, Mapping):
        return {key: _value(member) for key, member in value.items()}
    if isinstance(value, tuple | list):
        return [_value(member) for member in value]
    return value


def _record(record: Any) -> Any:
    """A record by its fields; what is referred to, by its id."""
    if isinstance(record, Run):
        return record.id
    if isinstance(record, RunRow):
        return {"id": record.run.id, "run": msgspec.to_builtins(record.run), **_fields(record, without="run")}
    if isinstance(record, Pair | ConsistencyCheck):
        return {"id": record.id, **_fields(record), "cause": causes.words(record.causes)}
    if isinstance(record, Finding):
        return {**_fields(record, without="members"), "members": [member.id for member in record.members]}
    if isinstance(record, Distances):
        return _fields(replace(record, tensors=tuple(summary.farthest(record.tensors, KEPT_TENSORS))))
    if isinstance(record, GroundRates):
        return {**_fields(record), "rates": _value(record.rates)}
    return _fields(record)


# ---------------------------------------------------------------- JSON to records


def read(path: Path) -> Results:
    """The results that were written to a file, up to what the module's docstring says is lost.

    Raises:
        OtherSchema: it is of a schema that this version does not read.
        UsageError: there is no such file, or it may not be read.
        DamagedArtifact: it is no results.json.
    """
    found = _document(path)
    if found.get("schema") != RESULTS_SCHEMA:
        raise OtherSchema(f"{path} has schema {repr(found.get('schema'))[:20]}, this version reads {RESULTS_SCHEMA}")
    try:
        return _results(found)
    except reading.UNREADABLE as error:
        raise DamagedArtifact(
            f"{path} does not match docs/results.md ({type(error).__name__}: {reading.said(error)}): was it edited?"
        ) from None


def _document(path: Path) -> dict[str, Any]:
    """The JSON object in a file that the user gives: a link may lead to it."""
    if not path.is_file():
        raise UsageError(f"{path} cannot be read ({places.missing(path)}): give a results.json that `parity compare` wrote")
    content = places.content(path.resolve(), limit=reading.RECORD_BYTES)
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except reading.UNREADABLE as error:
        said = reading.said(error)
        raise DamagedArtifact(f"{path} is not a results.json ({said}): give one that `parity compare` wrote") from None


def _results(found: dict[str, Any]) -> Results:
    """Every id is replaced by what it names; then the fields are those of the records."""
    runs = {row["id"]: row["run"] for row in found["runs"]}
    found["plan"]["runs"] = [runs[name] for name in found["plan"]["runs"]]
    found["plan"]["refused"] = [[runs[name], *rest] for name, *rest in found["plan"]["refused"]]
    for part, names in REFERENCES.items():
        for record in found.get(part, []):  # earlier files of this schema have no quality
            record |= {name: runs[record[name]] if record[name] is not None else None for name in names}
    written: Any = msgspec.convert(found, _Written)
    results = Results(**{**vars(written), "findings": ()})
    named = {member.id: member for member in results.members}
    whole = (Finding(**{**vars(one), "members": tuple(named[name] for name in one.members)}) for one in written.findings)
    return replace(results, findings=tuple(whole))


def _with(record: type, name: str, kind: Any) -> type:
    """The same record, with one field of a different type."""
    hints = {**get_type_hints(record), name: kind}
    defaults = {part.name: part.default for part in fields(record) if part.default is not MISSING}
    parts = [(part.name, hints[part.name], field(default=defaults.get(part.name, MISSING))) for part in fields(record)]
    return make_dataclass(record.__name__, parts, frozen=True, kw_only=True, namespace={"__doc__": record.__doc__})


# Results as they are written: a finding has the ids of its members, for nothing in JSON tells a pair from a check.
_Written = _with(Results, "findings", tuple[_with(Finding, "members", tuple[str, ...]), ...])  # type: ignore[misc]
REFERENCES = {
    "pairs": ("a", "b", "side"),
    "quality": ("a", "b"),
    "checks": ("run",),
    "diagnoses": ("run", "oracle"),
    "findings": ("side",),
}


# ---------------------------------------------------------------- the schema of both


def schema() -> dict[str, Any]:
    """The JSON schema of a results.json, made from the records: every field is always there, so that none has a default
    (which defaults msgspec writes depends on its version). What is added for people is not in it."""
    found, name = msgspec.json.schema(_Written), {"type": "string"}
    records = {title: one for title, one in found["$defs"].items() if "properties" in one}  # the others are enumerations
    for title in ("Plan", "Pair", "QualityPair", "ConsistencyCheck", "Diagnosis", "Finding"):
        records[title]["properties"] = _by_id(records[title]["properties"], name)
    for title in ("RunRow", "Pair", "ConsistencyCheck"):
        records[title]["properties"] = {"id": name, **records[title]["properties"]}
    for record in records.values():
        record["required"] = list(record["properties"])
        for one in record["properties"].values():
            one.pop("default", None)
        record["description"] = " ".join(record["description"].split())  # how a docstring is wrapped is no news
    return found


def _by_id(node: Any, name: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return name if node.get("$ref") == "#/$defs/Run" else {key: _by_id(value, name) for key, value in node.items()}
    return [_by_id(value, name) for value in node] if isinstance(node, list) else node
