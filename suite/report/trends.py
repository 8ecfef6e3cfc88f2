"""A finding over time, in words and as a small curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from suite.records import Results, Trend
from suite.report import effects

WIDE, HIGH, EDGE = 160, 28, 3  # of the curve, in pixels
NAMED = 4  # versions that moved: of more, the number says enough


@dataclass(frozen=True, kw_only=True)
class Worded:
    sentence: str
    curve: Markup


def worded(results: Results) -> dict[str, Worded]:
    """Fingerprint -> since when it shows; none where no earlier run looked."""
    return {one.fingerprint: Worded(sentence=sentence(one), curve=curve(one)) for one in results.trends if one.looked > 1}


def sentence(trend: Trend) -> str:
    when = "New in this run" if trend.shown == 1 else f"Since {trend.since}, in {trend.shown} of {trend.looked} runs"
    if not trend.before:
        return f"{when}."
    if not trend.moved:
        return f"{when}; {trend.before} did not show it, with the same versions."
    more = len(trend.moved) - NAMED
    moved = ", ".join(trend.moved[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{when}; {trend.before} did not show it, with other versions: {moved}."


def curve(trend: Trend) -> Markup:
    """Its size in each run, by powers of ten, as SVG; nothing for fewer than two sizes."""
    found = [(when, size) for when, size in trend.sizes if size > 0 and math.isfinite(size)]
    if len(found) < 2:
        return Markup()
    label = "; ".join(f"{when}: {effects.percent(size)}" for when, size in found)
    return Markup(
        '<svg viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<polyline fill="none" stroke="currentColor" stroke-width="1.5" points="{}"/></svg>'
    ).format(WIDE, HIGH, WIDE, HIGH, escape(f"{trend.metric} in each run: {label}"), _points([size for _, size in found]))


def _points(sizes: Sequence[float]) -> str:
    logs = [math.log10(size) for size in sizes]
    low, high = min(logs), max(logs)
    step = (WIDE - 2 * EDGE) / (len(logs) - 1)
    heights = [(value - low) / (high - low) if high > low else 0.5 for value in logs]
    return " ".join(
        f"{EDGE + place * step:.1f},{HIGH - EDGE - share * (HIGH - 2 * EDGE):.1f}" for place, share in enumerate(heights)
    )
