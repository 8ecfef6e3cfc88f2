"""A log curve as SVG: a distance at each stored step, the float64 twins, the limit, and a rail for exactly 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.records import At
from suite.report.summary import number

WIDTH, HEIGHT, LEFT, RIGHT, TOP, RAIL = 460, 210, 52, 12, 10, 176
DECADES = (-16, 2)  # what float64 resolves, up to far beyond any share


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points as SVG coordinates: `plain` and `twin` as (x, y, is zero); the `band` of rounding as a polygon."""

    plain: tuple[tuple[float, float, bool], ...]
    twin: tuple[tuple[float, float, bool], ...]
    band: str
    ticks: tuple[tuple[float, str], ...]
    steps: tuple[tuple[float, int], ...]
    sentence: str

    def line(self, points: Sequence[tuple[float, float, bool]]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)


def curve(at: Sequence[At], metric: str, limit_factor: float) -> Curve:
    """One metric over the stored steps, x by order of step, y by decade."""
    width = (WIDTH - LEFT - RIGHT) / max(1, len(at) - 1)
    xs = [LEFT + index * width for index in range(len(at))]

    def points(values: Sequence[float | None]) -> tuple[tuple[float, float, bool], ...]:
        return tuple((x, _y(value), value == 0.0) for x, value in zip(xs, values, strict=True) if value is not None)

    top = [(x, _y(limit_factor * one.envelope[metric])) for x, one in zip(xs, at, strict=True) if one.envelope.get(metric)]
    band = ""
    if len(top) > 1:
        outline = [*top, (top[-1][0], float(RAIL)), (top[0][0], float(RAIL))]
        band = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
    last = at[-1].plain.get(metric, 0.0)
    twin = at[-1].twin.get(metric)
    return Curve(
        plain=points([one.plain.get(metric) for one in at]),
        twin=points([one.twin.get(metric) for one in at]),
        band=band,
        ticks=tuple((_y(10.0**decade), f"1e{decade}") for decade in range(DECADES[0], DECADES[1] + 1, 3)),
        steps=tuple((x, one.step) for x, one in zip(xs, at, strict=True)),
        sentence=f"{metric} is {number(at[0].plain.get(metric, 0.0))} after step {at[0].step} and {number(last)} after step "
        f"{at[-1].step}" + (f"; the float64 twins are {number(twin)} apart." if twin is not None else "."),
    )


def _y(value: float) -> float:
    """Zero has a rail of its own below the axis: a log axis has no place for it."""
    if value <= 0.0:
        return float(RAIL)
    decade = min(max(math.log10(value), DECADES[0]), DECADES[1])
    return TOP + (DECADES[1] - decade) / (DECADES[1] - DECADES[0]) * (RAIL - 14 - TOP)
