"""Every format counts the same: over random results, and over the ends of the range."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.explain import findings as grouping
from suite.records import ConsistencyCheck, Pair, Results, Status, Verdict
from suite.records.formatting import number
from suite.report import answer, html, junit, markdown, plans, results_json, summary
from suite.results import decisions
from tests.report import builder, sample
from tests.report.page import Page

Counted = dict[str, int]


@st.composite
def results(draw: st.DrawFn) -> Results:
    """Any verdicts and statuses over up to two scenarios, three environments and two device counts."""
    scenarios = sample.SCENARIOS[: draw(st.integers(0, 2))]
    backends = builder.BACKENDS[: draw(st.integers(1, 3))]
    devices = draw(st.sampled_from([(1,), (2,), (1, 2)]))
    found = builder.configurations(scenarios, backends, devices)
    rows = [builder.row(one, draw(st.sampled_from(Status))) for one in found]
    both = [(a, b) for a, b in itertools.combinations(found, 2) if a.scenario == b.scenario]
    pairs = [sample.pair(a, b, draw(st.sampled_from(Verdict))) for a, b in both]
    kinds = [("saved", "model.keras"), ("saved", "model.weights.h5"), ("reloaded", "model.keras"), ("replica", "")]
    chosen = [(one, *draw(st.sampled_from(kinds))) for one in found]
    checks = [builder.check(one, kind, draw(st.sampled_from(Verdict)), form) for one, kind, form in chosen]
    broken = [builder.BROKEN] if draw(st.booleans()) else []
    environments = [builder.environment(name, draw(st.sampled_from(["", "no such version"]))) for name in backends]
    made = builder.assemble(rows, pairs, checks, scenarios=scenarios, environments=environments, broken=broken)
    return dataclasses.replace(made, findings=grouping.group(made.members, ()))


def counted(verdicts: Sequence[Verdict]) -> Counted:
    return dict(Counter(verdict.value for verdict in verdicts))


def expected(members: Sequence[Pair | ConsistencyCheck]) -> Counted:
    return counted([one.verdict for one in members])


def of_bars(page: Page) -> dict[str, Counted]:
    """Noun -> verdict -> number, as the bars show them."""
    found: dict[str, Counted] = {}
    for bar in page.all("ul", "bar"):
        what, *parts = page.inside(bar, "li")
        total, noun = what.text.split()
        assert noun.endswith("s") == (total != "1")
        noun = f"{noun.removesuffix('s')}s"
        words = [part.text.split(maxsplit=2) for part in parts]
        found[noun] = {word: int(number) for _, number, word in words}
        assert sum(found[noun].values()) == int(total)
        assert all(Verdict(word).mark == mark for mark, _, word in words)
    return found


def of_matrices(page: Page) -> Counted:
    """Verdict -> cells of all matrices; every pair is in its matrix twice."""
    found: Counter[str] = Counter()
    for table in page.all("table", "matrix"):
        cells = [cell for cell in page.inside(table, "td") if cell.text]
        found.update(cell.classes[0].replace("-", " ") for cell in cells)
    assert all(number % 2 == 0 for number in found.values())
    return {verdict: number // 2 for verdict, number in found.items()}


def of_markdown(text: str) -> dict[str, Counted]:
    found = {}
    for total, noun, words in re.findall(r"^(\d+) (pairs|checks)(?:: (.*))?$", text, re.M):
        found[noun] = {word: int(number) for _, number, word in (part.split(" ", 2) for part in words.split(", ") if part)}
        assert sum(found[noun].values()) == int(total)
    return found


def agree(results: Results) -> None:
    """All formats say the same of the same results."""
    pairs, checks = expected(results.pairs), expected(results.checks)
    page = Page(html.text(results))
    document = results_json.document(results)
    suites = {one.get("name"): one for one in ElementTree.fromstring(junit.text(results))}
    assert of_bars(page) == {noun: numbers for noun, numbers in (("pairs", pairs), ("checks", checks)) if numbers}
    assert of_matrices(page) == pairs
    assert of_markdown(markdown.text(results)) == {"pairs": pairs, "checks": checks}
    for name, numbers in (("pairs", pairs), ("checks", checks)):
        assert dict(Counter(one["verdict"] for one in document[name])) == numbers
        assert int(suites[name].get("tests", "")) == len(document[name])
        gate = Verdict(results.plan.options.gate).rank
        bad = sum(number for word, number in numbers.items() if gate <= Verdict(word).rank < Verdict.NOT_RUN.rank)
        assert int(suites[name].get("failures", "")) == bad
        missing = int(suites[name].get("errors", "")) + int(suites[name].get("skipped", ""))
        assert missing == numbers.get("not run", 0)
    assert int(suites["runs"].get("tests", "")) == len(results.runs) == len(document["runs"])
    assert answer.sentence(results) == page.all("h1")[0].text == document["answer"]
    first_screen(results, page)


def first_screen(results: Results, page: Page) -> None:
    """Table, counts, matrices and findings say the same, and nothing is called safe that was not shown to be."""
    counted = answer.counts(results).by_group
    chips = {one.attributes["data-show"]: int(one.text.split()[-1]) for one in page.all("a", "chip")}
    assert chips == {name: count for name, count in counted.items() if count or name == "decision"}
    causes = Counter(one.attributes["data-group"] for one in page.all("article"))
    members = {member.id for member in results.members if member.verdict not in decisions.AGREE}
    covered = {member.id for finding in results.findings for member in finding.members}
    for name in ("decision", "undecided", "expected"):
        assert counted[name] - causes[name] in ((0,) if members <= covered else (0, 1))
    close = sum(numbers for word, numbers in expected(results.members).items() if Verdict(word) in decisions.AGREE)
    assert counted["equal"] == close
    assert counted["not-run"] == expected(results.members).get("not run", 0)
    sentence = answer.sentence(results)
    assert len(sentence.split()) <= 20, sentence
    if sentence.startswith("Yes"):
        assert not counted["decision"] and not counted["undecided"]
    said = [row.words for table in decisions.tables(results) for row in plans.rows(results, table)]
    shown = [one.text for table in page.all("table", "plans") for one in page.inside(table, "tr")]
    assert len(said) == len(shown) - len(page.all("table", "plans"))
    assert list(plans.lines(results))[1] == sentence
    numbers = {f"#finding-{place}" for place, _ in enumerate(results.findings, 1)}
    links = [one.attributes["href"] for table in page.all("table", "plans") for one in page.inside(table, "a")]
    assert set(links) <= numbers | {"#why", "#failed", "#compare"}
    assert {link for link in links if not link.startswith("#finding")} <= {
        f"#{one.attributes.get('id')}" for one in page.all("section")
    }


@settings(max_examples=30, deadline=None)
@given(results())
def test_all_formats_count_the_same(found: Results) -> None:
    agree(found)


@pytest.mark.parametrize("verdict", list(Verdict), ids=lambda verdict: verdict.value)
def test_all_formats_count_the_same_where_all_have_one_verdict(verdict: Verdict) -> None:
    found = builder.configurations(sample.SCENARIOS, builder.BACKENDS, (1, 2))
    pairs = [sample.pair(a, b, verdict) for a, b in itertools.combinations(found, 2) if a.scenario == b.scenario]
    agree(
        builder.assemble(
            [builder.row(one) for one in found],
            pairs,
            [builder.check(one, "saved", verdict) for one in found],
            scenarios=sample.SCENARIOS,
        )
    )


@pytest.mark.parametrize("runs", [0, 1])
def test_all_formats_count_the_same_of_one_run_and_of_none(runs: int) -> None:
    rows = [builder.row(one) for one in builder.configurations(["small-cnn"], ["jax"], [1])[:runs]]
    found = builder.assemble(rows, [], [], scenarios=["small-cnn"])
    agree(found)
    assert answer.sentence(found).startswith("Nothing was compared")
    assert found.exit_code == 2


@pytest.mark.parametrize(
    ("verdict", "lead"),
    [
        (Verdict.IDENTICAL, "Yes. Everything that was compared is equal, up to rounding."),
        (Verdict.NOISE, "Yes. Everything that was compared is equal, up to rounding."),
        (Verdict.BY_DESIGN, "Yes, but for 1 expected cause; everything else is equal, up to rounding."),
        (Verdict.INCONCLUSIVE, "Undecided. 1 undecided; the rest is equal."),
        (Verdict.DIFFERENT, "No. 1 cause needs a decision; the rest is equal."),
        (Verdict.INVALID, "No. 1 cause needs a decision; the rest is equal."),
    ],
)
def test_the_answer_counts_causes(verdict: Verdict, lead: str) -> None:
    """However many pairs one of them takes part in."""
    found = builder.configurations(sample.SCENARIOS[:1], builder.BACKENDS, (1,))
    pairs = [
        dataclasses.replace(sample.pair(a, b, verdict), side=None, place=None) for a, b in itertools.combinations(found, 2)
    ]
    rows = [builder.row(one, Status.COMPLETE) for one in found]
    results = builder.assemble(rows, pairs, [], scenarios=sample.SCENARIOS[:1])
    named = dataclasses.replace(results, findings=grouping.group(results.members, ()))
    assert answer.sentence(named).startswith(lead)
    accepted = dataclasses.replace(
        named, findings=tuple(dataclasses.replace(one, accepted="known") for one in named.findings)
    )
    assert answer.sentence(accepted).startswith("Yes")
    assert answer.counts(accepted).expected == (verdict not in decisions.AGREE)


def test_a_missing_result_neither_hides_a_difference_nor_passes_for_none() -> None:
    a, b, c = builder.configurations(["small-cnn"], builder.BACKENDS, [1])
    missing, apart = sample.pair(a, c, Verdict.NOT_RUN), sample.pair(a, b, Verdict.DIFFERENT)
    mixed = summary.worst([missing, apart])
    assert mixed is not None
    assert (mixed.verdict, mixed.mark, mixed.partial) == (Verdict.DIFFERENT, "≠–", True)
    assert mixed.sentence == "different: 1 of 2; not run: 1"
    nothing = summary.worst([missing])
    assert nothing is not None
    assert (nothing.verdict, nothing.partial) == (Verdict.NOT_RUN, False)
    assert summary.worst([]) is None


def test_every_pair_and_check_is_in_one_group_of_the_overview() -> None:
    found = sample.results()
    groups = summary.overview(found)
    members = sum(one.members for group in groups for one in group.worst.values() if one)
    assert members == len(found.pairs) + len(found.checks)
    assert len({group.name for group in groups}) == len(groups)


def test_a_worker_that_was_started_once_more_is_named_once() -> None:
    results = sample.results()
    [crashed] = [row for row in results.runs if row.died]
    assert summary.restarted(results) == [(crashed.run.id, crashed.died)]
    assert crashed.run.configuration == sample.CRASHED
    repeat = dataclasses.replace(crashed, run=dataclasses.replace(crashed.run, variation="repeat"))
    assert summary.restarted(dataclasses.replace(results, runs=(*results.runs, repeat))) == [(crashed.run.id, crashed.died)]


def test_devices_that_are_parts_of_one_gpu_are_marked_as_such() -> None:
    found = sample.results()
    assert summary.virtual(found) == ""
    one = dataclasses.replace(found.runs[0], facts={"virtual devices": "2 on one GPU"})
    repeat = dataclasses.replace(one, run=dataclasses.replace(one.run, variation="repeat"))
    marked = dataclasses.replace(found, runs=(one, repeat, *found.runs[1:]))
    words = (
        "1 configuration has its devices on one GPU (--virtual-devices). This shows what the strategy computes, not what "
    )
    assert summary.virtual(marked) == f"{words}several GPUs and NCCL do."
    assert words in html.text(marked)
    assert words in markdown.text(marked)


def test_a_reason_is_said_once_with_the_configurations_that_failed_for_it() -> None:
    found = sample.results()
    failed = next(row for row in found.runs if row.run.configuration == sample.FAILED)
    again = dataclasses.replace(failed, reason="another")
    elsewhere = dataclasses.replace(again, run=found.runs[0].run)
    rows = dataclasses.replace(found, runs=(*found.runs, failed, again, elsewhere))
    assert [(one.reason, one.names) for one in summary.failed(rows)] == [
        (failed.reason, failed.run.id),
        ("another", f"{failed.run.id} and 1 other"),
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.004999, "5.0e-3"),
        (0.0123, "0.012"),
        (1.0, "1"),
        (123.4, "123"),
        (1234.0, "1.2e3"),
        (5e-324, "4.9e-324"),
        (float("inf"), "inf"),
    ],
)
def test_only_zero_is_printed_as_zero(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(("lost", "words"), [((1,), "Yes, where it ran. "), ((1, 2), "Not known for jax. ")])
def test_an_environment_without_any_result_is_no_yes(lost: tuple[int, ...], words: str) -> None:
    """One that ran on one device and not on two is another matter."""
    found = builder.configurations(sample.SCENARIOS[:1], ("tensorflow", "jax"), (1, 2))
    failed = [one for one in found if one.environment == "jax" and one.devices in lost]
    rows = [builder.row(one, Status.FAILED if one in failed else Status.COMPLETE) for one in found]
    verdicts = [
        sample.pair(a, b, Verdict.NOT_RUN if {a, b} & set(failed) else Verdict.ROUNDING)
        for a, b in itertools.combinations(found, 2)
    ]
    whole = builder.assemble(rows, verdicts, scenarios=sample.SCENARIOS[:1])
    assert answer.sentence(whole).startswith(words)
    assert " not run; the rest is equal. " in answer.sentence(whole)
