"""index.html: one file, offline, readable without JavaScript. Everything in it is in results.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from suite.records import JUDGED_STEP, MARKS, QUANTITIES, Judged, Pair, Results, Verdict, View
from suite.report import chart, summary

HERE = Path(__file__).parent
SHOWN_FINDINGS = 5  # more than five causes at once are read by nobody; the rest is folded
SHOWN_TENSORS = 10
MATRICES = (("all quantities", ""), ("trainable weights", QUANTITIES[0]), ("predictions", QUANTITIES[4]))
ENVELOPES = 5.0  # what judge calls rounding, drawn as a band; the number itself is in results.limits


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
        "size": _size,
        "verdict_of": _verdict_of,
    }
    environment.tests |= {"worse_than_rounding": lambda verdict: verdict.rank > Verdict.ROUNDING.rank}
    page = environment.get_template("index.html.j2").render(
        results=results,
        style=Markup((HERE / "style.css").read_text()),
        marks=MARKS,
        verdicts=list(Verdict),
        key=_key(results),
        counts={"pairs": summary.counts(results.pairs), "views": summary.counts(results.views)},
        worst=summary.worst(one.verdict for one in (*results.pairs, *results.views)) or Verdict.NOT_RUN,
        overview=summary.overview(results),
        failed=summary.failed(results),
        shown=SHOWN_FINDINGS,
        scenarios=[_scenario(results, row.name) for row in results.scenarios],
        matrices=MATRICES,
        facts=_facts(results),
        judged_step=JUDGED_STEP,
    )
    return re.sub(r"\n\s*\n+", "\n", page)


def anchor(*parts: str) -> str:
    """An id for parts of run ids: letters, digits and hyphens."""
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)


def _size(view: View) -> str:
    """What a view's verdict rests on: "predictions 0.0021"; empty for identical ones."""
    for judged in view.quantities:
        if judged.verdict is view.verdict and view.verdict is not Verdict.IDENTICAL and judged.distances.at:
            metric = summary.main_metric(judged)
            return f"{judged.quantity} {summary.number(judged.distances.at[-1].plain[metric])}" if metric else ""
    return ""


def _verdict_of(pair: Pair, quantity: str) -> Verdict | None:
    """A pair's verdict for one quantity, or of all; None if the pair was compared and has no such quantity."""
    if not quantity or pair.verdict is Verdict.NOT_RUN:
        return pair.verdict
    return next((judged.verdict for judged in pair.quantities if judged.quantity == quantity), None)


def _key(results: Results) -> list[Verdict]:
    there = {one.verdict for one in (*results.pairs, *results.views)}
    return [verdict for verdict in Verdict if verdict in there]


def _scenario(results: Results, name: str) -> dict[str, Any]:
    pairs = [pair for pair in results.pairs if pair.scenario == name]
    views = [view for view in results.views if view.scenario == name]
    row = next(row for row in results.scenarios if row.name == name)
    runs = summary.labels(results, name)
    return {
        "name": name,
        "row": row,
        "runs": runs,
        "cells": {(pair.a, pair.b): pair for pair in pairs} | {(pair.b, pair.a): pair for pair in pairs},
        "pairs": [_detail(pair) for pair in pairs],
        "views": {run: _views([view for view in views if view.run == run]) for run in runs},
        "columns": list(dict.fromkeys(_column(view) for view in views)),
        "worst": summary.worst(one.verdict for one in (*pairs, *views)) or Verdict.NOT_RUN,
        "counts": summary.counts([*pairs, *views]),
    }


def _column(view: View) -> str:
    if view.kind == "saved":
        return f"live – {view.form}"
    return f"saved – on {view.environment}" if view.kind == "reloaded" else "replicas"


def _views(views: Sequence[View]) -> dict[str, View]:
    """By column; of several replicas the worst."""
    found: dict[str, View] = {}
    for view in sorted(views, key=lambda view: view.verdict.rank):
        found[_column(view)] = view
    return found


def _detail(pair: Pair) -> dict[str, Any]:
    return {
        "pair": pair,
        "by": {judged.quantity: judged for judged in pair.quantities},
        "rows": [(judged, summary.main_metric(judged)) for judged in pair.quantities],
        "curve": _curve(pair.quantities),
        "tensors": _tensors(pair.quantities),
    }


def _curve(quantities: Sequence[Judged]) -> tuple[Judged, str, chart.Curve] | None:
    """The curve of the quantity that decided: the first of the worst that has more than one step."""
    for judged in sorted(quantities, key=lambda one: -one.verdict.rank):
        metric = summary.main_metric(judged)
        if len(judged.distances.at) > 1 and metric:
            return judged, metric, chart.curve(judged.distances.at, metric, ENVELOPES)
    return None


def _tensors(quantities: Sequence[Judged]) -> list[tuple[str, Any]]:
    rows = [(judged.quantity, tensor) for judged in quantities[:2] for tensor in judged.distances.tensors]
    apart = [row for row in rows if not row[1].bits]
    return sorted(apart, key=lambda row: (row[1].group == "P", -row[1].value))[:SHOWN_TENSORS]


def _facts(results: Results) -> list[tuple[str, list[str], bool]]:
    """Versions and flags by environment, the first single run's: (fact, value for each environment, whether they differ)."""
    found: list[dict[str, str]] = []
    for ready in results.environments:
        rows = [row for row in results.runs if row.run.configuration.environment == ready.environment.name and row.facts]
        ran = rows[0].facts if rows else {}
        found.append({**ready.packages, **{name: value for name, value in ran.items() if name != "optimizer"}})
    names = list(dict.fromkeys(name for facts in found for name in facts))
    table = []
    for name in names:
        values = [facts.get(name, "–") for facts in found]
        table.append((name, values, len(set(values)) > 1))
    return table
