"""What a difference between float64 runs is composed of: which known parts explain it, and what is left over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from suite.judge import kernels
from suite.judge.equivalence import OTHER_SEMANTICS, SAME_SEMANTICS, differs
from suite.judge.limits import COMPOSED
from suite.records import Cause, Code, Comparison, Component, Distances, Link, Verdict, because

EXPECTED = (
    Code.BY_DESIGN,
    Code.RANDOM_STREAMS,
    Code.RANDOM_PREDICTIONS,
)  # what the two sides are declared to do differently

Decision = tuple[Verdict, tuple[Cause, ...]]


def united(causes: Iterable[Iterable[Cause]]) -> tuple[Cause, ...]:
    """All of them, those of one kind once. What is unknown is one cause, of one environment if that is not two."""
    found: dict[Cause, Cause] = {}
    for some in causes:
        for cause in some:
            found.setdefault(cause.kind, cause)
    unknown = [cause for cause in found.values() if cause.code == Code.UNKNOWN]
    if len(unknown) < 2:
        return tuple(found.values())
    subjects = {cause.subject for cause in unknown if cause.subject}
    rest = Cause(code=Code.UNKNOWN, subject=subjects.pop() if len(subjects) == 1 else "")
    return (*(cause for cause in found.values() if cause.code != Code.UNKNOWN), rest)


def composed(quantity: str, apart: float, comparison: Comparison) -> Decision:
    """The float64 runs differ by `apart`: because of what, and is that the whole of it?

    Distances obey the triangle inequality, some of them up to their denominators. So what is farther apart than twice the
    sum of the parts is not explained by them, and what could not be measured may be the rest.
    """
    if found := lost((quantity,), comparison):
        return Verdict.DIFFERENT, found
    # Beside a real difference, a part that float32 cannot show is no cause of it.
    least = OTHER_SEMANTICS if apart >= OTHER_SEMANTICS else SAME_SEMANTICS
    parts = [
        part
        for part in comparison.components
        if (size := part.distances.get(quantity, 0.0)) >= least or _is_unstable(part, size, comparison)
    ]
    causes = united(_of_part(part, part.distances[quantity], comparison) for part in parts)
    missing = [part for part in comparison.components if part.missing and quantity not in part.distances]
    if apart > COMPOSED * sum(part.distances[quantity] for part in parts):
        if missing:
            return _unfinished(causes, missing[0])
        causes = united([causes, (Cause(code=Code.UNKNOWN),)])
    declared = all(cause.code in EXPECTED for cause in causes)
    return (Verdict.BY_DESIGN if declared else Verdict.DIFFERENT), causes


def _of_part(part: Component, distance: float, comparison: Comparison) -> tuple[Cause, ...]:
    """Its causes, or an unstable kernel where that explains in float64 what nothing else does."""
    if _is_unstable(part, distance, comparison):
        return (Cause(code=Code.UNSTABLE_KERNEL, subject=part.environment),)
    return part.causes


def _is_unstable(part: Component, distance: float, comparison: Comparison) -> bool:
    side = 0 if part is comparison.components[0] else 1
    unknown = all(cause.code == Code.UNKNOWN for cause in part.causes)
    return part.link is Link.STRATEGY and differs(distance) and unknown and kernels.cancels(comparison, side, distance)


def _unfinished(causes: tuple[Cause, ...], missing: Component) -> Decision:
    """Something needed to explain the whole is not there: what is known to be wrong stays wrong, and nothing else is."""
    subject = "" if missing.link is Link.BACKEND else missing.environment
    known = any(cause.code not in (*EXPECTED, Code.UNKNOWN) for cause in causes)
    verdict = Verdict.DIFFERENT if known else Verdict.INCONCLUSIVE
    return verdict, united([causes, (because(Code.UNCHECKED, missing.missing, subject),)])


def lost(quantities: Collection[str], comparison: Comparison) -> tuple[Cause, ...]:
    """What a file does not hold of these quantities, by what loading does to it."""
    found = (one.tensors for one in comparison.distances if one.quantity in quantities)
    apart = {tensor.name for tensors in found for tensor in tensors if not tensor.bits}
    return united(
        not_saved([name for name in names if name in apart], code)
        for code, names in ((Code.NOT_SAVED, comparison.unsaved), (Code.RENEWED, comparison.renewed))
    )


def not_saved(names: Sequence[str], code: Code) -> tuple[Cause, ...]:
    """That a file does not hold these tensors, if there are any. `code`: NOT_SAVED if loading brings the initial values
    back, else RENEWED."""
    return (Cause(code=code, detail=tuple(("tensor", name) for name in names)),) if names else ()


def copied(distances: Distances, comparison: Comparison) -> list[Component]:
    """What a file holds of this quantity that is not what was saved."""
    return [part for part in comparison.components if part.link is Link.FILE and distances.quantity in part.distances]
