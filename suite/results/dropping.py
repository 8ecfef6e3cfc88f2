"""Which parts of a judged run folder are dropped: those that are large, and rarely asked for again.

A scenario has so many bytes for each of its configurations. What is above that goes, in this order: what single steps and
their calls recorded; runs that decided something after the plan; what was loaded from saved files; reruns; oracles and
float64 runs; and last the plain runs, of which the saved model stays. Within one kind, the largest go first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from suite.artifacts import dropping, names
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.compare.run_folder import RunFolder
from suite.records import LAYERWISE, ORACLE, RERUNS, SINGLE_STEP, KeptVerdicts, Results, Run, Status
from suite.results import kept_verdicts
from suite.results.study import Study

MODELS = 6  # how often a configuration may hold its model: its saved file with two moments of an optimizer is half of it
LEAST = 4 << 20  # bytes of a configuration that are kept anyway: below, no disk gains, and every later question costs runs
BLOCK = 4096  # bytes: what a file system takes for the smallest file, so that nothing is won by dropping one
FLOAT32_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What a command removed: bytes, and of which scenarios. `judged`: what was judged of all that ran as a whole."""

    bytes: int = 0
    scenarios: tuple[str, ...] = ()
    judged: Mapping[str, KeptVerdicts] = field(default_factory=dict)


def drop(study: Study, results: Results) -> Dropped:
    """Keeps what was judged of every scenario that holds more than it may, and removes what is too much."""
    removed, judged = {}, {}
    for scenario in study.kept:
        _finish(study.folder, scenario)
    for scenario in study.folder.scenarios():
        whole = _is_whole(study.folder, results, scenario)
        verdicts = kept_verdicts.judged(study.folder, results, scenario) if whole else None
        if verdicts is None:
            continue
        judged[scenario] = verdicts
        if chosen := _chosen(study.folder, scenario):
            kept_verdicts.keep(study.folder.store, verdicts)
            removed[scenario] = sum(_remove(study.folder.store, artifact, files) for artifact, files in chosen.items())
    return Dropped(bytes=sum(removed.values()), scenarios=tuple(removed), judged=judged)


def _finish(folder: RunFolder, scenario: str) -> None:
    """Removes what an interrupted command was to remove."""
    for _, artifact in folder.artifacts(scenario):
        manifest = artifact.manifest()
        if manifest is not None and manifest.dropped and not dropping.sizes(artifact).keys().isdisjoint(manifest.dropped):
            dropping.drop(folder.store, artifact, ())


def _is_whole(folder: RunFolder, results: Results, scenario: str) -> bool:
    """Whether all of it ran: what failed or was left out is for the next command, which may need everything."""
    runs = [row for row in results.runs if row.run.configuration.scenario == scenario]
    refused = {run for run, _, _ in folder.plan.refused}
    environments = {row.run.configuration.environment for row in runs}
    concerned = (set(outcome.job.split("/")) & {scenario, "command", *environments} for outcome in results.jobs)
    whole = all(row.status is Status.COMPLETE or row.run in refused for row in runs)
    return whole and not any(concerned) and not any(row.status is Status.LEFT_OUT for row in runs)


def allowed(folder: RunFolder, scenario: str) -> int:
    """The bytes that a scenario may hold, but for its data."""
    ran = [one for one in folder.configurations(scenario) if folder.ran(one)]
    return max(LEAST, MODELS * (_model(folder.store, scenario) or 0)) * len(ran)


def inputs(store: Store, scenario: str) -> tuple[int, int] | None:
    """The bytes of a scenario's model and of its data; None where nobody has made these yet."""
    model, data = _model(store, scenario), dropping.sizes(store.inputs(scenario)).get(names.file_of(names.DATA), 0)
    return None if model is None else (model, data)


def allowance(model: int, data: int, configurations: int) -> int:
    """The bytes that a scenario of so many configurations may hold, with its data."""
    return max(LEAST, MODELS * model) * configurations + data


def _model(store: Store, scenario: str) -> int | None:
    """The bytes of a scenario's variables in float32; None where nobody has made its inputs yet."""
    inputs = store.inputs(scenario).manifest()
    return FLOAT32_BYTES * sum(math.prod(tensor.shape) for tensor in inputs.tensors) if inputs else None


def _chosen(folder: RunFolder, scenario: str) -> dict[Artifact, tuple[str, ...]]:
    """What is removed of each artifact, so that the scenario holds no more than it may."""
    sizes = {artifact: dropping.sizes(artifact) for _, artifact in folder.artifacts(scenario)}
    inputs = dropping.sizes(folder.store.inputs(scenario))
    held = sum(sum(found.values()) for found in sizes.values())
    held += sum(size for name, size in inputs.items() if name != names.file_of(names.DATA))
    chosen = {}
    for artifact, files in _in_order(folder, scenario, sizes):
        if held <= allowed(folder, scenario):
            break
        chosen[artifact] = files
        held -= sum(sizes[artifact][name] for name in files)
    return chosen


def _in_order(
    folder: RunFolder, scenario: str, sizes: Mapping[Artifact, Mapping[str, int]]
) -> Iterator[tuple[Artifact, tuple[str, ...]]]:
    """Artifacts with what can be removed of them: those that go first, first."""
    planned = frozenset(folder.plan.runs)
    ranked = []
    for run, artifact in folder.artifacts(scenario):
        own = artifact.where == folder.store.run(run).where
        stays = {names.KERAS_FILE} if own and run.kind == "plain" else set()
        files = tuple(name for name, size in sizes[artifact].items() if size > BLOCK and name not in stays)
        if files:
            size = sum(sizes[artifact][name] for name in files)
            ranked.append((_rank(run, own=own, planned=run in planned), -size, artifact.where, artifact, files))
    yield from ((artifact, files) for _, _, _, artifact, files in sorted(ranked, key=lambda one: one[:3]))


def _rank(run: Run, *, own: bool, planned: bool) -> int:
    """0 goes first. `own`: it is what the run left, and nothing that was loaded from its files."""
    if run.variation in (LAYERWISE, SINGLE_STEP):
        return 0
    if not planned:
        return 1
    if not own:
        return 2
    if run.variation in RERUNS:
        return 3
    return 4 if run.variation == ORACLE or run.precision == "float64" else 5


def _remove(store: Store, artifact: Artifact, files: tuple[str, ...]) -> int:
    """Returns how many bytes are gone."""
    before = sum(dropping.sizes(artifact).values())
    dropping.drop(store, artifact, files)
    return before - sum(dropping.sizes(artifact).values())
