"""Does it matter? Every metric of every two configurations that were trained from the same initial states."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from suite.artifacts import names
from suite.compare.run_folder import RunFolder
from suite.judge import quality
from suite.judge.quality import Sample
from suite.records import Configuration, DamagedArtifact, Quality, QualityPair, Run, Status, plain

Evaluations = Mapping[int, Mapping[str, float]]  # initial state -> metric -> number
LEAST = 2  # initial states: of one, nothing is known of how much it varies


def pairs(folder: RunFolder) -> Iterator[QualityPair]:
    """Scenario by scenario and metric by metric; none where only one initial state was trained."""
    if not folder.plan.options.seeds:
        return
    left_out = {
        run.configuration for run, status, _ in folder.plan.refused if run.variation == "seed" and status is Status.LEFT_OUT
    }
    margins = {row.name: row.margins for row in folder.session.scenarios}
    for scenario in folder.scenarios():
        found = {one: evaluations(folder, one) for one in folder.configurations(scenario) if not one.fault}
        for metric in dict.fromkeys(name for each in found.values() for one in each.values() for name in one):
            for one in _of_metric(metric, found, margins.get(scenario, {})):
                yield _undecided(one, folder.plan.options.seeds + 1) if _rests_on(one, left_out) else one


def _rests_on(pair: QualityPair, left_out: Collection[Configuration]) -> bool:
    """Whether fewer initial states were trained from than were asked for."""
    return pair.a.configuration in left_out or pair.b.configuration in left_out


def _undecided(pair: QualityPair, planned: int) -> QualityPair:
    """Fewer initial states than planned may show a difference, and never that there is none."""
    if pair.quality is not Quality.EQUIVALENT:
        return pair
    return replace(pair, quality=Quality.UNDECIDED, needed=planned)


def evaluations(folder: RunFolder, configuration: Configuration) -> Evaluations:
    """What a configuration evaluates to, by initial state: that of the plain run, which is 0, and the others; only metrics
    that are one finite number."""
    seeds = range(1, folder.plan.options.seeds + 1)
    runs = {index: Run(configuration=configuration, variation="seed", index=index) for index in seeds}
    found = {index: _evaluation(folder, run) for index, run in ({0: plain(configuration)} | runs).items()}
    return {index: numbers for index, numbers in found.items() if numbers}


def _evaluation(folder: RunFolder, run: Run) -> dict[str, float]:
    complete = folder.complete(run)
    if isinstance(complete, str) or not names.has(complete[1], names.EVALUATION):
        return {}
    try:
        arrays = complete[0].arrays(names.EVALUATION)
    except DamagedArtifact:  # the pairs of this run say so
        return {}
    return {name: float(value[0]) for name, value in arrays.items() if value.size == 1 and np.isfinite(value).all()}


def _of_metric(
    metric: str, found: Mapping[Configuration, Evaluations], margins: Mapping[str, float]
) -> Iterator[QualityPair]:
    samples: dict[tuple[Configuration, Configuration], Sample] = {}
    for a, b in combinations(found, 2):
        shared = [index for index in found[a] if metric in found[a][index] and metric in found[b].get(index, {})]
        if len(shared) >= LEAST:
            mine, other = (np.array([found[side][index][metric] for index in shared]) for side in (a, b))
            samples[a, b] = Sample(a=mine, b=other, margin=quality.margin_of(metric, mine, other, margins))
    for ((a, b), sample), answer in zip(samples.items(), quality.answers(list(samples.values())), strict=True):
        yield QualityPair(
            a=plain(a),
            b=plain(b),
            metric=metric,
            quality=answer.quality,
            states=len(sample.a),
            means=(float(np.mean(sample.a)), float(np.mean(sample.b))),
            difference=answer.difference,
            interval=answer.interval,
            margin=sample.margin,
            needed=answer.seeds,
        )
