"""results.json is what its schema and docs/results.md say, field by field."""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from suite.records import Results
from tests.report import sample
from tests.report.document import DOCUMENT, ENUMERATIONS, FOUND, PEOPLE, RECORDS, VALIDATOR, Json, objects, written

DOCS = Path(__file__).parents[2] / "docs"
PROSE, SCHEMA = DOCS / "results.md", DOCS / "results.schema.json"


def schema_text() -> str:
    return json.dumps(FOUND, indent=1, ensure_ascii=False) + "\n"


# ---------------------------------------------------------------- the schema


def test_the_sample_has_every_record() -> None:
    assert {name for name, _ in objects(DOCUMENT, FOUND)} == RECORDS.keys()


def test_the_sample_is_as_the_schema_says() -> None:
    VALIDATOR.validate(DOCUMENT)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sample.random_results())
def test_every_document_is_as_the_schema_says(results: Results) -> None:
    VALIDATOR.validate(written(results))


FIRST = dict(reversed(list(objects(DOCUMENT, FOUND))))
EACH = sorted((name, field) for name, fields in RECORDS.items() for field in fields)


def is_valid(name: str, one: Json) -> bool:
    """Whether it is a valid record of this name. A document with an invalid record is invalid."""
    return bool(VALIDATOR.evolve(schema={"$ref": f"#/$defs/{name}", "$defs": FOUND["$defs"]}).is_valid(one))


@pytest.mark.parametrize(("name", "field"), EACH)
def test_a_record_without_one_of_its_fields_is_not_as_the_schema_says(name: str, field: str) -> None:
    assert is_valid(name, FIRST[name])
    assert not is_valid(name, {key: value for key, value in FIRST[name].items() if key != field})


@pytest.mark.parametrize(("name", "field"), EACH)
def test_a_record_with_a_field_of_a_different_type_is_not_as_the_schema_says(name: str, field: str) -> None:
    assert not is_valid(name, {**FIRST[name], field: {"a": {}}})
    assert not is_valid(name, {**FIRST[name], field: [[[]]]})


@pytest.mark.parametrize("name", sorted(ENUMERATIONS))
def test_a_word_that_is_none_of_its_kind_is_not_as_the_schema_says(name: str) -> None:
    holders = [
        (title, field)
        for title, fields in RECORDS.items()
        for field, node in fields.items()
        if any(one.get("$ref") == f"#/$defs/{name}" for one in node.get("anyOf", [node]))
    ]
    assert holders
    for title, field in holders:
        assert not is_valid(title, {**FIRST[title], field: "fine"})


@pytest.mark.parametrize("name", ["Cause", "Suspect", "Run", "Move", "TensorDistance"])
def test_a_document_with_such_a_record_deep_inside_is_not_as_the_schema_says(name: str) -> None:
    found = copy.deepcopy(DOCUMENT)
    next(one for title, one in objects(found, FOUND) if title == name).popitem()
    assert not VALIDATOR.is_valid(found)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_record_says_what_it_is_in_one_line(name: str) -> None:
    words = FOUND["$defs"][name]["description"]
    assert words == " ".join(words.split())
    assert not words.startswith(f"{name}("), "the signature, for want of a docstring"


def test_the_schema_in_docs_is_up_to_date() -> None:
    """To write it: python -m tests.report.test_results_schema."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text()


# ---------------------------------------------------------------- docs/results.md


def documented() -> dict[str, dict[str, tuple[str, str]]]:
    """Heading -> field -> (type, meaning), as the document has them."""
    found: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    heading = ""
    for line in PROSE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| `"):
            row = re.fullmatch(r"\| `(\w+)` \| ([^|]+) \| (.+) \|", line)
            assert row, line
            assert row[1] not in found[heading], f"{heading}.{row[1]} is there twice"
            found[heading][row[1]] = row[2], row[3]
    return dict(found)


def kind(node: Json) -> str:
    """A type as the document writes it."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return str(name) if name in RECORDS else "string"
    if "anyOf" in node:
        return " or ".join(map(kind, node["anyOf"]))
    if "prefixItems" in node:
        return f"[{', '.join(map(kind, node['prefixItems']))}]"
    parts = {"array": "items", "object": "additionalProperties"}
    of = parts.get(node["type"])
    return f"{node['type']} of {kind(node[of])}" if of else str(node["type"])


def test_every_record_has_a_table_and_every_table_is_a_records() -> None:
    assert documented().keys() == RECORDS.keys()


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_table_has_every_field_with_its_type_and_no_other(name: str) -> None:
    described = {field: of for field, (of, _) in documented()[name].items()}
    assert described == {field: kind(node) for field, node in RECORDS[name].items()} | PEOPLE.get(name, {})


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_fields_added_for_people_are_called_so_and_no_others(name: str) -> None:
    marked = {field for field, (_, meaning) in documented()[name].items() if meaning.startswith("(for people) ")}
    assert marked == PEOPLE.get(name, {}).keys()


def test_the_words_of_verdicts_statuses_and_notes_are_all_there() -> None:
    text = PROSE.read_text(encoding="utf-8")
    words = [word for values in ENUMERATIONS.values() for word in values if word]
    assert len(words) > 15
    assert [word for word in words if f"`{word}`" not in text] == []


def test_a_document_has_its_schema_and_the_fields_added_for_people_and_nothing_else() -> None:
    for name, one in objects(DOCUMENT, FOUND):
        assert one.keys() - RECORDS[name].keys() == PEOPLE.get(name, {}).keys(), name


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
