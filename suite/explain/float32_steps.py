"""Single float32 steps of two sides, each against the float64 step of what it declares: is one side's kernel off?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from suite.compare import single_step
from suite.compare.run_folder import RunFolder
from suite.judge.limits import STEP_ENVELOPES, STEP_FLOORS
from suite.records import FLOAT32, SINGLE_STEP, Configuration, Place, Run, StepErrors

Distances = dict[str, list[single_step.StageDistance]]


def oracle_steps(folder: RunFolder, runs: Iterable[Run]) -> Iterator[Run]:
    """What the float32 steps among these runs are measured against: the same steps of the oracles of what they declare."""
    for run in runs:
        step = _oracle_step(folder, run.configuration)
        if run.kind == SINGLE_STEP and step is not None:
            yield step


def _oracle_step(folder: RunFolder, configuration: Configuration) -> Run | None:
    oracle = folder.oracle_of(configuration)
    return Run(configuration=oracle.configuration, variation=SINGLE_STEP, emulates=oracle.emulates) if oracle else None


def errors(folder: RunFolder, a: Configuration, b: Configuration) -> tuple[StepErrors, ...]:
    """What both sides' steps have in common; empty if they were not run.

    Raises:
        DamagedArtifact: the artifact lists arrays that cannot be read.
    """
    first, second = _errors(folder, a), _errors(folder, b)
    found = []
    for state in first.keys() & second.keys():
        others = {(one.stage, one.tensor): one.value for one in second[state]}
        found += [
            StepErrors(state=state, stage=one.stage, tensor=one.tensor, sides=(one.value, others[one.stage, one.tensor]))
            for one in first[state]
            if (one.stage, one.tensor) in others
        ]
    return tuple(sorted(found, key=lambda one: int(one.state)))


def _errors(folder: RunFolder, configuration: Configuration) -> Distances:
    """State -> how far a float32 step is from float64: from the step of what its strategy declares, or from its own, if that
    is nearer, for a run that computes something else is not inaccurate. Not from the saturated state, to which no run comes;
    and not where layers are random: float32 steps draw from the backend, float64 ones from a stream that all share."""
    subject, oracle = folder.subject(configuration), _oracle_step(folder, configuration)
    if isinstance(subject, str):  # a command was interrupted before it ran
        return {}
    if "steps" not in subject.cache:
        step = folder.further(Run(configuration=configuration, variation=SINGLE_STEP))
        exact = "no oracle was planned" if oracle is None else folder.further(oracle)
        there = not isinstance(step, str) and not isinstance(exact, str) and not step[1].random_layers
        found = single_step.stage_distances(step, exact) if there else {}  # type: ignore[arg-type]
        own = folder.further(Run(configuration=configuration, variation=SINGLE_STEP, precision="float64"))
        if there and not isinstance(own, str):
            found = _nearer(found, single_step.stage_distances(step, own))  # type: ignore[arg-type]
        subject.cache["steps"] = {state: distances for state, distances in found.items() if state.isdigit()}
    measured: Distances = subject.cache["steps"]  # type: ignore[assignment]
    return measured


def _nearer(found: Distances, others: Distances) -> Distances:
    """The smaller distance at each place."""
    own = {(state, one.stage, one.tensor): one.value for state, distances in others.items() for one in distances}
    return {
        state: [replace(one, value=min(one.value, own.get((state, one.stage, one.tensor), one.value))) for one in distances]
        for state, distances in found.items()
    }


def apart(folder: RunFolder, a: Configuration, b: Configuration) -> tuple[int, tuple[Place, ...]]:
    """Single float32 steps of both sides from common states, compared with each other: from how many states, and where they
    part in each in which they are farther apart than rounding. Only what the forward pass computes: later stages of nearly
    zero gradients are rounding."""
    runs = [folder.further(Run(configuration=one, variation=SINGLE_STEP)) for one in (a, b)]
    first, second = runs
    if isinstance(first, str) or isinstance(second, str) or first[1].random_layers:
        return 0, ()
    scale = max(1.0, max(one[1].roundoff for one in (first, second)) / FLOAT32)
    stages = single_step.stage_distances(first, second)
    states = {state: found for state, found in stages.items() if state.isdigit()}
    places = []
    for state, found in states.items():
        judged = [
            replace(one, value=one.value / (STEP_ENVELOPES * scale * STEP_FLOORS[one.stage]))
            for one in found
            if one.stage in STEP_FLOORS
        ]
        if (place := single_step.first({state: judged}, 1.0)) is not None:
            places.append(place)
    return len(states), tuple(places)
