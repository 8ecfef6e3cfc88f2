"""The page as a browser shows it: quiet, whole without script, the same by address, and reached by keys alone."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

import pytest

from suite.explain import findings as grouping
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


# What a reader sees before scrolling: every text of which a part is in the window.
SEEN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange(), seen = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest(".hidden, .skip")) continue;
    range.selectNodeContents(node);
    if ([...range.getClientRects()].some(one => one.bottom > 0 && one.top < innerHeight)) seen.push(node.textContent);
  }
  return seen.join(" ");
}"""
MOST_WORDS = 150


@pytest.mark.parametrize(
    "results",
    [
        sample.results(),
        sample.results(("mine",)),
        sample.results(healthy=True),
        sample.results(verdicts=(Verdict.IDENTICAL,)),
    ],
    ids=["failed", "own", "healthy", "equal"],
)
def test_the_first_screen_says_what_can_be_read_in_ten_seconds(open_page: Open, results: Results) -> None:
    one = open_page(dataclasses.replace(results, findings=grouping.group(results.members, ())))
    words = [word for word in one.page.evaluate(SEEN).split() if any(map(str.isalnum, word))]
    assert len(words) <= MOST_WORDS, " ".join(words)
    chips = one.page.locator(".first .chips").bounding_box()
    assert chips and chips["y"] + chips["height"] < 900, "the counts are on the first screen, too"


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


def test_the_answer_has_few_words_and_no_number_that_leads_nowhere(open_page: Open) -> None:
    one = open_page(decided_results())
    answered = one.page.evaluate(WORDS, [".first", 900])
    assert 60 < len(answered) <= 150
    own_text = "node => [...node.childNodes].filter(child => child.nodeType === 3).map(child => child.textContent).join(' ')"
    bare = one.page.eval_on_selector_all(".first h1, .chips li, .plans td", f"nodes => nodes.map({own_text})")
    assert not re.search(r"\d", " ".join(bare))


@pytest.mark.parametrize("height", [900, 1500])
def test_causes_begin_where_the_answer_ends(open_page: Open, height: int) -> None:
    """Nothing is between them, and beside the answer there is only the beginning of why: at 900 pixels, fewer words more
    than an answer may have."""
    one = open_page(decided_results(), viewport={"width": 1280, "height": height})
    bottom = "document.querySelector('.first > :last-child').getBoundingClientRect().bottom"
    top = "document.querySelector('#why h2').getBoundingClientRect().top"
    ends, begins = one.page.evaluate(f"[{bottom}, {top}]")
    assert 0 < begins - ends < 48
    assert 480 < ends < 840, "the answer has most of the first screen, and all of it fits"
    below = one.page.evaluate(WORDS, ["main", 900])
    assert 0 < len(below) <= 150


def test_the_answer_stands_on_one_line_of_type(open_page: Open) -> None:
    """Its links are no boxes of their own, which stand higher, or break before a semicolon."""
    one = open_page(decided_results())
    tops = one.page.evaluate("""() => [...document.querySelector('.first h1').childNodes].map((node) => {
      const range = document.createRange();
      range.selectNodeContents(node);
      return range.getClientRects()[0].top;
    })""")
    assert len(tops) > 1 and max(tops) - min(tops) < 1


def decided_results() -> Results:
    """Some of everything, and nothing that failed."""
    results = sample.results(healthy=True, verdicts=(Verdict.ROUNDING, Verdict.BY_DESIGN, Verdict.DIFFERENT))
    grouped = grouping.group(results.members, ())
    return dataclasses.replace(results, findings=grouped, jobs=(), broken=())


# Every word in a place whose element begins within the first so many pixels, and is not hidden.
WORDS = """([place, height]) => {
  const walker = document.createTreeWalker(document.querySelector(place), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    const parent = walker.currentNode.parentElement;
    const folded = 'details:not([open]) > :not(summary)';
    if (parent.closest(`.hidden, script, noscript, .skip, [hidden], ${folded}`) || !box.width || box.top >= height) continue;
    found.push(...walker.currentNode.textContent.split(/\\s+/).filter((word) => /\\w/.test(word)));
  }
  return found;
}"""


def test_counts_are_filters(open_page: Open) -> None:
    results = sample.results()
    one = open_page(results)
    counted = answer.counts(results).by_group
    for name in ("decision", "undecided", "expected"):
        one.page.click(f".chip[data-show={name}]")
        wanted = [str(place) for place, found in enumerate(results.findings, 1) if answer.group(found) == name]
        shown = one.page.eval_on_selector_all("#why article:visible", "all => all.map(node => node.id.split('-')[1])")
        assert shown == wanted
    for name in ("equal", "not-run"):
        one.page.click(f".chip[data-show={name}]")
        assert one.page.inner_text("#found").startswith(f"{counted[name]} of {len(results.members)} comparisons")
    one.page.click("#chosen button")
    assert one.page.locator("#why article:visible").count() == len(results.findings)
    one.page.click(".plans a[data-findings] >> nth=0")
    assert 1 < one.page.locator("#why article:visible").count() < len(results.findings)


def test_an_answer_leads_to_its_cause_and_a_folded_one_unfolds(open_page: Open) -> None:
    results = sample.results()
    last = f"#finding-{len(results.findings)}"
    one = open_page(results, address=last)
    assert one.page.locator(last).is_visible()
    link = one.page.locator(".plans td > a >> nth=0")
    target = link.get_attribute("href") or ""
    link.click()
    assert one.page.locator(target).is_visible()


def test_the_command_and_the_entry_that_accepts_are_copied(open_page: Open) -> None:
    one = open_page(permissions=["clipboard-read", "clipboard-write"])
    said = next(one for one in findings.worded(sample.results()) if one.accept)
    place = sample.results().findings.index(said.finding) + 1
    for button, words in ((0, said.repeat), (1, said.accept)):
        one.page.click(f"#finding-{place} button >> nth={button}")
        one.page.wait_for_function(f"document.querySelector('#finding-{place} .copies [role=status]').innerText")
        assert one.page.evaluate("navigator.clipboard.readText()") == words


def test_a_cell_of_the_overview_opens_what_it_shows(open_page: Open) -> None:
    one = open_page()
    cell = one.page.locator("#overview tbody td.different a >> nth=0")
    cell.click()
    one.page.wait_for_function("document.activeElement.tagName === 'H3'")
    assert "≠ different" in heading(one)


def test_the_first_key_leads_past_the_first_screen(open_page: Open) -> None:
    one = open_page(wait=True)
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.className") == "skip"


@pytest.mark.parametrize("address", ["", PAIR + "&show=magnitude"])
def test_it_reflows_at_320_pixels(open_page: Open, address: str) -> None:
    one = open_page(address=address, viewport={"width": 320, "height": 700})
    assert one.page.evaluate("document.documentElement.scrollWidth") == 320


def test_no_heading_of_a_column_is_broken_inside_a_word(open_page: Open) -> None:
    one = open_page(viewport={"width": 320, "height": 700})
    heights = one.page.eval_on_selector_all("#selftest thead th", "cells => cells.map(cell => cell.offsetHeight)")
    assert 0 < max(heights) < 36, "more than one line"


def test_a_state_and_a_day_are_not_broken_into_lines(open_page: Open) -> None:
    results = sample.results()
    known = dataclasses.replace(sample.KNOWN[0], reason="a long reason that takes all the room there is " * 8)
    one = open_page(dataclasses.replace(results, known=(known,)))
    heights = one.page.eval_on_selector_all("#known tbody b", "nodes => nodes.map(node => node.offsetHeight)")
    assert len(heights) == 1 and heights[0] < 30


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


def test_the_map_has_the_names_of_its_layers_under_their_columns(open_page: Open) -> None:
    one = open_page(sample.results(verdicts=(Verdict.DIFFERENT,)), address=PAIR)
    box = "node => { const box = node.getBoundingClientRect(); return [box.x, box.width]; }"
    items = one.page.locator("#map ol.columns li").all()
    start, width = one.page.eval_on_selector("canvas", box)
    assert [item.inner_text() for item in items] == [f"block_{place}/norm" for place in range(1, 9)]
    for place, item in enumerate(items):
        left, wide = item.evaluate(box)
        assert left + wide / 2 == pytest.approx(start + (place + 0.5) * width / len(items), abs=2)


def test_pairs_are_sorted_and_filtered(open_page: Open) -> None:
    one = open_page()
    assert one.page.locator("#table tbody tr").count() == 25
    one.page.click("#more")
    assert one.page.locator("#table tbody tr").count() == 50
    one.page.click("#table th button >> text=Comparison")
    assert one.page.get_attribute("#table th >> nth=2", "aria-sort") == "ascending"
    names = one.page.eval_on_selector_all("#table tbody th", "cells => cells.map(cell => cell.innerText)")
    assert names == sorted(names)
    one.page.fill("#table input", "sync-bn different")
    every = sample.results().members
    wanted = [one for one in every if one.scenario == "sync-bn" and one.verdict is Verdict.DIFFERENT]
    assert one.page.locator("#table tbody tr").count() == len(wanted)
    assert one.page.inner_text("#found").startswith(f"{len(wanted)} of {len(every)} comparisons")
    one.page.fill("#table input", "")
    for name, value in (("verdict", "different"), ("scenario", "sync-bn"), ("environment", "jax")):
        one.page.select_option(f"#by-{name}", value)
    mine = [one for one in wanted if "jax" in {run.configuration.environment for run in one.runs}]
    assert 0 < len(mine) < len(wanted)
    assert one.page.locator("#table tbody tr").count() == len(mine)


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
