"""Fills of two verdicts are told apart by everyone, in both themes, and every mark can be read on its fill."""

from __future__ import annotations

import math
import re
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from colorspacious import cspace_convert

import suite.report
from suite.records import Verdict

STYLE = (Path(suite.report.__file__).parent / "style.css").read_text()
FILLED = ("identical", "rounding", "noise", "by-design", "inconclusive", "different")  # the other two are drawn, not filled
VISIONS = ("", "protanomaly", "deuteranomaly", "tritanomaly")
SMALLEST = 15.0  # CIEDE2000: beyond doubt at arm's length, in a cell of 25 pixels
Lab = tuple[float, float, float]


def theme(name: str) -> dict[str, str]:
    """Custom property -> colour: each has one for either theme."""
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", STYLE)
    return {colour: light if name == "light" else dark for colour, light, dark in pairs}


def rgb(colour: str) -> list[float]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]


def lab(colour: str, vision: str) -> Lab:
    seen = rgb(colour)
    if vision:
        space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}
        seen = list(np.clip(cspace_convert(seen, space, "sRGB1"), 0, 1))
    lightness, a, b = cspace_convert(seen, "sRGB1", "CIELab")
    return float(lightness), float(a), float(b)


def ciede2000(one: Lab, other: Lab) -> float:
    """Sharma, Wu, Dalal 2005, equations 2 to 22."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(chroma**7 / (chroma**7 + 25**7)))
    c1, c2 = math.hypot((1 + g) * a1, b1), math.hypot((1 + g) * a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, (1 + g) * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    cosines = [math.cos(math.radians(angle)) for angle in (hue - 30, 2 * hue, 3 * hue + 6, 4 * hue - 63)]
    t = 1 - 0.17 * cosines[0] + 0.24 * cosines[1] + 0.32 * cosines[2] - 0.20 * cosines[3]
    sl, sc, sh = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2), 1 + 0.045 * cm, 1 + 0.015 * cm * t
    turned = 60 * math.exp(-(((hue - 275) / 25) ** 2))
    rt = -math.sin(math.radians(turned)) * 2 * math.sqrt(cm**7 / (cm**7 + 25**7))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    light = sorted(
        sum(
            weight * (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
            for weight, value in zip((0.2126, 0.7152, 0.0722), rgb(colour), strict=True)
        )
        for colour in (one, other)
    )
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_ciede2000(one: Lab, other: Lab, distance: float) -> None:
    assert ciede2000(one, other) == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.filterwarnings("ignore")
def test_fills_are_told_apart(name: str, vision: str) -> None:
    colours = theme(name)
    labs = {verdict: lab(colours[verdict], vision) for verdict in FILLED}
    close = {(a, b): ciede2000(labs[a], labs[b]) for a, b in combinations(FILLED, 2)}
    assert {pair: distance for pair, distance in close.items() if distance < SMALLEST} == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_ink_is_read_on_its_fill(name: str) -> None:
    colours = theme(name)
    inks = [(colours[verdict], colours[f"{verdict}-ink"]) for verdict in FILLED]
    inks += [(colours[surface], colours[ink]) for surface in ("page", "panel") for ink in ("ink", "soft", "link")]
    assert [pair for pair in inks if contrast(*pair) < 4.5] == []


def test_every_verdict_has_a_rule_and_an_edge() -> None:
    for verdict in Verdict:
        name = verdict.value.replace(" ", "-")
        assert re.search(rf"^\.v\d, \.{name} \{{", STYLE, re.MULTILINE), f"{verdict} has no fill"
        assert re.search(rf"\.edge-{name}[, ]", STYLE), f"{verdict} has no edge"
    assert set(FILLED) | {"invalid", "not-run"} == {verdict.value.replace(" ", "-") for verdict in Verdict}


def test_every_colour_is_defined_for_both_themes() -> None:
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) - {"edge"} <= set(theme("light"))
    assert not re.search(r"(?<!light-dark\()(?<!, )#[0-9a-f]{3}", STYLE)


CIVIDIS = ["#f9e03a", "#dbc75a", "#beaf6b", "#a39a74", "#898578", "#717274", "#595e6e", "#404c6c", "#1e3a6f", "#002859"]


@pytest.mark.parametrize(("name", "scale"), [("light", CIVIDIS), ("dark", CIVIDIS[::-1])])
def test_magnitudes_have_ten_classes_that_are_read_and_get_darker_or_lighter(name: str, scale: list[str]) -> None:
    colours = theme(name)
    assert [colours[f"m{place}"] for place in range(10)] == scale
    inks = [
        re.search(rf"\.m{place} {{ background: var\(--m{place}\); color: var\(--([\w-]+)\)", STYLE) for place in range(10)
    ]
    assert all(ink and contrast(scale[place], colours[ink[1]]) >= 4.5 for place, ink in enumerate(inks))
    lightness = [lab(colour, "")[0] for colour in scale]
    assert lightness == sorted(lightness, reverse=name == "light")
