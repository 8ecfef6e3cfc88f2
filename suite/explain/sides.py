"""Which side of a pair is off, and where the two begin to differ."""

from __future__ import annotations

from suite.explain import fitted_metrics
from suite.explain.composition import Composition
from suite.judge import equivalence
from suite.records import Cause, Comparison, Component, Link, Place, Run


def off(a: Run, b: Run, comparison: Comparison, causes: tuple[Cause, ...]) -> Run | None:
    """The one run that is off: the one that alone comes to NaN or infinity, else that of a strategy or a backend that takes
    part in the difference; None if neither is shown to be, or both are."""
    lost = [run for run, step in zip((a, b), comparison.non_finite, strict=True) if step is not None]
    if len(lost) == 1:
        return lost[0]
    shown: set[Run] = set()
    for number, part in enumerate(comparison.components):
        if not _apart(part) or set(part.causes).isdisjoint(causes):
            continue
        if part.link is Link.STRATEGY:
            shown.add(b if number else a)
        elif part.link is Link.BACKEND:
            shown |= {run for run in (a, b) if run.configuration.environment == part.environment}
    return shown.pop() if len(shown) == 1 else None


def place(a: Run, b: Run, comparison: Comparison, composition: Composition) -> Place | None:
    """Where the first part that makes a difference begins: a backend's before a strategy's before a declaration's."""
    if (said := fitted_metrics.place(comparison)) is not None:
        return said
    apart = {part.link for part in comparison.components if _apart(part)}
    first, second = a.configuration, b.configuration
    if Link.BACKEND in apart:
        # Where that is not known, what is declared begins somewhere else.
        return composition.parting(first, second).place
    if Link.STRATEGY in apart:
        known = [composition.known[one] for one in (first, second) if one in composition.known]
        found = [one.place for one in known if one.place is not None and equivalence.differs(one.distance)]
        if found:
            return found[0]
    if Link.DECLARATION in apart:
        places = [composition.declared_place(one) for one in (first, second)]
        return next((one for one in places if one is not None), None)
    return None


def _apart(part: Component) -> bool:
    return any(equivalence.differs(value) for value in part.distances.values())
