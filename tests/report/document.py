"""The schema of results.json, and a document of the sample with every record in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema

from suite.records import Results
from suite.report import results_json
from tests.report import sample

# What is added for people, with its type: it is in no schema.
PEOPLE = {
    "Results": {"answer": "string"},
    "Pair": {"cause": "string"},
    "ConsistencyCheck": {"cause": "string"},
    "Finding": dict.fromkeys(
        ("claim", "effect", "evidence", "experiment", "advice", "link", "repeat", "accept", "off"), "string"
    ),
    "Change": {"words": "string"},
    "GroundRates": {"rates": "object of number"},
}
FOUND = results_json.schema()
RECORDS: dict[str, dict[str, Any]] = {name: one["properties"] for name, one in FOUND["$defs"].items() if "properties" in one}
ENUMERATIONS: dict[str, list[str]] = {name: one["enum"] for name, one in FOUND["$defs"].items() if "enum" in one}
VALIDATOR = jsonschema.Draft202012Validator(FOUND)
Json = dict[str, Any]


def written(results: Results) -> Json:
    """As a program reads it."""
    found: Json = json.loads(results_json.text(results))
    return found


def objects(value: Any, node: Json) -> Iterator[tuple[str, Json]]:
    """(record's name, object) of everything in a document that the schema calls a record."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in RECORDS:
            yield name, value
            for field, of_field in RECORDS[name].items():
                yield from objects(value[field], of_field)
    elif "anyOf" in node:
        if value is not None:
            yield from objects(value, next(one for one in node["anyOf"] if one.get("type") != "null"))
    elif node["type"] == "array" and "prefixItems" not in node:
        for one in value:
            yield from objects(one, node["items"])


DOCUMENT = written(sample.results())
