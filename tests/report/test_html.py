"""The page: inert names, no request, links that arrive, marks beside colours, and nothing to show at all."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Mapping

import pytest

from suite.records import At, Judged, Results, Status, Verdict
from suite.report import html
from tests.report import builder, sample
from tests.report.page import Page

EVIL = "</script><img src=x onerror=alert(1)>"
HOSTILE = [EVIL, "\"'><svg/onload=alert(1)>", "</style><b>", "{{ 7 * 7 }}", "-->"]
ALLOWED = {"script": 1, "style": 1}  # the page's own


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.text(sample.results()))


def css(verdict: Verdict) -> str:
    return verdict.value.replace(" ", "-")


def check(results: Results) -> Page:
    """What holds for every page; returns it."""
    text = html.text(results)
    page = Page(text)
    ids = Counter(one.attributes["id"] for one in page.elements if "id" in one.attributes)
    assert not [name for name, times in ids.items() if times > 1]
    for one in page.elements:
        for name in ("src", "href", "action", "data"):
            assert one.attributes.get(name, "#").startswith("#"), f"{one.tag} has {name} {one.attributes[name]!r}"
    links = [one.attributes["href"] for one in page.all("a")]
    assert not [link for link in links if link[1:] not in ids]
    assert not re.search(r"@import|\burl\(|https?://", re.sub(r"\s+", "", text))
    numbers = [one.text for one in page.all("td", "n")]
    assert not [words for words in numbers if re.search(r"nan|inf|None|Undefined", words)]
    return page


def test_the_page_is_whole_and_asks_nobody() -> None:
    check(sample.results())


@pytest.mark.parametrize("words", HOSTILE)
def test_names_and_reasons_are_inert(words: str) -> None:
    plain = Page(html.text(sample.results()))
    hostile = check(builder.hostile(words))
    assert {one.tag for one in hostile.elements} <= {one.tag for one in plain.elements} | {"br"}
    assert not [one for one in hostile.elements for name in one.attributes if name.startswith("on")]
    assert len(hostile.all("script")) <= ALLOWED["script"]
    assert len(hostile.all("style")) == ALLOWED["style"]
    assert words in hostile.all("h1")[0].text
    assert [one for one in hostile.all("code") if one.text == words]


def test_names_that_differ_only_in_letters_that_ids_lack_have_ids_of_their_own() -> None:
    check(sample.results(("a b", "a-b")))
    check(sample.results(("ü", "ö")))


@pytest.mark.parametrize("verdict", list(Verdict), ids=css)
def test_every_verdict_has_a_key_and_a_style(page: Page, verdict: Verdict) -> None:
    key = {one.text.partition(":")[0]: one for one in page.inside(page.all("ul", "key")[0], "li")}
    entry = key[f"{verdict.mark}{verdict.value}"]
    assert verdict.meaning in entry.text
    assert css(verdict) in page.inside(entry, "span")[0].classes
    assert f".{css(verdict)} {{" in (html.HERE / "style.css").read_text(encoding="utf-8")


def test_every_cell_carries_mark_and_word_and_the_colour_of_its_verdict(page: Page) -> None:
    cells = [cell for table in page.all("table", "grid") for cell in page.inside(table, "td")]
    known = {css(verdict): verdict for verdict in Verdict}
    shown: set[Verdict] = set()
    for cell in cells:
        verdicts = [known[name] for name in cell.classes if name in known]
        if verdicts:
            assert cell.text.startswith(verdicts[0].mark)
            assert verdicts[0].value in cell.text
            shown.add(verdicts[0])
        else:
            assert cell.text in ("", "not compared", "nothing to compare")
    assert shown == set(Verdict)


def test_every_table_names_itself_and_its_rows_and_columns(page: Page) -> None:
    for table in page.all("table"):
        assert page.inside(table, "caption"), table.text[:60]
        assert all(one.attributes.get("scope") in ("row", "col") for one in page.inside(table, "th"))


def test_every_pair_is_a_place_to_link_to_and_says_its_cause() -> None:
    results = sample.results()
    page = Page(html.text(results))
    panels = page.all("details", "pair")
    assert len(panels) == len(results.pairs)
    for pair, panel in zip(results.pairs, panels, strict=True):
        assert f"{pair.a} – {pair.b}" in panel.text
        assert pair.verdict.value in panel.text
        assert (pair.cause if pair.cause != "unknown" else "cause not known") in panel.text


def test_what_failed_is_named_beside_the_answer(page: Page) -> None:
    answer = next(one for one in page.elements if "answer" in one.classes).text
    assert sample.FAILED.id in answer
    assert "it ended with exit code 1" in answer
    assert "ImportError: no module named lost" in answer
    assert any("boom" in one.text for one in page.all("pre"))


@pytest.mark.parametrize(
    ("verdicts", "edge"),
    [
        ((Verdict.IDENTICAL, Verdict.NOT_RUN), Verdict.IDENTICAL),
        ((Verdict.ROUNDING, Verdict.DIFFERENT, Verdict.NOT_RUN), Verdict.DIFFERENT),
        ((Verdict.NOT_RUN, Verdict.NOT_RUN), Verdict.NOT_RUN),
    ],
)
def test_the_edge_of_the_answer_is_the_worst_that_was_compared(verdicts: tuple[Verdict, ...], edge: Verdict) -> None:
    a, b, c = builder.configurations(["small-cnn"], builder.BACKENDS, [1])
    pairs = [sample.pair(*sides, verdict) for sides, verdict in zip(((a, b), (a, c), (b, c)), verdicts, strict=False)]
    page = check(builder.assemble([builder.row(one) for one in (a, b, c)], pairs, [], scenarios=["small-cnn"]))
    assert next(one for one in page.elements if "answer" in one.classes).classes[-1] == f"edge-{css(edge)}"


def _no_pairs() -> Results:
    rows = [builder.row(builder.configurations(["small-cnn"], ["jax"], [1])[0])]
    return builder.assemble(rows, [], [], scenarios=["small-cnn"])


def _failed_environment() -> Results:
    found = builder.configurations(["small-cnn"], builder.BACKENDS, [1])
    rows = [builder.row(one, Status.NO_ENVIRONMENT) for one in found]
    pairs = [sample.pair(a, b, Verdict.NOT_RUN) for a, b in itertools.combinations(found, 2)]
    environments = [builder.environment("jax"), builder.environment("torch", "no matching distribution for torch==99")]
    return builder.assemble(rows, pairs, [], scenarios=["small-cnn"], environments=environments)


def _one_step() -> Results:
    results = sample.results()
    pairs = [dataclasses.replace(one, quantities=tuple(map(_last, one.quantities))) for one in results.pairs]
    return dataclasses.replace(results, pairs=tuple(pairs))


def _last(judged: Judged) -> Judged:
    at = judged.distances.at[-1:]
    return dataclasses.replace(judged, distances=dataclasses.replace(judged.distances, at=at))


ENDS = {
    "nothing": builder.assemble(),
    "a broken plugin only": builder.assemble(broken=[builder.BROKEN]),
    "no runs": builder.assemble(scenarios=["small-cnn"]),
    "no pairs": _no_pairs(),
    "no environment": _failed_environment(),
    "one step": _one_step(),
}


@pytest.mark.parametrize("results", ENDS.values(), ids=ENDS.keys())
def test_a_page_renders_at_the_ends_of_the_range(results: Results) -> None:
    page = check(results)
    assert results.answer == page.all("h1")[0].text
    for environment in results.environments:
        assert " ".join(environment.reason.split()) in page.all("main")[0].text


def test_exactly_zero_is_printed_as_zero_and_nothing_else_is() -> None:
    tiny = (At(step=1, plain={"train": 0.0}), At(step=2, plain={"train": 5e-324}))
    page = check(_with_trajectory(tiny))
    rows = [" ".join(cell.text for cell in row.children if cell.tag in ("td", "th")) for row in page.all("tr")]
    assert "1 0 – –" in rows
    assert "2 4.9e-324 – –" in rows


def _with_trajectory(at: tuple[At, ...]) -> Results:
    a, b = builder.configurations(["small-cnn"], ["jax", "torch"], [1])
    pair = sample.pair(a, b, Verdict.DIFFERENT)
    decided = pair.quantities[0]
    changed = dataclasses.replace(decided, distances=dataclasses.replace(decided.distances, at=at))
    pair = dataclasses.replace(pair, quantities=(changed, *pair.quantities[1:]))
    return builder.assemble([builder.row(a), builder.row(b)], [pair], [], scenarios=["small-cnn"])


def test_a_curve_draws_exact_zero_on_a_rail_of_its_own() -> None:
    page = check(_with_trajectory((At(step=1, plain={"train": 0.0}), At(step=2, plain={"train": 1e-300}))))
    zero, other = page.all("circle")
    assert "zero" in zero.classes
    assert "zero" not in other.classes
    assert float(zero.attributes["cy"]) > float(other.attributes["cy"])


def test_distances_that_are_not_finite_never_reach_the_page() -> None:
    """They are reasons in words: `Distances.invalid`."""
    page = check(sample.results())
    invalid = [one for one in page.all("details", "pair") if "! invalid" in one.text]
    assert invalid
    assert all("NaN in norm/moving_mean" in one.text for one in invalid)


def _attributes(page: Page, tag: str) -> list[Mapping[str, str]]:
    return [one.attributes for one in page.all(tag)]


def test_the_page_is_read_in_its_language_and_at_the_width_of_the_screen(page: Page) -> None:
    assert page.all("html")[0].attributes["lang"] == "en"
    assert {"charset": "utf-8"} in _attributes(page, "meta")
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in _attributes(page, "meta")
    assert len(page.all("h1")) == 1
