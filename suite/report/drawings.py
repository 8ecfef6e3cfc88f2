"""Pictures of a finding, as SVG: where in the model it begins, and what training gave on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from suite.records import Curve, Finding, Pair, Results, RowChange
from suite.records.formatting import number
from suite.report import answer, summary

AROUND = 3  # layers before and after the marked one: of deep models the others are dots
LETTER, BOX, GAP, MARGIN = 7.5, 26, 18, 10  # pixels: of a letter at most, a box's height, between boxes, beside a name
STYLES = {"decision": "different", "undecided": "inconclusive", "expected": "by-design"}  # by group, as its count has it
SOLID = Markup('fill="none" stroke="var(--ink)" stroke-width="2"')
DASHED = Markup('fill="none" stroke="var(--link)" stroke-width="2" stroke-dasharray="6 4"')
WIDE, HIGH, LEFT, TOP, BOTTOM = 440, 170, 52, 10, 140


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A finding's pictures; empty where there is nothing to draw. `scenario`, `runs`: of the pair whose `curves`
    and `rows` these are."""

    model: Markup
    scenario: str = ""
    runs: tuple[str, ...] = ()
    curves: tuple[tuple[str, Markup], ...] = ()
    rows: tuple[RowChange, ...] = ()


def drawn(finding: Finding, results: Results) -> Drawn:
    pair = next((one for one in finding.members if isinstance(one, Pair) and one.quantities), None)
    found = model(finding, results)
    if pair is None:
        return Drawn(model=found)
    a, b = (summary.label(run) for run in pair.runs)
    measured = [judged.distances for judged in pair.quantities]
    return Drawn(
        model=found,
        scenario=pair.scenario,
        runs=(a, b),
        curves=tuple((said(one, a, b), curve(one, a, b)) for distances in measured for one in distances.curves),
        rows=tuple(row for distances in measured for row in distances.rows),
    )


# ---------------------------------------------------------------- the model


def model(finding: Finding, results: Results) -> Markup:
    """The layers in order, with the one marked in which the finding begins; nothing where no layer is known to be it."""
    place = finding.place
    scenarios = {member.scenario for member in finding.members}
    row = next((one for one in results.scenarios if {one.name} == scenarios), None)
    if place is None or row is None:
        return Markup()
    within = [at for at, name in enumerate(row.layers) if place.tensor == name or place.tensor.startswith(f"{name}/")]
    style = STYLES.get(answer.group(finding), "")
    return _chain(row.layers, max(within, key=lambda at: len(row.layers[at])), style) if within and style else Markup()


def _chain(layers: Sequence[str], at: int, style: str) -> Markup:
    first, last = max(0, at - AROUND), min(len(layers), at + AROUND + 1)
    shown = [("…", False)] * (first > 0) + [(layers[place], place == at) for place in range(first, last)]
    shown += [("…", False)] * (last < len(layers))
    parts, x = [], 1.0
    for place, (name, marked) in enumerate(shown):
        wide = len(name) * LETTER + 2 * MARGIN
        if place:
            parts.append(_ARROW.format(x - GAP, BOX / 2 + 1, GAP - 2))
        fill, ink = (f"var(--{style})", f"var(--{style}-ink)") if marked else ("var(--page)", "var(--ink)")
        parts.append(_LAYER.format(fill, x, wide, BOX, ink, x + wide / 2, BOX / 2 + 6, name))
        x += wide + GAP
    label = f"The model's layers in order; it begins in {layers[at]}, layer {at + 1} of {len(layers)}"
    whole = x - GAP + 1
    return Markup('<svg viewBox="0 0 {0:.0f} {1}" width="{0:.0f}" role="img" aria-label="{2}">{3}</svg>').format(
        whole, BOX + 2, label, Markup().join(parts)
    )


_ARROW = Markup('<path class="rail" d="M{:.1f} {}h{} m-5 -4l5 4l-5 4" fill="none"/>')
_LAYER = Markup(
    '<rect fill="{}" stroke="var(--ink)" x="{:.1f}" y="1" width="{:.1f}" height="{}" rx="4"/>'
    '<text fill="{}" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
)


# ---------------------------------------------------------------- training


def said(one: Curve, a: str, b: str) -> str:
    """The last point in words: also the picture's accessible name."""
    return f"{name_of(one)} after {one.at[-1]} {unit(one)}: {number(one.a[-1])} on {a}, {number(one.b[-1])} on {b}"


def name_of(one: Curve) -> str:
    return "loss" if one.name == "losses" else one.name


def unit(one: Curve) -> str:
    return "steps" if one.name == "losses" else "epochs"


def curve(one: Curve, a: str, b: str) -> Markup:
    """Both sides in one picture, on a linear axis from the smallest to the largest value of both."""
    low, high = min(*one.a, *one.b), max(*one.a, *one.b)
    parts = [*_axis(one, low, high), _line(SOLID, one.at, one.a, low, high), _line(DASHED, one.at, one.b, low, high)]
    parts += [_key(0, SOLID, a), _key(1, DASHED, b)]
    return Markup('<svg viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}">{}</svg>').format(
        WIDE, HIGH, WIDE, said(one, a, b), Markup().join(parts)
    )


def _axis(one: Curve, low: float, high: float) -> Iterator[Markup]:
    for value, y in ((high, TOP), (low, BOTTOM)):
        yield Markup('<path class="grid-line" d="M{} {}H{}"/>').format(LEFT, y, WIDE)
        yield Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(LEFT - 6, y + 4, number(value))
    yield Markup('<text x="{}" y="{}">{}</text>').format(LEFT, BOTTOM + 18, one.at[0])
    yield Markup('<text x="{}" y="{}" text-anchor="end">{} {}</text>').format(WIDE, BOTTOM + 18, one.at[-1], unit(one))


def _line(style: Markup, at: Sequence[int], values: Sequence[float], low: float, high: float) -> Markup:
    reach, span = (high - low) or 1.0, (at[-1] - at[0]) or 1
    points = " ".join(
        f"{LEFT + (place - at[0]) / span * (WIDE - LEFT):.1f},{BOTTOM - (value - low) / reach * (BOTTOM - TOP):.1f}"
        for place, value in zip(at, values, strict=True)
    )
    return Markup('<polyline {} points="{}"/>').format(style, points)


def _key(place: int, style: Markup, words: str) -> Markup:
    x = LEFT + 60 + place * 150
    return Markup('<path {} d="M{} {}h24"/><text x="{}" y="{}">{}</text>').format(
        style, x, BOTTOM + 14, x + 30, BOTTOM + 18, words
    )
