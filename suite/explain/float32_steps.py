"""Single float32 steps of two sides, each against the float64 step of what it declares: is one side's kernel off?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from suite.compare import single_step
from suite.compare.run_folder import Reader
from suite.explain.findings import label
from suite.judge import verdicts
from suite.records import SINGLE_STEP, Comparison, Configuration, Pair, Run, StepErrors
from suite.records.formatting import number

Distances = dict[str, list[single_step.StageDistance]]


def oracle_steps(reader: Reader, runs: Iterable[Run]) -> Iterator[Run]:
    """What the float32 steps among these runs are measured against: the same steps of the oracles of what they declare."""
    for run in runs:
        step = _oracle_step(reader, run.configuration)
        if run.kind == SINGLE_STEP and step is not None:
            yield step


def _oracle_step(reader: Reader, configuration: Configuration) -> Run | None:
    oracle = reader.oracle_of(configuration)
    return Run(configuration=oracle.configuration, variation=SINGLE_STEP, emulates=oracle.emulates) if oracle else None


def errors(reader: Reader, a: Configuration, b: Configuration) -> tuple[StepErrors, ...]:
    """What both sides' steps have in common; empty if they were not run.

    Raises:
        DamagedArtifact: the artifact lists arrays that cannot be read.
    """
    first, second = _errors(reader, a), _errors(reader, b)
    found = []
    for state in first.keys() & second.keys():
        others = {(one.stage, one.tensor): one.value for one in second[state]}
        found += [
            StepErrors(state=state, stage=one.stage, tensor=one.tensor, sides=(one.value, others[one.stage, one.tensor]))
            for one in first[state]
            if (one.stage, one.tensor) in others
        ]
    return tuple(sorted(found, key=lambda one: int(one.state)))


def _errors(reader: Reader, configuration: Configuration) -> Distances:
    """State -> how far a float32 step is from float64. Not from the saturated state, to which no run comes; and not where
    layers are random: float32 steps draw from the backend, float64 ones from a stream that all share."""
    subject, oracle = reader.subject(configuration), _oracle_step(reader, configuration)
    assert not isinstance(subject, str)
    if "steps" not in subject.cache:
        step = reader.further(Run(configuration=configuration, variation=SINGLE_STEP))
        exact = "no oracle was planned" if oracle is None else reader.further(oracle)
        there = not isinstance(step, str) and not isinstance(exact, str) and not step[1].random_layers
        found = single_step.stage_distances(step, exact) if there else {}  # type: ignore[arg-type]
        subject.cache["steps"] = {state: distances for state, distances in found.items() if state.isdigit()}
    measured: Distances = subject.cache["steps"]  # type: ignore[assignment]
    return measured


def words(comparison: Comparison, pair: Pair) -> str:
    """What single float32 steps say of the pair's cause, in numbers; empty if nothing, or if they were not run."""
    sides = label(pair.a), label(pair.b)
    if pair.cause == verdicts.UNSTABLE:
        return _unstable(comparison, sides)
    return _alike(comparison, sides) if pair.cause == verdicts.BEYOND else ""


def _unstable(comparison: Comparison, sides: tuple[str, str]) -> str:
    found = verdicts.unstable(comparison)
    if found is None:
        return ""
    a, b = (f"{side} {number(size)}" for side, size in zip(sides, found.sizes, strict=True))
    return (
        f"single float32 steps from {found.measured} common states: from {found.states} of them {sides[found.side]} is much "
        f"farther from float64, first from state {found.place.state} in {found.place.stage} {found.place.tensor} ({a}, {b})"
    )


def _alike(comparison: Comparison, sides: tuple[str, str]) -> str:
    """The farthest tensor of each side from each state."""
    farthest: dict[str, tuple[float, float]] = {}
    for one in verdicts.judged_steps(comparison):
        before = farthest.get(one.state, (0.0, 0.0))
        farthest[one.state] = max(before[0], one.sides[0]), max(before[1], one.sides[1])
    both = [one for one in farthest.values() if min(one) > 0.0]
    if not both:
        return ""
    a, b = (f"{side} {number(max(one[index] for one in both))}" for index, side in enumerate(sides))
    ratio = max(max(one) / min(one) for one in both)
    so = ": what grows in training is rounding" if ratio <= verdicts.UNSTABLE_RATIO else ""
    return (
        f"single float32 steps from {len(both)} common states are as far from float64 on both sides, within a factor of "
        f"{ratio:.1f} (at most {a}, {b}){so}"
    )
