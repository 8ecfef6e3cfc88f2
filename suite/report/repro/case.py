"""Which pair or check of a finding a script shows, and how: the sides, their strategies, and what is compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite.records import (
    JUDGED_STEP,
    Code,
    ConfigurationError,
    ConsistencyCheck,
    Finding,
    Judged,
    Member,
    Pair,
    Results,
    Run,
    Verdict,
)

STRATEGIES = ("single", "tf_mirrored", "jax_data_parallel", "torch_ddp")
# The judge's quantity and metric -> what the script calls it. What is missing here follows from these.
QUANTITIES = {
    ("trainable weights", "train"): "trained weights",
    ("moving statistics", "mean"): "moving mean",
    ("moving statistics", "var"): "moving variance",
    ("predictions", "pmax"): "predictions",
    ("predictions", "values"): "predictions",
    ("other state", "state"): "seeds",
}
ONE_PASS = 1e-5  # between a model and its file, or two replicas of one step: rounding of one forward pass, and a decade
ONE_STEP = 1e-4  # between one step in float32 and in float64: six digits of seven are kept, and a decade
LARGE = 1_000_000  # weights: a model of that size makes a slow script and a large attachment
WHOLE = 0.5  # counters of random seeds are whole numbers
NEAR = 4.0  # a smaller difference, in units of rounding, may be hidden by another machine's
UNSCRIPTED = ("declared", "defined", "resumed")  # an oracle, a definition, and training from a file: no script shows them
EVERYTHING = 1e-3  # where there were no numbers (NaN): any that are there and differ by more


@dataclass(frozen=True, kw_only=True)
class Case:
    """`kind`: "pair", "saved", "reloaded", "replica" or "unstable". `sides`: (environment, strategy), one or two.
    `limits`: what the script compares -> where a difference begins, for the reason `why`."""

    finding: Finding
    member: Member
    kind: str
    sides: tuple[tuple[str, str], ...]
    devices: int
    steps: int
    limits: dict[str, float]
    why: str


def find(results: Results, wanted: str) -> tuple[Finding, str]:
    """The finding of this number (from 1), or whose fingerprint, or one of whose parts', begins so; then the part's
    scenario.

    Raises:
        ConfigurationError: there is none, or several.
    """
    findings = results.findings
    if wanted.isdecimal() and 0 < int(wanted) <= len(findings):
        return findings[int(wanted) - 1], ""
    whole = [(one, "") for one in findings if one.fingerprint.startswith(wanted)]
    parts = [(one, part.scenario) for one in findings for part in one.parts if part.fingerprint.startswith(wanted)]
    found = whole or parts
    if len(found) != 1:
        there = ", ".join(f"{number} ({one.fingerprint})" for number, one in enumerate(findings, 1)) or "none"
        raise ConfigurationError(
            f"{len(found) or 'no'} findings match {wanted!r}, but exactly one must: the report has {there}"
        )
    return found[0]


def choose(results: Results, finding: Finding, scenario: str, sizes: Mapping[str, int], steps: Mapping[str, int]) -> Case:
    """The simplest case of the finding: sides that differ in one thing before those that differ in two, with the side that
    is off, one backend before two, one device before several, no large model, the first that was run.

    `sizes`, `steps`: of each scenario, how many numbers its model has, and how many steps a script may show.

    Raises:
        ConfigurationError: no pair or check of it can be shown in plain Keras.
    """
    cases = [case for member in _members(results, finding, scenario) if (case := _case(finding, member, steps))]
    if not cases:
        raise ConfigurationError(
            f"finding {finding.fingerprint} cannot be shown by a script: none of its {len(finding.members)} "
            f"pairs and checks has "
            "a difference beyond float32's rounding between runs that plain Keras can repeat"
        )
    large = {name for name, size in sizes.items() if size > LARGE}
    return min(cases, key=lambda case: (_effort(case), case.member.scenario in large))


def _effort(case: Case) -> tuple[bool, bool, int, int]:
    names = {name for name, _ in case.sides}
    several = sum(strategy != "single" for _, strategy in case.sides)
    return _is_confounded(case), case.finding.environment not in ("", *names), len(names), several


def _is_confounded(case: Case) -> bool:
    """Whether the two runs differ in environment and in devices: then a script cannot show which of them it is."""
    places = [(run.configuration.environment, run.configuration.devices) for run in case.member.runs]
    return case.kind == "pair" and all(a != b for a, b in zip(places[0], places[-1], strict=True))


def _members(results: Results, finding: Finding, scenario: str) -> list[Member]:
    """What the finding covers; where that is runs against oracles or definitions only, the pairs of those runs."""
    covered = [member for member in finding.members if scenario in ("", member.scenario)]
    if shown := [member for member in covered if member.kind not in UNSCRIPTED]:
        return shown
    runs = {run for member in covered for run in member.runs}
    off = [pair for pair in results.pairs if pair.verdict.rank >= Verdict.BY_DESIGN.rank]
    return [pair for pair in off if runs.intersection(pair.runs)]


def _case(finding: Finding, member: Member, allowed: Mapping[str, int]) -> Case | None:
    """None if plain Keras cannot show it."""
    if any(run.configuration.strategy not in STRATEGIES or run.configuration.fault for run in member.runs):
        return None
    kind = member.kind
    unstable = any(cause.code == Code.UNSTABLE_KERNEL for cause in member.causes)
    off = member.side if isinstance(member, Pair) and unstable else None
    steps = min(allowed.get(member.scenario, JUDGED_STEP), JUDGED_STEP)
    names = tuple(map(_side, member.runs))
    if isinstance(member, ConsistencyCheck) and kind == "reloaded":
        names = (*names, (member.environment, "single"))
    if steps < 1:  # not even one batch is full
        return None
    if off and any(_compared("unstable", member, steps)):  # else it is unstable later: a script shows the pair
        kind, steps, names = "unstable", 1, ((off.configuration.environment, "single"),)
    compared = list(_compared(kind, member, steps))
    if not compared:
        return None
    return Case(
        finding=finding,
        member=member,
        kind=kind,
        sides=names,
        devices=max(run.configuration.devices for run in member.runs),
        steps=steps,
        limits={name: _between(limit, value) if name != "seeds" else WHOLE for name, limit, value in compared},
        why=f"{WHY.get(kind, WHY['check'])} and the difference that was seen",
    )


WHY = {
    "pair": "half way, in decades, between the measured rounding of this model (reruns with re-ordered rows)",
    "check": "half way, in decades, between the rounding of one forward pass (these are copies of one state)",
    "unstable": "half way, in decades, between what one float32 step may lose (it keeps six digits)",
}


def _between(limit: float, value: float) -> float:
    """One digit, half way in decades."""
    return float(f"{math.sqrt(limit * value):.0e}")


def _side(run: Run) -> tuple[str, str]:
    return run.configuration.environment, run.configuration.strategy


def _compared(kind: str, member: Member, steps: int) -> Iterable[tuple[str, float, float]]:
    """What the script compares, as (name, rounding, difference): where a difference is beyond rounding when the script
    stops."""
    for judged in member.quantities:
        if judged.verdict.rank < Verdict.BY_DESIGN.rank:
            continue
        numbers = _numbers(judged, steps, first=kind == "unstable")
        for (quantity, metric), name in QUANTITIES.items():
            if quantity != judged.quantity:
                continue
            if judged.distances.invalid:
                yield name, EVERYTHING, EVERYTHING
                continue
            limit = {"pair": judged.limits.get(metric, EVERYTHING), "unstable": ONE_STEP}.get(kind, ONE_PASS)
            value = numbers.get(metric, 0.0)
            if value > NEAR * limit:
                yield name, limit, value


def _numbers(judged: Judged, steps: int, *, first: bool) -> dict[str, float]:
    """The distances after one training step, or at the last that the script goes to."""
    if first:
        return next((dict(one.plain) for one in judged.distances.at if one.step == 1), {})
    at = [one for one in judged.distances.at if 0 < one.step <= steps] or list(judged.distances.at)
    return dict(at[-1].plain) if at else {}


def measured(case: Case) -> Sequence[tuple[str, str, float, float | None]]:
    """Quantity, metric, distance and limit of what differs, for a reader: only what is beyond its limit, and of an unstable
    kernel one step, as the script takes it."""
    unstable = case.kind == "unstable"
    steps = [(name, "one step", value, ONE_STEP) for name, value in _steps_off(case)] if unstable else []
    return steps + [
        (judged.quantity, metric, value, limit)
        for judged in case.member.quantities
        if judged.verdict.rank >= Verdict.BY_DESIGN.rank
        for metric, value in _numbers(judged, case.steps, first=unstable).items()
        if (judged.quantity, metric) in QUANTITIES or metric in ("slots", "loss")
        for limit in (ONE_STEP if unstable else judged.limits.get(metric),)
        if limit is None or value > limit
    ]


def _steps_off(case: Case) -> Iterable[tuple[str, float]]:
    """What a single float32 step of the side that is off was found to be away from float64, and where."""
    place = case.member.place if isinstance(case.member, Pair) else None
    for cause in case.member.causes:
        sizes = [value for name, value in cause.evidence if name in ("a", "b")]
        if cause.code == Code.UNSTABLE_KERNEL and sizes:
            yield f"{place.stage} {place.tensor}" if place else "float32 against float64", max(sizes)
