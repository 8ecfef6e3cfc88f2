"""claims.html, claims.json and the text: every answer, number and reason of the record is there, and nothing is markup."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from suite.records import Answer, Claim, Claims, Effect, Interaction, Measurement, Question, Spread
from suite.report import claims as rendering
from tests.report.page import Page

NASTY = "</script><img src=x onerror=alert(1)>"


def spread(value: float) -> Spread:
    return Spread(median=value, smallest=value / 10, largest=value * 10)


def effect(value: float, *given: tuple[str, str]) -> Effect:
    return Effect(
        factor="devices",
        levels=("one", "several"),
        given=given,
        pairs=8,
        weights=spread(value),
        predictions=spread(value / 100),
    )


MEASUREMENT = Measurement(
    environments="torch",
    devices=2,
    normalization="per replica",
    precision="float64",
    a="one/torch/single-x1/float64 run",
    b="model.keras loaded again",
    bits=False,
    weights=0.25,
    statistics=None,
    predictions=0.0,
    words=NASTY,
)

FOUND = Claims(
    scenario="article-mlp",
    environment="torch",
    devices=2,
    device="cpu",
    steps=20,
    last_batch=5,
    drift=2.7e-13,
    cells=48,
    effects=(effect(0.003),),
    interactions=tuple(
        Interaction(by=(f"factor {index}",), ratio=1e9, effects=(effect(0.23, ("last batch", "even")), effect(1e-16)))
        for index in range(10)
    ),
    claims=(
        Claim(
            number=1,
            words="Batch normalization is random",
            answer=Answer.FALSE,
            because="18 repeats are bit-equal",
            questions=(Question(question="Is every bit equal?", measurements=(MEASUREMENT,)),),
        ),
        Claim(number=2, words="Seeds matter", answer=Answer.TRUE, because="by 1.0e+00", questions=()),
        Claim(
            number=3,
            words="Timing matters",
            answer=Answer.NOT_TESTABLE,
            because="no GPUs",
            questions=(Question(question="Again?", measurements=()),),
        ),
    ),
    environments={"torch": {"keras": "3.15.1", "torch": "2.13.0", "threads": "1"}},
    missing=(("one x2", NASTY), ("two x2", NASTY)),
    generated="2026-11-25 13:00 UTC",
    command="parity claims",
)


def test_the_headline_counts_the_answers() -> None:
    assert rendering.headline(FOUND) == ("Of the article's 3 claims, on article-mlp: 1 true, 1 false, 1 not testable here.")
    only = replace(FOUND, claims=FOUND.claims[:1])
    assert rendering.headline(only) == "Of the article's 1 claims, on article-mlp: 1 false."


def test_the_text_has_every_answer_and_number() -> None:
    text = rendering.text(FOUND)
    for claim in FOUND.claims:
        assert f"({claim.number}) {claim.words}: {claim.answer.value}\n    {claim.because}." in text
    assert "3.0e-03 (3.0e-04 to 3.0e-02)" in text and "48 cells of article-mlp in torch" in text
    assert text.count("last batch even") == 8 and "and 2 weaker ones, in claims.json" in text
    assert f"Without a result: 2 cells\n  {NASTY} (2)" in text
    assert text.endswith(rendering.headline(FOUND))


def test_the_page_has_all_of_it_and_loads_nothing() -> None:
    page = Page(rendering.html(FOUND))
    assert not page.all("script") + page.all("img") + page.all("link")
    panels = {one.attributes["id"]: one for one in page.all("div", "panel") if "id" in one.attributes}
    assert list(panels) == [f"claim-{claim.number}" for claim in FOUND.claims]
    for claim in FOUND.claims:
        panel = panels[f"claim-{claim.number}"]
        assert [badge.text for badge in page.inside(panel, "span")] == [claim.answer.value]
        assert claim.because in panel.text and claim.words in panel.text
    row = [cell.text for cell in page.inside(panels["claim-1"], "td")]
    assert row == ["2", "per replica", "no", "2.5e-01", "–", "0", NASTY, f"{MEASUREMENT.a} | {MEASUREMENT.b}"]
    tables = [table for table in page.all("table") if "given" in table.text]
    assert len(tables) == len(FOUND.interactions)
    assert [one.text for one in page.all("dd")] == ["keras 3.15.1, torch 2.13.0"]
    assert page.all("a") == []
    assert [one.text for one in page.all("li")] == [f"{cell}: {reason}" for cell, reason in FOUND.missing]


def test_every_table_that_scrolls_has_a_name_of_its_own() -> None:
    """Two claims may rest on the same question."""
    again = replace(FOUND, claims=(FOUND.claims[0], replace(FOUND.claims[0], number=2)), interactions=())
    names = [one.attributes["aria-label"] for one in Page(rendering.html(again)).all("div", "scroll")]
    assert len(names) == len(set(names)) == 3


def test_a_page_of_nothing_says_so() -> None:
    empty = replace(FOUND, effects=(), interactions=(), missing=(), last_batch=0)
    html = Page(rendering.html(empty)).all("body")[0].text
    assert "No two cells that differ in one factor have a result." in html
    assert "Where an effect depends on others" not in html and "Without a result" not in html
    assert "No such cells have a result." in html


def test_json_is_the_record(tmp_path: Path) -> None:
    rendering.write(FOUND, tmp_path)
    found = json.loads((tmp_path / "claims.json").read_text())
    assert [claim["answer"] for claim in found["claims"]] == ["false", "true", "not testable here"]
    assert found["effects"][0]["weights"] == pytest.approx({"median": 0.003, "smallest": 0.0003, "largest": 0.03})
    assert found["interactions"][0]["effects"][0]["given"] == [["last batch", "even"]]
    assert (tmp_path / "claims.html").read_text() == rendering.html(FOUND)


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0.0, "0"), (1.25e-13, "1.2e-13"), (float("inf"), "inf"), (1.0, "1.0e+00")]
)
def test_numbers_are_short_and_zero_is_zero(value: float | None, words: str) -> None:
    assert rendering.number(value) == words
