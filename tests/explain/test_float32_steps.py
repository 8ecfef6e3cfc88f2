"""Single float32 steps: when they are asked for, and what they are measured against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite import compare
from suite.artifacts.artifact import Artifact, Complete
from suite.explain import float32_steps, further_runs
from suite.records import (
    ORACLE,
    SINGLE_STEP,
    At,
    Comparison,
    Configuration,
    Distances,
    Emulation,
    Manifest,
    Run,
    Status,
    StepErrors,
)

A, B = (Configuration(scenario="s", environment=name, strategy="single", devices=1) for name in ("a", "b"))
EMULATED = Run(configuration=replace(A, strategy=ORACLE), variation=ORACLE, precision="float64", emulates=Emulation())


def comparison(*found: tuple[int, float, float | None], float64: float = 1e-15) -> Comparison:
    """Of one metric: step, distance, envelope."""
    at = tuple(
        At(step=step, plain={"var": plain}, envelope={} if width is None else {"var": width}, float64={"var": float64})
        for step, plain, width in found
    )
    return Comparison(distances=(Distances(quantity="moving statistics", bits=False, at=at),))


def asked(found: Comparison, *checked: Configuration) -> set[Run]:
    return set(further_runs.further_runs({(A, B): found}, {one: Comparison(distances=()) for one in checked}))


STEPS = {Run(configuration=one, variation=SINGLE_STEP) for one in (A, B)}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (comparison((1, 1e-7, 1e-7), (20, 1e-6, 1e-6)), set()),
        (comparison((1, 1e-7, 1e-7), (20, 1e-3, 1e-6)), STEPS),  # beyond its envelope
        (comparison((1, 1e-7, 1e-3), (20, 1e-7, 1e-6)), STEPS),  # an envelope that is wide after one step
        (comparison((1, 1e-7, 1e-7), (20, 1e-6, 1e-6), (50, 1e-2, None)), STEPS),  # grown after the envelope was measured
        (comparison((1, 1e-7, 1e-7), (20, 1e-6, 1e-6), float64=1e-9), STEPS),
        (comparison((20, 1e-3, 1e-6), float64=1e-3), set()),
        (replace(comparison((20, 1e-3, 1e-6)), random_streams="backends"), set()),
        (replace(comparison((20, 1e-6, 1e-6)), repeats={"var": 1e-6}), STEPS),  # noise: are both sides as inaccurate?
        (replace(comparison((20, 1e-6, 1e-6)), repeats={"var": 1e-6}, random_streams="backends"), set()),
    ],
)
def test_steps_are_asked_for_where_float32_is_farther_apart_than_float64_explains(
    found: Comparison, expected: set[Run]
) -> None:
    assert {run for run in asked(found, A, B) if run.kind == SINGLE_STEP} == expected
    assert asked(found, A) & STEPS == set()  # of the other side there is nothing to measure against


ALIKE = tuple(StepErrors(state=state, stage="forward", tensor="far", sides=(1e-4, 2e-4)) for state in ("0", "1"))
FAR = tuple(replace(one, sides=(1e-4, 1e-8)) for one in ALIKE)


@pytest.mark.parametrize(
    ("found", "steps", "expected"),
    [
        (comparison((20, 1e-3, 1e-6)), ALIKE, True),  # no kernel is off: do inputs that are rounded otherwise go as far?
        (comparison((20, 7e-6, 1e-6)), (), True),  # nearly within its envelope
        (comparison((20, 1e-3, 1e-6)), FAR, False),
        (comparison((20, 1e-3, 1e-6)), ALIKE[:1], False),  # too few to say so
        (comparison((20, 1e-3, 1e-6)), (), False),
        (comparison((20, 1e-6, 1e-6)), ALIKE, False),
        (comparison((20, 1e-3, 1e-6), float64=1e-8), ALIKE, False),
        (replace(comparison((20, 1e-3, 1e-6)), random_streams="backends"), ALIKE, False),
        (replace(comparison((20, 1e-3, 1e-6)), no_float64="none"), ALIKE, False),
    ],
)
def test_reruns_from_inputs_that_are_rounded_otherwise_are_asked_for_where_rows_alone_show_too_little(
    found: Comparison, steps: tuple[StepErrors, ...], expected: bool
) -> None:
    more = {run for run in asked(replace(found, steps=steps), A, B) if run.kind == "permuted"}
    assert bool(more) is expected
    assert all(run.rounds_inputs for run in more) and len(more) in (0, 2 * further_runs.MORE)


def test_without_float64_runs_steps_are_compared_with_each_other() -> None:
    found = replace(comparison((20, 1e-6, 1e-6)), no_float64="none")
    assert asked(found) & STEPS == STEPS
    equal = replace(found, distances=(replace(found.distances[0], bits=True),))
    assert asked(equal) & STEPS == set()


class Runs:
    """A reader of two plain runs with these steps, and of the oracle of what both declare."""

    def __init__(self, there: dict[Run, Complete]) -> None:
        self._there = there
        self._subjects = {one: compare.Subject(plain=next(iter(there.values()))) for one in (A, B)}

    def subject(self, configuration: Configuration) -> compare.Subject:
        return self._subjects[configuration]

    def oracle_of(self, configuration: Configuration) -> Run:
        return EMULATED

    def further(self, run: Run) -> Complete | str:
        return self._there.get(run, "it was not run")


def step(folder: Path, *, random: bool = False, states: tuple[str, ...] = ("0", "20"), **arrays: float) -> Complete:
    made = Artifact(folder)
    manifest = Manifest(run="a", status=Status.COMPLETE, random_layers=("drop",) if random else ())
    made.begin(manifest)
    for state in states:
        made.add(f"single-step-{state}", {f"forward|{name}": np.array([value]) for name, value in arrays.items()})
    made.finish(manifest)
    read = made.manifest()
    assert read
    return made, read


def errors(folder: Path, a: Complete, b: Complete, exact: Complete | None) -> tuple[StepErrors, ...]:
    there = {Run(configuration=one, variation=SINGLE_STEP): side for one, side in ((A, a), (B, b))}
    oracle = next(float32_steps.oracle_steps(Runs(there), there))  # type: ignore[arg-type]
    assert oracle == replace(EMULATED, variation=SINGLE_STEP, precision="float32")
    if exact is not None:
        there[oracle] = exact
    return float32_steps.errors(Runs(there), A, B)  # type: ignore[arg-type]


def test_each_side_is_measured_against_the_oracle_of_what_it_declares(tmp_path: Path) -> None:
    a = step(tmp_path / "a", states=("20", "100", "0", "saturated"), hidden=1.0, mine=1.0)
    b = step(tmp_path / "b", states=("100", "0", "20", "saturated"), hidden=1.5, other=1.0)
    exact = step(tmp_path / "exact", states=("0", "20", "100", "saturated"), hidden=2.0, mine=1.0, other=1.0)
    found = errors(tmp_path, a, b, exact)
    # Not the saturated state, and only what both sides have; in the order of training.
    assert [(one.state, one.stage, one.tensor, one.sides) for one in found] == [
        (state, "forward", "hidden", (0.5, 0.25)) for state in ("0", "20", "100")
    ]
    assert errors(tmp_path, a, b, None) == ()


def test_random_layers_are_not_measured(tmp_path: Path) -> None:
    """A float32 step draws other masks than a float64 one."""
    sides = [step(tmp_path / name, hidden=value) for name, value in (("a", 1.0), ("exact", 2.0))]
    random = step(tmp_path / "b", random=True, hidden=1.0)
    assert errors(tmp_path, sides[0], sides[0], sides[1]) != ()
    assert errors(tmp_path, sides[0], random, sides[1]) == ()


@pytest.mark.parametrize(("metric", "drifts"), [("folded", True), ("mean", False), ("var", False)])
def test_float64_runs_that_part_first_in_the_folded_function_alone_may_have_drifted(metric: str, drifts: bool) -> None:
    """Lion makes a whole step of a gradient that is rounding, of which the moving mean learns a step later."""
    values = {"mean": 0.0, "var": 0.0, "folded": 0.0}
    first = At(step=1, plain={}, float64=values | {metric: 1e-3})
    last = At(step=20, plain={}, float64=values | {"mean": 1e-3})
    found = Comparison(distances=(Distances(quantity="moving statistics", bits=False, at=(first, last)),))
    permuted = {(run.configuration, run.index) for run in asked(found) if run.kind == "permuted-float64"}
    assert permuted == ({(side, index) for side in (A, B) for index in (1, 2, 3)} if drifts else set())
