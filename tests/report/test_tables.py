"""The tables for spreadsheets hold what the page holds, and no cell is a formula."""

from __future__ import annotations

import csv
import dataclasses
import io

from suite.records import Results
from suite.report import findings, tables
from tests.report import builder, sample


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_pair_and_check_is_a_row_with_its_verdict() -> None:
    results = sample.results()
    found = {row["id"]: row["verdict"] for row in rows(tables.comparisons(results))}
    assert found == {member.id: member.verdict.value for member in results.members}


def test_every_finding_is_a_row_with_its_three_lines() -> None:
    worded = findings.worded(sample.results())
    found = rows(tables.causes_found(sample.results()))
    assert [(row["what"], row["how much"], row["what to do"]) for row in found] == [
        (one.claim, one.effect, one.advice) for one in worded
    ]
    assert [row["covers"] for row in found] == [str(len(one.finding.members)) for one in worded]


def test_every_tensor_that_is_not_equal_is_a_row() -> None:
    results = dataclasses.replace(sample.results(), checks=())
    found = rows(tables.tensors(results))
    expected = [
        (pair.id, judged.quantity, tensor.name)
        for pair in results.pairs
        for judged in pair.quantities
        for tensor in judged.distances.tensors
        if not tensor.bits
    ]
    assert [(row["comparison"], row["quantity"], row["tensor"]) for row in found] == expected
    assert found[0]["distance"]


def cells(results: Results) -> list[str]:
    texts = (tables.comparisons(results), tables.tensors(results), tables.causes_found(results))
    return [cell for text in texts for row in csv.reader(io.StringIO(text)) for cell in row]


def test_no_cell_is_a_formula() -> None:
    for words in ("=1+1", "+1", "-1", "@SUM(A1)"):
        found = cells(builder.hostile(words))
        assert f"'{words}" in found
        assert not [cell for cell in found if cell.startswith(tables.FORMULA)]
