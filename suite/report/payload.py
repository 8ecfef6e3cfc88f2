"""What the page's script knows before anybody looks closer: verdicts, causes and sizes of every pair and check."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from markupsafe import Markup

from suite.records import QUANTITIES, Cause, Code, Judged, Member, Pair, Results, Run, ScenarioRow, Verdict
from suite.records.formatting import number
from suite.report import answer, codes, glossary, summary
from suite.report import causes as cause_words
from suite.results.decisions import AGREE

ABSENT = "."  # no such pair, or it has no such quantity


@dataclass(kw_only=True)
class _Causes:
    """Every cause once; its place stands for it."""

    places: dict[str, int] = field(default_factory=dict)

    def of(self, causes: Sequence[Cause]) -> int:
        """-1 if there are none."""
        text = cause_words.words(causes)
        return self.places.setdefault(text, len(self.places)) if text else -1


def ordered(results: Results, scenario: str) -> list[Pair | None]:
    """Every two runs of a scenario in the order of its labels; None where they are not a pair."""
    found = {frozenset((pair.a, pair.b)): pair for pair in results.pairs if pair.scenario == scenario}
    return [found.get(frozenset(two)) for two in combinations(summary.labels(results, scenario), 2)]


def text(results: Results, pairs: Mapping[str, Sequence[Pair | None]], left_out: str) -> Markup:
    """JSON that cannot end its script element, whatever a name says."""
    causes = _Causes()
    document = {
        "report": results.plan.digest[:12],
        "verdicts": [
            [one.value, one.mark, one.value.replace(" ", "-"), "equal" if one in AGREE else "", one.meaning]
            for one in Verdict
        ],
        "groups": answer.GROUPS,
        "quantities": QUANTITIES,
        "metrics": {metric: glossary.METRICS.get(metric, metric) for metric in metrics(results)},
        "leftOut": left_out,
        "first": _worst_scenario(results),
        "scenarios": [_scenario(results, row, pairs[row.name], causes) for row in results.scenarios],
        "causes": list(causes.places),
    }
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Markup(written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _worst_scenario(results: Results) -> int:
    """The place of the first scenario that has the worst pair: what the page opens with."""
    found = [summary.worst(pair for pair in results.pairs if pair.scenario == row.name) for row in results.scenarios]
    ranks = [-1 if one is None or one.verdict is Verdict.NOT_RUN else one.verdict.rank for one in found]
    return ranks.index(max(ranks)) if ranks else 0


def metrics(results: Results) -> list[str]:
    """Metric ids that occur, in the order of their explanations."""
    found = {
        metric
        for one in results.members
        for judged in one.quantities
        for at in judged.distances.at[-1:]
        for metric in at.plain
    }
    return [metric for metric in glossary.METRICS if metric in found] + sorted(found - glossary.METRICS.keys())


def _length(results: Results, row: ScenarioRow) -> str:
    """How long a run is, as words."""
    steps = results.plan.options.steps or row.steps
    if steps:
        return f"{steps} steps"
    return f"{row.epochs} epochs" if row.epochs > 1 else "1 epoch"


def _scenario(results: Results, row: ScenarioRow, pairs: Sequence[Pair | None], causes: _Causes) -> dict[str, object]:
    labels = summary.labels(results, row.name)
    return {
        "name": row.name,
        "about": f"{row.description.rstrip('.')}. Batch {row.batch}, {_length(results, row)}.",
        "runs": [[_short(run), label, run.configuration.environment] for run, label in labels.items()],
        "v": "".join(str(pair.verdict.rank) if pair else ABSENT for pair in pairs),
        "c": [causes.of(pair.causes) if pair else -1 for pair in pairs],
        "d": [_deciding(pair)[1] if pair else "" for pair in pairs],
        "off": {str(place): summary.label(pair.side) for place, pair in enumerate(pairs) if pair and pair.side},
        "steps": {str(place): steps for place, pair in enumerate(pairs) if pair and (steps := _steps(pair))},
        "q": _quantities(pairs),
        "checks": _checks(results, row.name, list(labels), causes),
    }


def _steps(pair: Pair) -> list[object]:
    """Where single steps decided: how far each side's is from float64, where, and from how many of how many states; else
    empty."""
    if numbers := _unstable(pair):
        where = f"{pair.place.stage}, {pair.place.tensor}" if pair.place else ""
        return [number(numbers["a"]), number(numbers["b"]), where, int(numbers["states"]), int(numbers["measured"])]
    return []


def _unstable(pair: Pair) -> dict[str, float]:
    """The numbers of an unstable kernel; empty if it is not the cause."""
    for cause in pair.causes:
        numbers = dict(cause.evidence)
        if cause.code == Code.UNSTABLE_KERNEL and {"a", "b", "states", "measured"} <= numbers.keys():
            return numbers
    return {}


def _short(run: Run) -> str:
    """A run's name in an address: environment/strategy-xdevices."""
    return run.configuration.id.partition("/")[2]


def _quantities(pairs: Sequence[Pair | None]) -> dict[str, dict[str, str]]:
    """Quantity -> each pair's verdict, and the code of its main metric after the last step."""
    found = [{judged.quantity: judged for judged in pair.quantities} if pair else {} for pair in pairs]
    used = [quantity for quantity in QUANTITIES if any(quantity in one for one in found)]
    return {
        quantity: {
            "v": "".join(str(one[quantity].verdict.rank) if quantity in one else ABSENT for one in found),
            "m": codes.text(codes.encode([_size(one.get(quantity)) for one in found])),
        }
        for quantity in used
    }


def _size(judged: Judged | None) -> float:
    if judged is None:
        return codes.NOT_THERE
    if judged.distances.bits:
        return 0.0
    metric = summary.main_metric(judged)
    return judged.distances.at[-1].plain[metric] if metric and not judged.distances.invalid else float("nan")


def decided(one: Member) -> str:
    """What a verdict rests on: "predictions, pmax 0.0021"; empty for identical ones."""
    return ", ".join(filter(None, _deciding(one)))


def _deciding(one: Member) -> tuple[str, str]:
    """The quantity that a verdict rests on, and its main metric with the distance; empty for identical ones. Where single
    steps decided, these: whole training may differ by no more than rounding."""
    if isinstance(one, Pair) and (steps := _unstable(one)):
        return "one training step", number(max(steps["a"], steps["b"]))
    for judged in one.quantities:
        metric = summary.main_metric(judged)
        if judged.verdict is one.verdict and one.verdict is not Verdict.IDENTICAL and metric:
            return judged.quantity, f"{metric} {number(judged.distances.at[-1].plain[metric])}"
    return "", ""


def _checks(results: Results, scenario: str, runs: Sequence[Run], causes: _Causes) -> dict[str, object]:
    """Columns, and cells as (run, column, verdict, cause, what decided)."""
    checks = sorted(
        (check for check in results.checks if check.scenario == scenario), key=lambda check: glossary.KINDS.index(check.kind)
    )
    columns = list(dict.fromkeys(map(glossary.column, checks)))
    places = {run: place for place, run in enumerate(runs)}
    cells = [
        [
            places[check.run],
            columns.index(glossary.column(check)),
            check.verdict.rank,
            causes.of(check.causes),
            decided(check),
        ]
        for check in checks
        if check.run in places
    ]
    return {"columns": columns, "cells": cells}
