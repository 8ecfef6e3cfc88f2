"""index.html: one file, offline, readable without JavaScript. Everything in it is in results.json."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from suite.records import (
    GROUPS,
    JUDGED_STEP,
    QUANTITIES,
    Judged,
    Pair,
    Results,
    ScenarioRow,
    TensorDistance,
    Verdict,
    View,
)
from suite.report import chart, summary

HERE = Path(__file__).parent
SHOWN_FINDINGS = 5  # more than five causes at once are read by nobody; the rest is folded
SHOWN_TENSORS, FEWER_TENSORS, MANY_PAIRS = 20, 10, 60  # of many pairs fewer tensors each; results.json has 20 of all
FULL_PAIRS = 400  # beyond, pairs no worse than rounding go without curve and tensors: 5 MB is what a browser opens at once
MATRICES = (("all quantities", ""), (QUANTITIES[0], QUANTITIES[0]), (QUANTITIES[4], QUANTITIES[4]))
METRICS = {
    "train": "how far apart the weights are, as a share of the way that training moved them",
    "mean": "largest difference of a moving mean, in standard deviations",
    "var": "largest difference of a moving variance, as a share of it",
    "folded": "relative difference of layers with their batch normalization folded in: of what the model computes",
    "slots": "relative difference of the optimizer's variables",
    "loss": "largest relative difference of a loss",
    "pmax": "largest difference of a predicted probability",
    "tv": "mean difference of predicted distributions, 0 to 1",
    "js": "mean Jensen-Shannon divergence of predictions, nats",
    "churn": "share of rows whose predicted class changed",
    "explained": "share of the changed rows that were a close call",
    "values": "relative difference of predicted values",
    "max_abs": "largest difference of a predicted value",
    "state": "relative difference of other variables: counters of random seeds, constants",
    "tensor": "as train, of one tensor",
    "ulp": "in units of the last digit that float32 can hold",
}

KINDS = ("saved", "reloaded", "replica", "declared")


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One pair opened: the quantity that decided with its main metric and curve, and the tensors farthest apart."""

    pair: Pair
    anchor: str
    decided: Judged | None
    metric: str
    curve: chart.Curve | None
    tensors: Sequence[TensorDistance]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario's tables. `cells`: (a, b) in both orders -> pair; `views`: run -> column -> its worst view."""

    row: ScenarioRow
    anchor: str
    labels: Mapping[str, str]
    starts: frozenset[str]
    cells: Mapping[tuple[str, str], Pair]
    details: Sequence[Detail]
    columns: Sequence[str]
    views: Mapping[str, Mapping[str, View]]
    causes: Mapping[tuple[Verdict, str], Sequence[str]]
    worst: summary.Worst | None


def text(results: Results) -> str:
    """The page. Names from scenarios and plugins are escaped wherever they stand."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": summary.number,
        "label": summary.label,
        "anchor": anchor,
        "cause": summary.cause,
        "short": lambda words: summary.cause(words).partition(" (")[0],
        "size": _size,
        "lines": _lines,
    }
    environment.globals |= {"quantity_of": _quantity_of}
    scenarios = [_scenario(results, row) for row in results.scenarios]
    page = environment.get_template("index.html.j2").render(
        results=results,
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        script=Markup((HERE / "script.js").read_text(encoding="utf-8")),
        groups=GROUPS,
        key=list(summary.counts((*results.pairs, *results.views))),
        counts={"pairs": summary.counts(results.pairs), "views": summary.counts(results.views)},
        worst=summary.worst((*results.pairs, *results.views)),
        overview=summary.overview(results),
        failed=summary.failed(results),
        unsupported=summary.unsupported(results),
        shown=SHOWN_FINDINGS,
        scenarios=scenarios,
        anchors={f"{one.pair.a} | {one.pair.b}": one.anchor for each in scenarios for one in each.details},
        folded=len(results.pairs) > FULL_PAIRS,
        shown_tensors=_shown_tensors(results),
        matrices=MATRICES,
        metrics={metric: METRICS.get(metric, metric) for metric in _metrics(results)},
        facts=_facts(results),
        judged_step=JUDGED_STEP,
        chart=chart,
    )
    return re.sub(r"\n\s*\n+", "\n", page)


def anchor(*parts: str) -> str:
    """An id for names: letters, digits and hyphens."""
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)


def _quantity_of(pair: Pair, quantity: str) -> Verdict | None:
    """A pair's verdict for one quantity, or of all; None if the pair was compared and has no such quantity."""
    if not quantity or pair.verdict is Verdict.NOT_RUN:
        return pair.verdict
    return next((judged.verdict for judged in pair.quantities if judged.quantity == quantity), None)


def _size(one: Pair | View) -> str:
    """What a verdict rests on: "predictions, pmax 0.0021"; empty for identical ones."""
    for judged in one.quantities:
        metric = summary.main_metric(judged)
        if judged.verdict is one.verdict and one.verdict is not Verdict.IDENTICAL and metric:
            return f"{judged.quantity}, {metric} {summary.number(judged.distances.at[-1].plain[metric])}"
    return ""


def _lines(judged: Judged, what: str) -> str:
    """One line for each metric of the last step: its distance, its limit, or the distance of the float64 twins."""
    last = judged.distances.at[-1] if judged.distances.at else None
    if last is None:
        return ""
    if what == "distance":
        return "\n".join(f"{metric} {summary.number(value)}" for metric, value in last.plain.items())
    limits = {metric: value for metric, value in judged.limits.items() if metric not in summary.REPORTED}
    values = limits if what == "limit" else last.twin
    return "\n".join(summary.number(values[metric]) if metric in values else "–" for metric in last.plain)


def _scenario(results: Results, row: ScenarioRow) -> Scenario:
    pairs = [pair for pair in results.pairs if pair.scenario == row.name]
    views = [view for view in results.views if view.scenario == row.name]
    labels = summary.labels(results, row.name)
    place = str(results.scenarios.index(row) + 1)
    runs = list(labels)
    starts = [b for a, b in pairwise(runs) if summary.side(a)[0] != summary.side(b)[0]]
    full = len(results.pairs) <= FULL_PAIRS
    tensors = _shown_tensors(results)
    return Scenario(
        row=row,
        anchor=f"s{place}-{anchor(row.name)}",
        labels=labels,
        starts=frozenset(starts),
        cells={key: pair for pair in pairs for key in ((pair.a, pair.b), (pair.b, pair.a))},
        details=[_detail(pair, f"s{place}-p{number}", full, tensors) for number, pair in enumerate(pairs, 1)],
        columns=list(dict.fromkeys(_column(view) for view in sorted(views, key=lambda view: KINDS.index(view.kind)))),
        views={run: _cells([view for view in views if view.run == run]) for run in labels},
        causes=_causes(labels, views),
        worst=summary.worst((*pairs, *views)),
    )


def _column(view: View) -> str:
    if view.kind == "saved":
        return f"live – {view.form}"
    return f"saved – on {view.environment}" if view.kind == "reloaded" else "replicas – first"


def _cells(views: Sequence[View]) -> dict[str, View]:
    """By column; of several replicas the worst."""
    return {_column(view): view for view in sorted(views, key=lambda view: view.verdict.rank)}


def _causes(labels: Mapping[str, str], views: Sequence[View]) -> dict[tuple[Verdict, str], list[str]]:
    """Verdict and cause -> the cells that have it, the worst first: nothing is said by hovering only."""
    found: dict[tuple[Verdict, str], list[str]] = {}
    for view in sorted(views, key=lambda view: -view.verdict.rank):
        if view.cause:
            name = f"{labels.get(view.run, view.run)} ({_column(view)})"
            found.setdefault((view.verdict, view.cause), []).append(name)
    return {key: list(dict.fromkeys(names)) for key, names in found.items()}


def _shown_tensors(results: Results) -> int:
    return SHOWN_TENSORS if len(results.pairs) <= MANY_PAIRS else FEWER_TENSORS


def _detail(pair: Pair, name: str, full: bool, tensors: int) -> Detail:
    """The quantity that decided is the first of the worst; one of several steps has a curve."""
    ordered = sorted(pair.quantities, key=lambda judged: -judged.verdict.rank)
    moving = [judged for judged in ordered if len(judged.distances.at) > 1 and summary.main_metric(judged)]
    decided = moving[0] if moving and not moving[0].distances.bits else None
    metric = summary.main_metric(decided) if decided else ""
    whole = full or pair.verdict.rank > Verdict.ROUNDING.rank
    apart = [tensor for judged in pair.quantities[:2] for tensor in judged.distances.tensors if not tensor.bits]
    return Detail(
        pair=pair,
        anchor=name,
        decided=decided,
        metric=metric,
        curve=chart.curve(decided, metric) if decided and whole else None,
        tensors=summary.farthest(apart, tensors) if whole and pair.verdict.rank > Verdict.ROUNDING.rank else (),
    )


def _metrics(results: Results) -> list[str]:
    """Metric ids that occur, in the order of their explanations."""
    members: list[Pair | View] = [*results.pairs, *results.views]
    found = {
        metric for one in members for judged in one.quantities for at in judged.distances.at[-1:] for metric in at.plain
    }
    return [metric for metric in METRICS if metric in found] + sorted(found - METRICS.keys())


def _facts(results: Results) -> list[tuple[str, list[str], bool]]:
    """Versions and flags by environment, as its first run found them: (fact, value for each, whether they differ)."""
    found: list[dict[str, str]] = []
    for ready in results.environments:
        rows = [row for row in results.runs if row.run.configuration.environment == ready.environment.name and row.facts]
        ran = rows[0].facts if rows else {}
        found.append({**ready.packages, **{name: value for name, value in ran.items() if name != "optimizer"}})
    table = []
    for name in dict.fromkeys(name for facts in found for name in facts):
        values = [facts.get(name, "–") for facts in found]
        table.append((name, values, len(set(values)) > 1))
    return sorted(table, key=lambda row: not row[2])
