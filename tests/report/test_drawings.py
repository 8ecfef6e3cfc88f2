"""Pictures of a finding: the layer that is marked, and the curves of both sides."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from suite.records import Curve, Place, Results, Verdict
from suite.report import drawings, html
from tests.report import builder, sample

EVIL = "</script><img src=x onerror=alert(1)>"
DIFFERENT = sample.results(("sync-bn",), verdicts=(Verdict.DIFFERENT,), healthy=True)
DIFFERENT = replace(DIFFERENT, findings=tuple(one for one in DIFFERENT.findings if one.verdict is Verdict.DIFFERENT))


def picture(layers: tuple[str, ...], tensor: str, results: Results = DIFFERENT) -> str:
    rows = tuple(replace(row, layers=layers) for row in results.scenarios)
    place = Place(stage="forward", tensor=tensor, state="0", size=1.0, ratio=9.0)
    return drawings.model(replace(results.findings[0], place=place), replace(results, scenarios=rows))


def marked(svg: str) -> list[str]:
    return re.findall(r'<text fill="var\(--different-ink\)"[^>]*>([^<]*)<', svg)


def names(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)<", svg)


def test_the_layer_is_marked_in_which_a_difference_begins() -> None:
    svg = picture(("hidden", "norm", "output"), "norm/moving_variance")
    assert names(svg) == ["hidden", "norm", "output"]
    assert marked(svg) == ["norm"]
    assert 'aria-label="The model&#39;s layers in order; it begins in norm, layer 2 of 3"' in svg
    assert marked(picture(("norm", "norm_2"), "norm_2")) == ["norm_2"]
    assert marked(picture(("block", "block/norm"), "block/norm/gamma")) == ["block/norm"]


@pytest.mark.parametrize("tensor", ["loss", "norm_3", ""])
def test_what_is_in_no_layer_has_no_picture(tensor: str) -> None:
    assert picture(("hidden", "norm"), tensor) == ""
    assert picture((), "norm") == ""


def test_a_deep_model_shows_what_is_around() -> None:
    layers = tuple(f"layer_{place}" for place in range(100))
    assert names(picture(layers, "layer_50")) == ["…", *layers[47:54], "…"]
    assert names(picture(layers, "layer_0")) == [*layers[:4], "…"]
    assert names(picture(layers, "layer_99")) == ["…", *layers[96:]]


def test_models_of_several_scenarios_are_not_drawn_as_one() -> None:
    both = sample.results(("sync-bn", "article-mlp"), verdicts=(Verdict.DIFFERENT,), healthy=True)
    members = tuple(next(one for one in both.pairs if one.scenario == name) for name in ("sync-bn", "article-mlp"))
    alone, shared = (replace(DIFFERENT.findings[0], members=found) for found in (members[:1], members))
    assert picture(("norm",), "norm", replace(both, findings=(alone,))) != ""
    assert picture(("norm",), "norm", replace(both, findings=(shared,))) == ""


def test_both_sides_are_drawn_on_one_axis() -> None:
    svg = drawings.curve(Curve(name="losses", at=(1, 11), a=(4.0, 2.0), b=(3.0, 2.0)), "jax", "torch")
    lines = re.findall(r'<polyline[^>]* points="([^"]*)"', svg)
    ends = [[tuple(map(float, point.split(","))) for point in line.split()] for line in lines]
    (first, last), (other, both) = ends
    assert first == (drawings.LEFT, drawings.TOP)
    assert other == (drawings.LEFT, (drawings.TOP + drawings.BOTTOM) / 2)
    assert last == both == (drawings.WIDE, drawings.BOTTOM)
    assert names(svg)[:2] == ["4", "2"] and {"jax", "torch", "11 steps"} <= set(names(svg))
    accuracy = Curve(name="accuracy", at=(1, 2), a=(0.0, 0.5), b=(0.0, 1.0))
    assert drawings.said(accuracy, "jax", "torch") == "accuracy after 2 epochs: 0.5 on jax, 1 on torch"


def test_a_curve_that_stays_where_it_is_is_drawn() -> None:
    svg = drawings.curve(Curve(name="losses", at=(1, 2), a=(1.0, 1.0), b=(1.0, 1.0)), "jax", "torch")
    assert "nan" not in svg and svg.count("<polyline") == 2


def test_a_finding_shows_its_pictures_before_any_difference() -> None:
    page = html.text(DIFFERENT)
    article = page[page.index('id="finding-1"') : page.index("</article>", page.index('id="finding-1"'))]
    assert article.index("layers in order") < article.index("<details>") < article.index("<polyline")
    assert article.index("<polyline") < article.index("rows whose predictions change most") < article.index("<b>Evidence")
    assert re.search(r"<th scope=\"row\">17</th><td>3</td><td>0.62</td><td>0.11</td>", article)


def test_names_in_pictures_are_text() -> None:
    results = builder.hostile(EVIL)
    assert EVIL not in picture((EVIL, "norm"), "norm", replace(results, findings=results.findings[:1]))
    assert EVIL not in drawings.curve(Curve(name=EVIL, at=(1, 2), a=(1.0, 2.0), b=(1.0, 2.0)), EVIL, EVIL)
