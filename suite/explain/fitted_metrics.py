"""What `fit` says of the rows that it trains on, where environments that train alike say different things: oracles emulate
the losses of training and no metric, so the float64 runs themselves are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import further_runs, recorded_calls
from suite.judge import equivalence
from suite.records import Cause, Code, Comparison, Component, Link, Place, plain
from suite.referee.defects.matching import known
from suite.referee.defects.records import OF_VALIDATION, Sighting

STAGE = "history"
Metrics = Mapping[str, np.ndarray]
LEAST = 3  # environments: of two that differ, neither is odd


def component(folder: RunFolder, scenario: str, a: str, b: str) -> Component | None:
    """What two environments say differently on one device; None if they say the same, or did not say it."""
    said = _said(folder, scenario)
    if a not in said or b not in said:
        return None
    sizes = {name: metrics.relative_l2(value, said[b][name]) for name, value in said[a].items() if name in said[b]}
    metric = max(sizes, key=lambda name: sizes[name], default="")
    if not metric or not equivalence.differs(sizes[metric]):
        return None
    odd = _odd_one_out(said, metric)
    cause = _cause(folder, scenario, odd, metric, said) if odd in (a, b) else Cause(code=Code.UNKNOWN)
    return Component(link=Link.BACKEND, environment=odd, distances={compare.HISTORY: sizes[metric]}, causes=(cause,))


def place(comparison: Comparison) -> Place | None:
    """The metric of which two environments say different things, where one of the two is odd and nothing else is off."""
    found = next((one for one in comparison.components if one.distances.keys() == {compare.HISTORY}), None)
    step = max((at.step for one in comparison.distances if one.quantity == compare.HISTORY for at in one.at), default=0)
    if found is None or not found.environment:
        return None
    metric, size = dict(found.causes[0].detail)["tensor"], found.distances[compare.HISTORY]
    return Place(stage=STAGE, tensor=metric, state=str(step), size=size, ratio=size / equivalence.SAME_SEMANTICS)


def _cause(folder: RunFolder, scenario: str, odd: str, metric: str, said: Mapping[str, Metrics]) -> Cause:
    others = ", ".join(name for name in sorted(said) if name != odd)
    detail = (("others", others), ("stage", STAGE), ("tensor", metric))
    defect = _known(folder, scenario, odd, metric, said)
    return Cause(code=Code.ODD_ONE_OUT, subject=odd, detail=(*detail, *((("known", defect),) if defect else ())))


def _known(folder: RunFolder, scenario: str, odd: str, metric: str, said: Mapping[str, Metrics]) -> str:
    """The known defect of Keras that this is; empty if it is none."""
    environment = next((one for one in folder.session.environments if one.environment.name == odd), None)
    if environment is None:
        return ""
    mine = said[odd]
    of_validation = f"val_{metric}" in mine and metrics.bits(mine[metric], mine[f"val_{metric}"])
    found = known(
        Sighting(
            kind="training",
            name=metric,
            backend=environment.environment.backend,
            stage=STAGE,
            packages=environment.packages,
            training=True,
            masked=_masked(folder, scenario, said),
            detail=OF_VALIDATION if of_validation else "",
        )
    )
    return found.id if found else ""


def _masked(folder: RunFolder, scenario: str, every: Iterable[str]) -> bool:
    """Whether a recorded loss left out predictions that are masked."""
    alone = [one for name in every if (one := folder.alone(scenario, name)) is not None]
    recorded = [folder.further(further_runs.layerwise(one)) for one in alone]
    calls = (call for run in recorded if not isinstance(run, str) for call in recorded_calls.calls(run))
    return any(call.kind == "loss" and "mask" in arrays for call, arrays in calls)


def _odd_one_out(said: dict[str, Metrics], metric: str) -> str:
    """The environment that says something else of a metric than all others, which agree; empty if there is none."""
    there = {name: values[metric] for name, values in said.items() if metric in values}

    def apart(one: str, other: str) -> bool:
        return equivalence.differs(metrics.relative_l2(there[one], there[other]))

    for name in there if len(there) >= LEAST else ():
        others = [one for one in there if one != name]
        if all(apart(name, one) for one in others) and not any(apart(others[0], one) for one in others[1:]):
            return name
    return ""


def _said(folder: RunFolder, scenario: str) -> dict[str, Metrics]:
    """By environment: the metrics after each epoch of its float64 run on one device, float64 (epochs,)."""
    found: dict[str, Metrics] = {}
    for name in dict.fromkeys(one.environment for one in folder.configurations(scenario)):
        alone = folder.alone(scenario, name)
        run = folder.complete(plain(alone, "float64")) if alone else ""
        if not isinstance(run, str) and names.has(run[1], names.HISTORY):
            values = run[0].arrays(names.HISTORY)
            found[name] = {metric: value for metric, value in values.items() if metric != "step"}
    return found
