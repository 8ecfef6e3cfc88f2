"""The page: inert names, no request, links that arrive, marks beside colours, and a page without results."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings

from suite.explain import findings as grouping
from suite.explain import fingerprint
from suite.records import GroundRates, Judged, Results, SelfTest, Status, Verdict
from suite.report import answer, causes, findings, html, summary
from tests.report import builder, sample
from tests.report.page import Page

EVIL = "</script><img src=x onerror=alert(1)>"
HOSTILE = [EVIL, "\"'><svg/onload=alert(1)>", "</style><b>", "{{ 7 * 7 }}", "-->"]
ELSEWHERE = ("results.json", "comparisons.csv", "tensors.csv", "findings.csv", "data:,")  # beside it, and no icon


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
    read_on = {one.link for one in findings.worded(results) if one.link.startswith("https://")}
    for one in page.elements:
        for name in ("src", "href", "action", "data"):
            where = one.attributes.get(name, "#")
            known = where.startswith("#") or where in ELSEWHERE or (one.tag == "a" and where in read_on)
            assert known, f"{one.tag} has {name} {where!r}"
    for link in [one.attributes["href"][1:] for one in page.all("a") if one.attributes["href"].startswith("#")]:
        named = parse_qs(link)
        assert link in ids or named["scenario"][0] in {row.name for row in results.scenarios}, link
    assert not re.search(r"@import|\burl\(|fetch\(|innerHTML|\beval\b|Function\(", html.style() + html.script())
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
    assert len([one for one in hostile.all("script") if "type" not in one.attributes]) == 1
    assert len(hostile.all("style")) == 1
    json.loads(next(one for one in hostile.all("script") if one.attributes.get("id") == "data").text)
    assert [one for one in hostile.all("p", "claim") if words in one.text]
    assert [one for one in hostile.all("caption") if words in one.text]
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
    assert f".v{verdict.rank}, .{css(verdict)} {{" in (html.HERE / "style.css").read_text(encoding="utf-8")


def test_every_cell_carries_mark_and_word_and_the_colour_of_its_verdict(page: Page) -> None:
    cells = [cell for table in page.all("table", "grid") for cell in page.inside(table, "td")]
    known = {css(verdict): verdict for verdict in Verdict}
    shown: set[Verdict] = set()
    for cell in cells:
        verdicts = [known[name] for name in cell.classes if name in known]
        if verdicts:
            assert cell.text.startswith(verdicts[0].mark)
            assert verdicts[0].value in cell.text + " ".join(one.attributes["aria-label"] for one in page.inside(cell, "a"))
            shown.add(verdicts[0])
        else:
            assert cell.text in ("", "not compared", "nothing to compare")
    assert shown == set(Verdict)


def test_every_table_names_itself_and_its_rows_and_columns(page: Page) -> None:
    for table in page.all("table"):
        assert page.inside(table, "caption"), table.text[:60]
        assert all(one.attributes.get("scope") in ("row", "col") for one in page.inside(table, "th"))


def test_every_pair_is_there_without_script_and_says_its_cause(page: Page) -> None:
    results = sample.results()
    rows = [one.text for table in page.all("table", "numbers") for one in page.inside(table, "tr")]
    labels = {run: name for one in results.scenarios for run, name in summary.labels(results, one.name).items()}
    for pair in results.pairs:
        wanted = (pair.verdict.value, pair.scenario, f"{labels[pair.a]} – {labels[pair.b]}", causes.words(pair.causes))
        assert [row for row in rows if all(words in row for words in wanted)], wanted


def counted(page: Page, noun: str) -> dict[str, int]:
    """Verdict -> number, as the count bar says."""
    bars = [one for one in page.all("ul", "bar") if one.attributes["aria-label"] == f"{noun} by verdict"]
    items = [one for one in page.inside(bars[0], "li") if "what" not in one.classes] if bars else []
    return {one.classes[0]: int(one.text.split()[1]) for one in items}


def cells(page: Page, kind: str) -> dict[str, int]:
    """Verdict -> number of cells in the tables of that kind."""
    known = {css(verdict) for verdict in Verdict}
    found = [name for table in page.all("table", kind) for cell in page.inside(table, "td") for name in cell.classes]
    return dict(Counter(name for name in found if name in known))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sample.random_results())
def test_the_bar_the_matrices_and_the_checks_count_the_same(results: Results) -> None:
    page = check(results)
    assert {name: 2 * count for name, count in counted(page, "pairs").items()} == cells(page, "matrix")
    assert counted(page, "checks") == cells(page, "checks")


def test_the_tables_of_a_large_report_stand_where_no_script_runs() -> None:
    names = tuple(f"scenario-{index}" for index in range(40))
    results = sample.results(names)
    page = check(results)
    hidden = [table for one in page.all("noscript") for table in page.inside(one, "table")]
    assert 0 < len([table for table in hidden if "matrix" in table.classes]) < len(names)
    short = {f"v{verdict.rank}": css(verdict) for verdict in Verdict}
    for noun, kind, times in (("pairs", "matrix", 2), ("checks", "checks", 1)):
        found = Counter({name: count // times for name, count in cells(page, kind).items()})
        marked = [cell for table in hidden if kind in table.classes for cell in page.inside(table, "td")]
        found.update(short[name] for cell in marked for name in cell.classes if name in short)
        assert counted(page, noun) == found
    assert "the rest, no worse, is in the matrices" in " ".join(one.text for one in page.all("caption"))


def test_a_finding_says_where_how_large_and_what_to_do(page: Page) -> None:
    found = next(one for one in page.all("article") if "∆ by design" in one.text).text
    said = next(one for one in findings.worded(sample.results()) if one.finding.verdict is Verdict.BY_DESIGN)
    for words in (
        said.claim,
        said.effect,
        said.evidence,
        said.experiment,
        said.advice,
        said.repeat,
        said.finding.fingerprint,
    ):
        assert words and words in found
    assert said.link in [one.attributes.get("href") for one in page.elements]
    assert " ".join(said.accept.split()) in found
    assert "Begins at: batch statistics, block_1/norm/moving_mean, from the state after step 0: 0.04" in found
    assert "How much: a probability changes by 4 % (rounding: 0.0001 %, another seed: 30 %)" in found


def test_each_declaration_has_a_row_with_what_became_of_it(page: Page) -> None:
    table = next(one for one in page.all("section") if one.attributes.get("id") == "declared")
    rows = [one.text for one in page.inside(table, "tr")]
    assert len(rows) == 1 + len(sample.results().diagnoses)
    assert any("gradients are summed over replicas, not averaged (2.0e-15) of 20 tried" in row for row in rows)
    assert any("it has no float64 run" in row for row in rows)


def self_test(results: Results) -> str:
    """The section's text, its cells apart."""
    page = check(results)
    section = next(one for one in page.all("section") if one.attributes.get("id") == "selftest")
    rows = [" | ".join(one.text for one in row.children) for row in page.inside(section, "tr")]
    return "\n".join([*rows, section.text])


def test_the_self_test_is_quoted_with_what_it_rests_on() -> None:
    text = self_test(sample.results())
    for words in (
        "detected | 199 | 99.5%",
        "right cause | 193 | 96.5%",
        "right place | 190 | 95.0%",
        "of built-in scenarios, one at a time: 200.",
        "false alarms among 161 clean pairs | 1 | 0.6%",
        "Measured with keras 3.15.1, torch 2.13.0, keras-parity 0.1.0.",
        "of models drawn at random, one at a time: 50.",
        "right side | 48 | 96.0%",
        "right cause or place | 47 | 94.0%",
        "false alarms among 90 clean pairs | 0 | 0.0%",
        "false alarms among 300 clean checks | 2 | 0.7%",
        "Measured with keras 3.14.0, keras-parity 0.2.0.",
        f"These rates may not hold for this run: on built-in scenarios, {sample.BUILT_IN_RATES.apart[0]}. To measure it: "
        "nox -s selftest -- --keep",
        *sample.BUILT_IN_RATES.alarms,
        *sample.RANDOM_RATES.alarms,
    ):
        assert words in text


def test_a_self_test_of_the_same_versions_need_not_be_made_again() -> None:
    same = SelfTest(grounds=(dataclasses.replace(sample.BUILT_IN_RATES, apart=()), sample.RANDOM_RATES))
    text = self_test(dataclasses.replace(sample.results(), self_test=same))
    assert text.endswith("This run has the same versions.")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "No self-test was kept, so it is unknown how often verdicts and causes are right."),
        (SelfTest(damage="it is torn"), "It is unknown how often verdicts and causes are right: it is torn."),
        (SelfTest(), "No self-test was kept, so it is unknown how often verdicts and causes are right."),
        (SelfTest(grounds=(GroundRates(ground="random"),)), "detected | 0 | –"),
    ],
)
def test_without_a_self_test_the_page_says_so(found: SelfTest | None, words: str) -> None:
    text = self_test(dataclasses.replace(sample.results(), self_test=found))
    assert words in text
    assert "%" not in text
    assert ("--keep" in text) == (found is None or not found.grounds)


def test_a_run_that_died_once_is_named_beside_the_answer_and_in_its_row(page: Page) -> None:
    assert sample.DIED in next(one for one in page.all("section") if one.attributes.get("id") == "why").text
    [row] = [row for row in page.all("tr") if sample.DIED in row.text]
    assert row.text.startswith("tensorflow/tf_mirrored-x2/plain")
    assert "complete" in row.text


def test_of_very_many_runs_one_that_died_once_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.report.html.LISTED_RUNS", 1)
    listed = [row for one in html._scenarios(sample.results()) for row in one.runs]
    assert [row.run.configuration for row in listed if row.status is Status.COMPLETE] == [sample.CRASHED]


def test_split_assets_leave_no_code_and_no_style_in_the_page() -> None:
    files = html.split(sample.results())
    assert files.keys() == {"index.html", "index.css", "index.js"}
    page = Page(files["index.html"])
    assert not page.all("style")
    assert not [one for one in page.elements if "style" in one.attributes]
    executed = [one for one in page.all("script") if one.attributes.get("type") is None]
    assert [(one.attributes["src"], one.text) for one in executed] == [("index.js", "")]


def test_a_failure_is_named_beside_the_answer(page: Page) -> None:
    assert "3 failures" in page.all("h1")[0].text
    beside = next(one for one in page.all("section") if one.attributes.get("id") == "failed").text
    assert sample.FAILED.id in beside
    assert "it ended with exit code 1" in beside
    assert "ImportError: no module named lost" in beside
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


@pytest.mark.parametrize(
    ("verdict", "edge"), [(Verdict.IDENTICAL, Verdict.INCONCLUSIVE), (Verdict.DIFFERENT, Verdict.DIFFERENT)]
)
def test_the_edge_of_the_answer_is_never_better_than_undecided_where_something_failed(
    verdict: Verdict, edge: Verdict
) -> None:
    a, b, c = builder.configurations(["small-cnn"], builder.BACKENDS, [1])
    rows = [builder.row(a), builder.row(b), builder.row(c, Status.FAILED)]
    page = check(builder.assemble(rows, [sample.pair(a, b, verdict)], [], scenarios=["small-cnn"]))
    assert next(one for one in page.elements if "answer" in one.classes).classes[-1] == f"edge-{css(edge)}"


def test_what_is_accepted_is_no_alarm() -> None:
    a, b = builder.configurations(["small-cnn"], builder.BACKENDS[:2], [1])
    results = builder.assemble(
        [builder.row(a), builder.row(b)], [sample.pair(a, b, Verdict.DIFFERENT)], [], scenarios=["small-cnn"]
    )
    (found,) = fingerprint.named(grouping.group(results.members, ()))
    parts = tuple(dataclasses.replace(part, accepted="it is known") for part in found.parts)
    accepted = dataclasses.replace(found, parts=parts, accepted="it is known")
    page = check(dataclasses.replace(results, findings=(accepted,)))
    assert page.all("h1")[0].text == "Yes, but for 1 expected cause; everything else is equal, up to rounding."
    assert "edge-by-design" in next(one for one in page.elements if "answer" in one.classes).classes
    assert "Accepted: it is known" in page.all("article")[0].text


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
    assert answer.sentence(results) == page.all("h1")[0].text
    for environment in results.environments:
        assert " ".join(environment.reason.split()) in page.all("main")[0].text


def _attributes(page: Page, tag: str) -> list[Mapping[str, str]]:
    return [one.attributes for one in page.all(tag)]


def test_the_page_is_read_in_its_language_and_at_the_width_of_the_screen(page: Page) -> None:
    assert page.all("html")[0].attributes["lang"] == "en"
    assert {"charset": "utf-8"} in _attributes(page, "meta")
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in _attributes(page, "meta")
    assert len(page.all("h1")) == 1
