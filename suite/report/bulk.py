"""What the figures of one pair draw: per scenario one packed block, unpacked when somebody looks at it.

A block is the length of a header (4 bytes, little endian), the header as JSON, and codes (see codes.py).
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from suite.compare.metrics import METRICS
from suite.judge.equivalence import ENVELOPE_FACTOR
from suite.records import Judged, Pair, Results, Verdict
from suite.report import causes, codes, summary

BUDGET = 4_400_000  # bytes of all blocks: with the rest of the page 5 MB, what a browser opens at once
SHOWN_TENSORS, FEWER_TENSORS, MANY_PAIRS = 20, 10, 60  # of each pair; of many pairs of one scenario fewer
RANKS = {verdict: verdict.rank for verdict in Verdict}
LEVELS = (
    "",
    "the layers and histograms of pairs no worse than rounding are left out",
    "the layers, histograms and curves of pairs no worse than rounding are left out",
    "the layers of all pairs, and histograms and curves of pairs no worse than rounding, are left out",
)


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """One block for each scenario, and what was left out of them to keep the page small, in words."""

    blocks: tuple[str, ...]
    left_out: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the budget allows of one pair."""

    layers: bool
    histograms: bool
    curves: bool


@dataclass(kw_only=True)
class _Block:
    """A block as it is filled. `level`: how much is left out, see LEVELS."""

    level: int
    shown: int
    tensors: dict[str, int] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    steps: dict[tuple[int, ...], int] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)

    def place(self, values: Iterable[float]) -> int:
        """Where these distances begin among the codes."""
        start = len(self.values)
        self.values.extend(values)
        return start


def blocks(results: Results, pairs: Mapping[str, Sequence[Pair | None]]) -> Blocks:
    """`pairs`: scenario -> its pairs in the order of the page's data. Leaves out as little as the budget allows."""
    scenarios = [row.name for row in results.scenarios]
    for level, words in enumerate(LEVELS):
        made: list[str] = []
        for name in scenarios:
            made.append(block(pairs[name], level))
            if sum(map(len, made)) / len(made) * len(scenarios) > BUDGET and level + 1 < len(LEVELS):
                break
        if len(made) == len(scenarios):
            return Blocks(blocks=tuple(made), left_out=words)
    raise AssertionError("the last level is taken whatever its size")


def block(pairs: Sequence[Pair | None], level: int = 0) -> str:
    filled = _Block(level=level, shown=FEWER_TENSORS if len(pairs) > MANY_PAIRS else SHOWN_TENSORS, layers=_layers(pairs))
    found = [_pair(pair, filled) if pair else None for pair in pairs]
    header = {
        "pairs": found,
        "tensors": list(filled.tensors),
        "layers": filled.layers,
        "steps": [list(one) for one in filled.steps],
    }
    written = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return codes.packed(len(written).to_bytes(4, "little") + written + codes.encode(filled.values))


def _layers(pairs: Iterable[Pair | None]) -> list[str]:
    """Every layer of the scenario's model, in its order."""
    names: dict[str, None] = {}
    for pair in pairs:
        for judged in pair.quantities if pair else ():
            if not names.keys() >= judged.distances.layers.keys():
                names |= dict.fromkeys(judged.distances.layers)
    return list(names)


def _pair(pair: Pair, filled: _Block) -> list[dict[str, object]]:
    explained = RANKS[pair.verdict] <= RANKS[Verdict.ROUNDING]
    layers = filled.level < 3 and not (explained and filled.level)
    histograms = not (explained and filled.level)
    curves = filled.level < 2 or not explained
    return [
        _quantity(judged, filled, Kept(layers=layers, histograms=histograms, curves=curves)) for judged in pair.quantities
    ]


def _quantity(judged: Judged, filled: _Block, kept: Kept) -> dict[str, object]:
    """Short keys: they stand in the page once for each pair and quantity. `script/pair.js` reads them."""
    found, at = judged.distances, judged.distances.at
    short: dict[str, object] = {"q": judged.quantity, "v": RANKS[judged.verdict], "f": judged.first_step}
    if judged.causes:
        short["c"] = causes.words(judged.causes)
    if found.invalid:
        return {**short, "i": found.invalid}
    if found.bits:
        return {**short, "b": 1}
    metric = summary.main_metric(judged)
    short["n"] = _numbers(judged)
    if at and metric and kept.curves:
        steps = tuple(one.step for one in at)
        three = [[one.get(metric, codes.NOT_THERE) for one in values] for values in _curves(judged)]
        three[1] = _band(judged, metric)
        short |= {
            "m": metric,
            "s": filled.steps.setdefault(steps, len(filled.steps)),
            "k": filled.place(itertools.chain(*three)),
        }
    if found.histogram and kept.histograms:
        short["h"] = found.histogram
    if found.layers and kept.layers:
        short["l"] = filled.place(_along(found.layers, filled.layers))
    if RANKS[judged.verdict] > RANKS[Verdict.ROUNDING] and found.tensors:
        short["t"] = [
            [filled.tensors.setdefault(one.name, len(filled.tensors)), one.group or "", _short(one.value), _short(one.ulp)]
            for one in summary.farthest([one for one in found.tensors if not one.bits], filled.shown)
        ]
    return short


def _curves(judged: Judged) -> list[list[Mapping[str, float]]]:
    at = judged.distances.at
    return [[one.plain for one in at], [one.envelope for one in at], [one.float64 for one in at]]


def _along(values: Mapping[str, float], names: Sequence[str]) -> Iterable[float]:
    if len(values) == len(names) and list(values) == names:
        return values.values()
    return [values.get(name, codes.NOT_THERE) for name in names]


def _band(judged: Judged, metric: str) -> list[float]:
    """Below it is rounding. Where the limit is more than its envelope allows, a floor holds it up, at every step alike."""
    at, limit = judged.distances.at, judged.limits.get(metric, 0.0)
    measured = [one.envelope[metric] for one in at if metric in one.envelope]
    if not measured or limit <= 0.0:
        return [codes.NOT_THERE] * len(at)
    floor = limit if all(ENVELOPE_FACTOR * one < 0.999 * limit for one in measured) else 0.0
    return [max(floor, ENVELOPE_FACTOR * one.envelope[metric]) if metric in one.envelope else codes.NOT_THERE for one in at]


def _numbers(judged: Judged) -> list[list[object]]:
    """(metric, distance, limit, distance of the float64 runs) after the last step."""
    if not judged.distances.at:
        return []
    last = judged.distances.at[-1]
    return [
        [
            metric,
            _short(value),
            _short(judged.limits.get(metric) if METRICS[metric].judged else None),
            _short(last.float64.get(metric)),
        ]
        for metric, value in last.plain.items()
    ]


def _short(value: float | None) -> float | None:
    """Three significant digits: the page prints two. None of what is not finite, which JSON does not have."""
    return float(f"{value:.3g}") if value is not None and math.isfinite(value) else None
