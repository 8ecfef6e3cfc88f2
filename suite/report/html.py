"""index.html: one file, offline, with no request at all. Everything in it is in results.json; the script only draws it.

Without the script it holds the answer, why, and every matrix and pair (the best of very many pairs only in the matrices).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from suite.records import (
    ALTERED,
    COMPILE_FALSE,
    COUNTS_ON,
    FORMATS,
    JIT_KEPT,
    MEMORY,
    OUTSIDE,
    PREDICT_MOVES,
    RANDOM_PREDICTIONS,
    SHARED_AVERAGES,
    ConsistencyCheck,
    Pair,
    Provisioned,
    Results,
    Run,
    RunRow,
    ScenarioRow,
    Status,
    Verdict,
)
from suite.records.formatting import number
from suite.report import (
    answer,
    bulk,
    causes,
    changes,
    compact,
    drawings,
    findings,
    glossary,
    lagging,
    links,
    noticed,
    payload,
    plans,
    quality,
    summary,
    terms,
    trends,
)
from suite.results.decisions import Safety, tables

HERE = Path(__file__).parent
SHOWN_NAMES = 40  # of the pairs that a finding covers
STATIC_CELLS = 1_000  # beyond, what a reader without script sees goes where a reader with it does not pay for it
STATIC_PAIRS, NOSCRIPT_PAIRS = 100, 150  # rows of the table of pairs: at once, and for readers without a script
LISTED_RUNS = 800  # of more runs only those that are not complete, or died once
WIDTHS = 24  # steps of the count bar: a stylesheet of its own cannot know numbers, and inline styles are often forbidden
SCRIPTS = ("data", "state", "matrix", "figures", "pair", "layers", "saved", "pairs", "causes", "start")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario's tables. `cells`: (a, b) in both orders -> pair; `checks`: run -> column -> check; `direct`: whether its
    tables stand in the page itself, or only where no script runs."""

    row: ScenarioRow
    place: int
    labels: Mapping[Run, str]
    starts: frozenset[Run]
    cells: Mapping[tuple[Run, Run], Pair]
    columns: Sequence[str]
    checks: Mapping[Run, Mapping[str, ConsistencyCheck]]
    causes: Mapping[tuple[Verdict, str], Sequence[str]]
    worst: summary.Worst | None
    runs: Sequence[RunRow]
    unlisted: int
    direct: bool


def text(results: Results) -> str:
    """The page as one file. Names from scenarios and plugins are escaped wherever they stand."""
    return _page(results, style=Markup(f"<style>\n{style()}</style>"), script=Markup(f"<script>\n{script()}</script>"))


def split(results: Results) -> dict[str, str]:
    """File name -> text, for servers that forbid code inside a page."""
    link = Markup('<link rel="stylesheet" href="index.css">')
    page = _page(results, style=link, script=Markup('<script src="index.js" defer></script>'))
    return {"index.html": page, "index.css": style(), "index.js": script()}


def style() -> str:
    widths = " ".join(f".w{width}{{flex-grow:{width}}}" for width in range(1, WIDTHS + 1))
    text = (HERE / "style.css").read_text(encoding="utf-8") + widths + "\n"
    return compact.style(text)


def script() -> str:
    """The files one after the other in one scope."""
    parts = "".join((HERE / "script" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{compact.script(parts)}\n}})();\n'


def _page(results: Results, *, style: Markup, script: Markup) -> str:
    pairs = {row.name: payload.ordered(results, row.name) for row in results.scenarios}
    blocks = bulk.blocks(results, pairs)
    scenarios = _scenarios(results)
    page = (
        _environment()
        .get_template("index.html.j2")
        .render(
            results=results,
            question=answer.question(results),
            answer=answer.sentence(results),
            parts=answer.parts(results),
            tables=[(plans.title(table), plans.rows(results, table)) for table in tables(results)],
            causes=answer.counts(results).by_group,
            groups_of_causes=answer.GROUPS,
            compared=answer.compared(results),
            since=changes.sentence(results.change) if results.change else "",
            since_short=changes.short(results.change) if results.change else "",
            findings=findings.worded(results),
            drawings={id(one): drawings.drawn(one, results) for one in results.findings},
            trends=trends.worded(results),
            noticed=list(noticed.sentences(results)),
            nothing_differs=findings.nothing_differs(results),
            style=style,
            script=script,
            data=payload.text(results, pairs, blocks.left_out),
            blocks=blocks,
            groups=glossary.TENSOR_GROUPS,
            terms=terms.TERMS,
            key=list(summary.counts(results.members)),
            counts={"pairs": summary.counts(results.pairs), "checks": summary.counts(results.checks)},
            edge=_edge(results),
            overview=summary.overview(results),
            failed=summary.failed(results),
            quality_said=list(quality.sentences(results)),
            quality_columns=quality.COLUMNS,
            quality_rows=quality.rows(results),
            restarted=summary.restarted(results),
            restarted_in=[row.run.configuration.scenario for row in results.runs if row.died],
            failed_jobs=summary.failed_jobs(results),
            virtual=summary.virtual(results),
            unsupported=summary.unsupported(results),
            shown=findings.SHOWN,
            shown_names=SHOWN_NAMES,
            scenarios=scenarios,
            rows=_rows(results),
            most=STATIC_PAIRS,
            links=_links(results),
            labels={run: label for one in scenarios for run, label in one.labels.items()},
            metrics={metric: glossary.METRICS.get(metric, metric) for metric in payload.metrics(results)},
            facts=_facts(results),
            no_claims=links.NO_CLAIMS,
            verdicts={verdict.value: verdict for verdict in Verdict},
        )
    )
    return re.sub(r"\n\s*\n+", "\n", page)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "causes": causes.words,
        "group": answer.group,
        "urgency": _urgency,
        "host": lambda link: urlsplit(link).hostname or link,
        "suspect": lambda suspect: causes.hypothesis(suspect.cause),
        "note": findings.NOTES.__getitem__,
        "identity": id,
        "decided": payload.decided,
        "holds_here": glossary.holds_here,
        "ground": glossary.ground,
        "rests_on": glossary.rests_on,
        "to_measure": glossary.to_measure,
        "width": lambda count, total: max(1, round(WIDTHS * count / total)),
    }
    return environment


def _edge(results: Results) -> Verdict:
    """The worst verdict that was compared; what is accepted is expected. Where something failed, nothing better than
    undecided."""
    excused = results.excused
    found = summary.worst(member for member in results.members if member.id not in excused)
    verdict = found.verdict if found else Verdict.BY_DESIGN if excused else Verdict.NOT_RUN
    failed = summary.failed(results) or summary.failed_jobs(results) or results.broken
    return max(verdict, Verdict.INCONCLUSIVE, key=lambda one: one.rank) if failed else verdict


def _urgency(row: plans.Row) -> str:
    """The style of an answer: whether anything behind it needs a decision."""
    groups = {answer.group(reason.finding) if reason.finding else "decision" for reason in row.decision.reasons}
    if row.decision.safety in STYLES:
        return STYLES[row.decision.safety]
    styles = {"decision": "different", "undecided": "inconclusive", "expected": "by-design"}
    return next((style for group, style in styles.items() if group in groups), "inconclusive")


STYLES = {Safety.SAFE: "rounding", Safety.NOT_COMPARED: "not-run"}


def _scenarios(results: Results) -> list[Scenario]:
    """In the plan's order; the first ones' tables stand in the page itself, as many as it can hold."""
    found: list[Scenario] = []
    cells = 0
    for row in results.scenarios:
        checks = sum(check.scenario == row.name for check in results.checks)
        cells += len(summary.labels(results, row.name)) ** 2 + checks
        found.append(_scenario(results, row, len(found), cells <= STATIC_CELLS))
    return found


def _scenario(results: Results, row: ScenarioRow, place: int, direct: bool) -> Scenario:
    pairs = [pair for pair in results.pairs if pair.scenario == row.name]
    checks = [check for check in results.checks if check.scenario == row.name]
    checks.sort(key=lambda check: glossary.KINDS.index(check.kind))
    labels = summary.labels(results, row.name)
    every = [one for one in results.runs if one.run.configuration.scenario == row.name]
    few = len(results.runs) <= LISTED_RUNS
    listed = [one for one in every if few or one.died or one.status is not Status.COMPLETE]
    return Scenario(
        row=row,
        place=place,
        labels=labels,
        starts=frozenset(b for a, b in pairwise(labels) if a.configuration.environment != b.configuration.environment),
        cells={key: pair for pair in pairs for key in ((pair.a, pair.b), (pair.b, pair.a))},
        columns=list(dict.fromkeys(map(glossary.column, checks))),
        checks={run: {glossary.column(check): check for check in checks if check.run == run} for run in labels},
        causes=_causes(labels, checks),
        worst=summary.worst((*pairs, *checks)),
        runs=listed,
        unlisted=len(every) - len(listed),
        direct=direct,
    )


def _causes(labels: Mapping[Run, str], checks: Sequence[ConsistencyCheck]) -> dict[tuple[Verdict, str], list[str]]:
    """Verdict and cause -> the cells that have it, the worst first: nothing is said by hovering only."""
    found: dict[tuple[Verdict, str], list[str]] = {}
    for check in sorted(checks, key=lambda check: -check.verdict.rank):
        if words := causes.words(check.causes):
            name = f"{labels.get(check.run, check.run.id)} ({glossary.column(check)})"
            found.setdefault((check.verdict, words), []).append(name)
    return {key: list(dict.fromkeys(names)) for key, names in found.items()}


def _rows(results: Results) -> list[Pair]:
    """The pairs of the static table, the worst first."""
    order = sorted(results.pairs, key=lambda pair: -_severity(pair.verdict))
    return order[: STATIC_PAIRS + NOSCRIPT_PAIRS]


def _severity(verdict: Verdict) -> int:
    """What is not run is no difference: it comes after those, and before what agrees."""
    return verdict.rank if verdict is not Verdict.NOT_RUN else Verdict.NOISE.rank


def _links(results: Results) -> dict[str, str]:
    """A pair or check as a finding names it -> its address in this page."""
    found = {}
    for pair in results.pairs:
        a, b = (run.configuration.id.partition("/")[2] for run in pair.runs)
        found[pair.id] = "#" + urlencode({"scenario": pair.scenario, "a": a, "b": b}, safe="/")
    for check in results.checks:
        found[check.id] = "#" + urlencode({"scenario": check.scenario, "at": "saved"})
    return found


def _numerics(ready: Provisioned) -> dict[str, str]:
    """Where and how the environment computes, as it was asked for."""
    one = ready.environment
    kernels = "deterministic" if one.deterministic else "the framework's choice"
    return {"device": one.device, "precision": one.precision, "kernels": kernels}


# Facts that say nothing of an environment.
OF_A_RUN = ("optimizer", RANDOM_PREDICTIONS, SHARED_AVERAGES, COMPILE_FALSE, JIT_KEPT, ALTERED, MEMORY, FORMATS,
             OUTSIDE, PREDICT_MOVES, COUNTS_ON, *lagging.FACTS)  # fmt: skip


def _facts(results: Results) -> list[tuple[str, list[str], bool]]:
    """Versions and flags by environment, as its first run found them: (fact, value for each, whether they differ)."""
    found: list[dict[str, str]] = []
    for ready in results.environments:
        rows = [row for row in results.runs if row.run.configuration.environment == ready.environment.name and row.facts]
        ran = rows[0].facts if rows else {}
        found.append(
            {**_numerics(ready), **ready.packages, **{name: value for name, value in ran.items() if name not in OF_A_RUN}}
        )
    table = []
    for name in dict.fromkeys(name for facts in found for name in facts):
        values = [facts.get(name, "–") for facts in found]
        table.append((name, values, len(set(values)) > 1))
    return sorted(table, key=lambda row: not row[2])
