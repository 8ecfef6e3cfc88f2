"""A log curve as SVG: a distance at each stored step, the float64 twins, the limit, and a rail for exactly 0."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.records import Judged
from suite.report.summary import REPORTED, number

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, RAIL = 460, 210, 52, 12, 10, 162, 176
DECADES = (-16, 2)  # what float64 resolves, up to far beyond any share
ENVELOPES = 5.0  # how many envelopes are rounding: drawn here, decided elsewhere; a test holds the two together

Point = tuple[float, float, bool]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points as SVG coordinates: `plain` and `twin` as (x, y, is zero); the `band` of rounding as a polygon."""

    plain: tuple[Point, ...]
    twin: tuple[Point, ...]
    band: str
    steps: tuple[tuple[float, int], ...]
    sentence: str

    def line(self, points: Sequence[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)


def curve(judged: Judged, metric: str) -> Curve:
    """One metric over the stored steps, x by order of step, y by decade."""
    at = judged.distances.at
    width = (WIDTH - LEFT - RIGHT) / max(1, len(at) - 1)
    xs = [LEFT + index * width for index in range(len(at))]

    def points(values: Sequence[Mapping[str, float]]) -> tuple[Point, ...]:
        return tuple((x, _y(one[metric]), one[metric] == 0.0) for x, one in zip(xs, values, strict=True) if metric in one)

    return Curve(
        plain=points([one.plain for one in at]),
        twin=points([one.twin for one in at]),
        band=_band(judged, metric, xs),
        steps=tuple((x, one.step) for x, one in zip(xs, at, strict=True)),
        sentence=_sentence(judged, metric),
    )


def _band(judged: Judged, metric: str, xs: Sequence[float]) -> str:
    """Below it is rounding. Where the limit is more than its envelope allows, a floor holds it up, at every step alike."""
    measured = [(x, one) for x, one in zip(xs, judged.distances.at, strict=True) if metric in one.envelope]
    limit = judged.limits.get(metric, 0.0)
    if len(measured) < 2 or limit <= 0.0:
        return ""
    floor = limit if all(ENVELOPES * one.envelope[metric] < 0.999 * limit for _, one in measured) else 0.0
    top = [(x, _y(max(floor, ENVELOPES * one.envelope[metric]))) for x, one in measured]
    outline = [*top, (top[-1][0], float(RAIL)), (top[0][0], float(RAIL))]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)


def _sentence(judged: Judged, metric: str) -> str:
    """What the curve shows, for who does not see it."""
    at = [one for one in judged.distances.at if metric in one.plain]
    if not at:
        return f"{judged.quantity}, {metric}: no numbers"
    values = (
        f"{number(at[0].plain[metric])} after step {at[0].step}, {number(at[-1].plain[metric])} after step {at[-1].step}"
    )
    limit = (
        f"; up to {number(judged.limits[metric])} is rounding" if metric in judged.limits and metric not in REPORTED else ""
    )
    twin = f"; the float64 twins are {number(at[-1].twin[metric])} apart" if metric in at[-1].twin else ""
    return f"{judged.quantity}, {metric}: {values}{limit}{twin}"


def _y(value: float) -> float:
    """Zero has a rail of its own below the axis: a log axis has no place for it."""
    if value <= 0.0:
        return float(RAIL)
    decade = min(max(math.log10(value), DECADES[0]), DECADES[1])
    return TOP + (DECADES[1] - decade) / (DECADES[1] - DECADES[0]) * (BOTTOM - TOP)


TICKS = tuple((_y(10.0**decade), f"1e{decade}") for decade in range(DECADES[0], DECADES[1] + 1, 3))
