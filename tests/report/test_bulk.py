"""Blocks: every number that goes in comes out, and the page says what was left out to stay small."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from typing import Any

import pytest

from suite.records import At, Judged, Pair, Results, Verdict
from suite.report import bulk, codes, html, payload
from tests.report import builder, sample

METRIC = "train"


def unpacked(block: str) -> tuple[dict[str, Any], bytes]:
    whole = gzip.decompress(base64.b64decode(block))
    length = int.from_bytes(whole[:4], "little")
    return json.loads(whole[4 : 4 + length]), whole[4 + length :]


def pair(verdict: Verdict, at: tuple[At, ...] | None = None) -> Pair:
    a, b = builder.configurations(["small-cnn"], ["jax", "torch"], [1])
    found = sample.pair(a, b, verdict)
    if at is None:
        return found
    first = dataclasses.replace(found.quantities[0], distances=dataclasses.replace(found.quantities[0].distances, at=at))
    return dataclasses.replace(found, quantities=(first, *found.quantities[1:]))


def judged(found: Pair) -> Judged:
    return found.quantities[0]


def test_a_number_that_is_none_leaves_the_block_json_that_a_browser_reads() -> None:
    """Browsers refuse NaN and Infinity, and with them the whole page."""

    def refused(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    at = At(step=20, plain={METRIC: float("nan")}, envelope={}, float64={METRIC: float("inf")})
    found = pair(Verdict.DIFFERENT, (at,))
    one = dataclasses.replace(judged(found).distances.tensors[0], value=float("nan"), ulp=float("inf"))
    first = dataclasses.replace(judged(found), distances=dataclasses.replace(judged(found).distances, tensors=(one,)))
    whole = gzip.decompress(base64.b64decode(bulk.block([dataclasses.replace(found, quantities=(first,))])))
    header = json.loads(whole[4 : 4 + int.from_bytes(whole[:4], "little")], parse_constant=refused)
    (quantity,) = header["pairs"][0]
    assert quantity["n"][0][1] is None and quantity["n"][0][3] is None
    assert quantity["t"][0][2:] == [None, None]


def test_a_block_holds_numbers_curves_layers_and_tensors() -> None:
    found = pair(Verdict.DIFFERENT)
    header, stored = unpacked(bulk.block([found, None]))
    assert header["pairs"][1] is None
    first = header["pairs"][0][0]
    assert (first["q"], first["v"], first["n"]) == (
        "trainable weights",
        Verdict.DIFFERENT.rank,
        [[METRIC, 0.04, 5e-06, 0.04]],
    )
    assert header["steps"][first["s"]] == [1, 5, 20]
    assert stored[first["k"] : first["k"] + 3] == codes.encode([one.plain[METRIC] for one in judged(found).distances.at])
    layers = judged(found).distances.layers
    assert header["layers"] == list(layers)
    assert stored[first["l"] : first["l"] + len(layers)] == codes.encode(list(layers.values()))
    assert [header["tensors"][row[0]] for row in first["t"]][:2] == ["block_1/norm/moving_mean", "block_2/norm/moving_mean"]
    assert tuple(first["h"]) == judged(found).distances.histogram


def test_exact_zero_stays_zero_and_a_missing_number_stays_missing() -> None:
    header, stored = unpacked(
        bulk.block([pair(Verdict.DIFFERENT, (At(step=1, plain={METRIC: 0.0}), At(step=2, plain={METRIC: 5e-324})))])
    )
    start = header["pairs"][0][0]["k"]
    assert list(stored[start : start + 6]) == [codes.EQUAL, codes.SMALLEST, *[codes.MISSING] * 4]


@pytest.mark.parametrize(("limit", "band"), [(1e-3, [1e-3, 1e-3]), (1e-6, [5e-7, 1e-6])])
def test_the_band_is_five_envelopes_and_a_floor_holds_it_up(limit: float, band: list[float]) -> None:
    at = tuple(At(step=step, plain={METRIC: 1.0}, envelope={METRIC: 1e-7 * step}) for step in (1, 2))
    found = pair(Verdict.DIFFERENT, at)
    first = dataclasses.replace(judged(found), limits={METRIC: limit})
    header, stored = unpacked(bulk.block([dataclasses.replace(found, quantities=(first,))]))
    start = header["pairs"][0][0]["k"]
    assert stored[start + 2 : start + 4] == codes.encode(band)


def test_identical_and_invalid_quantities_have_words_and_no_numbers() -> None:
    header, stored = unpacked(bulk.block([pair(Verdict.IDENTICAL), pair(Verdict.INVALID)]))
    assert all(one == {"q": one["q"], "v": 0, "f": 0, "b": 1} for one in header["pairs"][0])
    assert header["pairs"][1][0]["i"] == "NaN in norm/moving_mean"
    assert stored == b""


@pytest.mark.parametrize(("level", "layers", "curves"), [(0, 2, 2), (1, 1, 2), (2, 1, 1), (3, 0, 1)])
def test_pairs_no_worse_than_rounding_are_left_out_first(level: int, layers: int, curves: int) -> None:
    header, _ = unpacked(bulk.block([pair(Verdict.ROUNDING), pair(Verdict.DIFFERENT)], level))
    first = [one[0] for one in header["pairs"]]
    assert (sum("l" in one for one in first), sum("k" in one for one in first)) == (layers, curves)


def _left_out(results: Results) -> str:
    return bulk.blocks(results, {row.name: payload.ordered(results, row.name) for row in results.scenarios}).left_out


def test_over_budget_the_page_says_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    results = sample.results()
    assert _left_out(results) == ""
    monkeypatch.setattr(bulk, "BUDGET", 10)
    assert _left_out(results) == bulk.LEVELS[-1]
    assert bulk.LEVELS[-1] in html.text(results)
