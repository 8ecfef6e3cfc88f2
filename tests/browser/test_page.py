"""The page as a browser shows it: quiet, whole without script, the same by address, and reached by keys alone."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from suite.records import Results, Verdict
from suite.report import answer, codes, findings, summary
from tests.browser.conftest import ADDRESS, Open, Opened
from tests.report import builder, sample

EVIL = "</script><img src=x onerror=alert(1)>"
A, B = "torch/single-x1", "torch/torch_ddp-x2"
PAIR = f"#scenario=article-mlp&a={A}&b={B}"
ENDS = {"nothing": sample.NOTHING, "no pairs": builder.assemble(scenarios=["small-cnn"]), "all": sample.results()}


def css(verdict: Verdict) -> str:
    return verdict.value.replace(" ", "-")


def heading(one: Opened) -> str:
    return one.page.inner_text("#pair h3")


@pytest.mark.parametrize("results", ENDS.values(), ids=ENDS.keys())
def test_it_asks_for_nothing_and_complains_of_nothing(open_page: Open, results: Results) -> None:
    one = open_page(results)
    assert (one.requests, one.errors) == (["index.html"], [])
    assert one.page.inner_text("h1") == answer.sentence(results)
    assert not re.search(r"\[object|undefined|null", one.page.inner_text("body"))


INLINE = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
OWN = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:"


@pytest.mark.parametrize(("policy", "split"), [(INLINE, False), (OWN, True)], ids=["inline", "split"])
def test_it_draws_under_a_policy_that_forbids_eval(open_page: Open, policy: str, split: bool) -> None:
    one = open_page(policy=policy, split=split)
    assert one.errors == []
    assert one.page.locator("#matrix td a").count() == 30
    assert one.page.locator("#pair figure svg, #pair .soft").count() > 0


def test_where_no_code_may_run_it_is_plain_html(open_page: Open) -> None:
    one = open_page(policy="default-src 'none'", wait=False)
    assert one.page.inner_text("h1") == answer.sentence(sample.results())
    assert one.page.locator("table.matrix").count() == 2


def test_without_script_answer_why_matrix_and_pairs_are_there(open_page: Open) -> None:
    results = sample.results()
    one = open_page(results, java_script_enabled=False)
    assert one.page.inner_text("h1") == answer.sentence(results)
    assert findings.worded(results)[0].claim in one.page.inner_text("#why")
    assert one.page.locator("#matrices table.matrix:visible").count() == len(results.scenarios)
    assert one.page.locator("#pairs tbody tr:visible").count() == len(results.pairs)
    assert one.page.locator("button:visible, select:visible").count() == 0


@pytest.mark.parametrize(
    "results", [sample.results(), sample.results(verdicts=(Verdict.INVALID,))], ids=["mixed", "invalid"]
)
def test_the_bar_counts_what_the_matrices_show(open_page: Open, results: Results) -> None:
    one = open_page(results)
    found: Counter[str] = Counter()
    for scenario in results.scenarios:
        one.page.select_option("#scenario", scenario.name)
        names = one.page.eval_on_selector_all("#matrix tbody td:has(a)", "cells => cells.map(cell => cell.classList[0])")
        found.update(names)
    expected = summary.counts(results.pairs)
    assert found == {css(verdict): 2 * count for verdict, count in expected.items()}
    said = one.page.eval_on_selector_all("ul.bar:first-of-type li:not(.what)", "items => items.map(item => item.innerText)")
    assert [int(re.findall(r"\d+", words)[0]) for words in said] == list(expected.values())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_key_has_the_colours_of_the_cells(open_page: Open, theme: str) -> None:
    one = open_page(color_scheme=theme)
    parts = ("backgroundColor", "backgroundImage", "color")
    look = f"node => {' + '.join(f'getComputedStyle(node).{part}' for part in parts)}"
    for verdict in (one_of for one_of in Verdict):
        places = [f".key .mark.{css(verdict)}", f".bar .{css(verdict)}", f".grid td.{css(verdict)}"]
        looks = {one.page.locator(place).first.evaluate(look) for place in places}
        assert len(looks) == 1, (verdict, looks)


def test_an_address_shows_the_same_again(open_page: Open) -> None:
    one = open_page(address=PAIR)
    one.page.select_option("#quantity", "moving statistics")
    one.page.select_option("#show", "magnitude")
    one.page.click("#matrix td a >> nth=3")
    one.page.wait_for_function("document.activeElement.tagName === 'H3'")
    address = one.page.url.removeprefix(ADDRESS)
    assert "quantity=moving+statistics" in address
    again = open_page(address=address)
    for place in ("#matrix", "#pair", "#checks", "#map"):
        assert again.page.inner_text(place) == one.page.inner_text(place)
    one.page.go_back()
    one.page.wait_for_function("document.querySelector('#pair h3').innerText.includes('torch ×2')")
    assert "torch ×1 – torch ×2" in heading(one)


def test_an_address_of_something_else_opens_the_first_check(open_page: Open) -> None:
    for address in ("#scenario=gone&a=x&b=y", "#why", "#scenario=article-mlp&quantity=toString&a=x&b=x"):
        one = open_page(address=address)
        assert one.errors == []
        assert one.page.locator("#matrix td a[aria-current]").count() == 2


def test_keys_alone_lead_to_a_pair(open_page: Open) -> None:
    one = open_page(address=PAIR)
    assert one.page.locator("#matrix a[tabindex='0']").count() == 1
    one.page.focus("#show")
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown", "Enter"):
        one.page.keyboard.press(key)
    one.page.wait_for_function("document.activeElement.tagName === 'H3'")
    assert one.page.evaluate("document.activeElement.innerText") == heading(one)
    assert "torch ×1 – torch ×2" not in heading(one)
    assert one.page.locator("#matrix a[tabindex='0']").count() == 1


@pytest.mark.parametrize("address", ["", PAIR + "&show=magnitude"])
def test_it_reflows_at_320_pixels(open_page: Open, address: str) -> None:
    one = open_page(address=address, viewport={"width": 320, "height": 700})
    assert one.page.evaluate("document.documentElement.scrollWidth") == 320


def test_no_heading_of_a_column_is_broken_inside_a_word(open_page: Open) -> None:
    one = open_page(viewport={"width": 320, "height": 700})
    heights = one.page.eval_on_selector_all("#selftest thead th", "cells => cells.map(cell => cell.offsetHeight)")
    assert 0 < max(heights) < 36, "more than one line"


def test_names_are_never_markup(open_page: Open) -> None:
    one = open_page(builder.hostile(EVIL))
    alerts: list[str] = []
    one.page.on("dialog", lambda dialog: alerts.append(dialog.message))
    one.page.select_option("#scenario", EVIL)
    one.page.wait_for_function("document.querySelector('#pair h3')")
    assert one.page.locator("img").count() == 0
    assert EVIL in one.page.inner_text("#matrix caption")
    assert (alerts, one.errors) == ([], [])


def test_a_pair_says_when_how_much_and_where(open_page: Open) -> None:
    results = sample.results(verdicts=(Verdict.DIFFERENT,))
    one = open_page(results, address=PAIR)
    titles = one.page.eval_on_selector_all("#pair figure h4", "nodes => nodes.map(node => node.innerText.split(':')[0])")
    assert titles == ["When", "How much", "Where"]
    for figure in one.page.locator("#pair figure").all():
        sentence = figure.locator("svg").get_attribute("aria-label")
        assert sentence
        assert figure.locator("figcaption").inner_text() == f"{sentence}."
    assert "First difference at step 1; about 0.04 after step 20" in one.page.inner_text("#pair")
    assert "1.9 % of 640 elements are exactly equal" in one.page.inner_text("#pair")
    assert "8 of 8 layers differ; the first is block_1/norm (layer 0)" in one.page.inner_text("#pair")


def test_the_page_shows_the_numbers_that_were_packed(open_page: Open) -> None:
    results = sample.results(verdicts=(Verdict.DIFFERENT,))
    one = open_page(results, address=PAIR)
    one.page.click("#pair figure summary >> nth=0")
    one.page.wait_for_selector("#pair figure table")
    shown = one.page.eval_on_selector_all(
        "#pair figure table tbody tr", "rows => rows.map(row => row.children[1].innerText)"
    )
    at = results.pairs[0].quantities[0].distances.at
    expected = [codes.decode(codes.encode([one.plain["train"]])[0]) for one in at]
    assert [float(words.removeprefix("about ")) for words in shown] == pytest.approx(expected, rel=0.25)


def test_exact_zero_has_a_rail_of_its_own(open_page: Open) -> None:
    one = open_page(sample.results(verdicts=(Verdict.DIFFERENT,)), address=PAIR)
    zero, tiny = one.page.evaluate(
        "[...document.querySelectorAll('#pair text')].filter(node => ['= 0', '1e-12'].includes(node.textContent))"
        ".slice(0, 2).map(node => Number(node.getAttribute('y'))).sort((a, b) => b - a)"
    )
    assert zero > tiny + 10
    hollow = one.page.locator("#pair rect.bar-equal")
    assert hollow.evaluate("node => getComputedStyle(node).fill") != one.page.locator("#pair rect.bar-full").first.evaluate(
        "node => getComputedStyle(node).fill"
    )


def test_the_map_has_a_cursor_and_says_what_is_under_it(open_page: Open) -> None:
    one = open_page(sample.results(verdicts=(Verdict.DIFFERENT,)), address=PAIR)
    one.page.focus(".map")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        one.page.keyboard.press(key)
    assert one.page.inner_text("#readout") == "block_3/norm (layer 2), tensorflow ×2: about 0.01"
    one.page.click("#map summary")
    assert "8 of 8" in one.page.inner_text("#map table")


def test_pairs_are_sorted_and_filtered(open_page: Open) -> None:
    one = open_page()
    assert one.page.locator("#table tbody tr").count() == 25
    one.page.click("#more")
    assert one.page.locator("#table tbody tr").count() == len(sample.results().pairs)
    one.page.click("#table th button >> text=Pair")
    assert one.page.get_attribute("#table th >> nth=2", "aria-sort") == "ascending"
    names = one.page.eval_on_selector_all("#table tbody th", "cells => cells.map(cell => cell.innerText)")
    assert names == sorted(names)
    one.page.fill("#table input", "sync-bn different")
    wanted = [pair for pair in sample.results().pairs if pair.scenario == "sync-bn" and pair.verdict is Verdict.DIFFERENT]
    assert one.page.locator("#table tbody tr").count() == len(wanted)
    assert one.page.inner_text("#found").startswith(f"{len(wanted)} of {len(sample.results().pairs)} pairs")


def test_the_link_that_is_copied_names_the_report_and_the_check(open_page: Open) -> None:
    one = open_page(address=PAIR, permissions=["clipboard-read", "clipboard-write"])
    one.page.click("#copy")
    one.page.wait_for_function("document.querySelector('#said').innerText")
    copied = one.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"Keras parity {sample.results().plan.digest[:12]} {PAIR}"


def test_the_theme_turns_and_the_map_with_it(open_page: Open) -> None:
    one = open_page(sample.results(verdicts=(Verdict.DIFFERENT,)), color_scheme="light")
    look = "[getComputedStyle(document.body).backgroundColor, document.querySelector('canvas').toDataURL()]"
    before = one.page.evaluate(look)
    one.page.click("#theme")
    after = one.page.evaluate(look)
    assert before[0] != after[0]
    assert before[1] != after[1]
    one.page.click("#theme")
    assert one.page.evaluate(look) == before


def test_it_prints_on_few_pages(open_page: Open) -> None:
    one = open_page()
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", one.page.pdf(format="A4"))
    assert 2 <= len(pages) <= 14
