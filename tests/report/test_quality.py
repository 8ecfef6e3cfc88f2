"""What several initial states say, in words: nothing that is undecided is called equal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.records import Quality, Results
from suite.report import html, markdown, quality, terminal
from tests.report import sample

FOUND = sample.results()


def with_qualities(*which: Quality) -> Results:
    one = FOUND.quality[0]
    made = [replace(one, quality=each, needed=9 if each is Quality.UNDECIDED else 0) for each in which]
    return replace(FOUND, quality=tuple(made))


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ((Quality.EQUIVALENT, Quality.EQUIVALENT), "and the quality is equivalent (2 equivalent:"),
        ((Quality.EQUIVALENT, Quality.UNDECIDED), "it is undecided whether the quality does (1 undecided, 1 equivalent:"),
        ((Quality.UNDECIDED, Quality.DIFFERENT), "and the quality differs, too (1 different, 1 undecided:"),
    ],
)
def test_the_sentence_says_both(which: tuple[Quality, ...], words: str) -> None:
    (sentence,) = quality.sentences(with_qualities(*which))
    assert sentence.startswith("article-mlp: the results differ, and ") and words in sentence
    assert sentence.endswith("over 4 initial states)")


def test_nothing_is_said_without_seeds() -> None:
    without = with_qualities()
    assert not list(quality.sentences(without)) and not list(quality.lines(without))
    assert "Does it matter?" not in html.text(without) + markdown.text(without)


def test_the_worst_come_first_and_what_would_decide_is_an_option() -> None:
    rows = quality.rows(with_qualities(Quality.EQUIVALENT, Quality.UNDECIDED, Quality.DIFFERENT))
    assert [row[-1] for row in rows] == ["different", "undecided: --seeds 8 would decide", "equivalent"]
    (row,) = quality.rows(replace(FOUND, quality=(replace(FOUND.quality[0], quality=Quality.UNDECIDED, needed=0),)))
    assert row[-1] == "undecided: no affordable number of seeds would decide"


def test_every_format_says_it() -> None:
    found = with_qualities(Quality.UNDECIDED)
    assert "Does it matter?" in markdown.text(found)
    assert "undecided: --seeds 8 would decide" in html.text(found)
    assert any("does it matter?" in line for line in terminal(found))


def test_the_console_shows_what_is_not_equivalent_and_counts_the_rest() -> None:
    lines = list(quality.lines(with_qualities(Quality.EQUIVALENT, *[Quality.DIFFERENT] * 8)))
    assert len(lines) == 8 and lines[-1] == "    and 2 more: see the page"
    assert all("different" in line for line in lines[1:-1])
