"""Two backends that compute the same on one device, and not where several replicas compute parts of a batch each.

Both environments emulate the same replicas on one device, in float64. Where these emulations differ, one step of each shows
the first stage and tensor. The side that is off is the one that differs from every other environment, which emulate the same
replicas for that, and agree. That is no proof, as there is no independent definition of a part of a batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from suite.compare import single_step
from suite.explain.backends import Backends, Parting
from suite.judge import equivalence
from suite.plan import planning
from suite.records import SINGLE_STEP, Cause, Code, Configuration, Emulation, Place, Run, Semantics


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """So many that compute as an emulation says."""

    devices: int
    emulation: Emulation


def further(backends: Backends) -> list[Run]:
    """The runs that would show where two environments part over replicas and which one is off, and that were not asked for
    yet."""
    wanted = []
    for (a, b), replicas in _emulated(backends):
        if _part(backends, a, b, replicas):
            wanted += [_step(backends, name, replicas) for name in (a, b)]
            wanted += [_oracle(backends, name, replicas) for name in backends.trained if name not in (a, b)]
    return [run for run in dict.fromkeys(wanted) if not backends.folder.asked(run)]


def parting(backends: Backends, a: Configuration, b: Configuration) -> Parting | None:
    """What is known of two configurations on as many devices whose environments differ over replicas alone, in what the
    second declares. None if they do not."""
    replicas = _declared(backends, b)
    if a.devices != b.devices or not _part(backends, a.environment, b.environment, replicas):
        return None
    place = _place(backends, a.environment, b.environment, replicas)
    odd = _odd_one_out(backends, a.environment, b.environment, replicas)
    if not odd:
        return Parting(place=place, off="", causes=(Cause(code=Code.UNKNOWN),))
    others = ", ".join(sorted(name for name in backends.trained if name != odd))
    where = (("stage", place.stage), ("tensor", place.tensor)) if place else ()
    detail = (("others", others), *where, ("replicas", str(replicas.devices)))
    return Parting(place=place, off=odd, causes=(Cause(code=Code.ODD_ONE_OUT, subject=odd, detail=detail),))


def _emulated(backends: Backends) -> Iterator[tuple[tuple[str, str], Replicas]]:
    """Two environments that both have replicas, and what the second declares for these."""
    every = backends.folder.configurations(backends.scenario)
    for a, b in itertools.permutations([one for one in every if backends.folder.declared(one) != Semantics()], 2):
        if a.environment != b.environment and a.devices == b.devices:
            yield (a.environment, b.environment), _declared(backends, b)


def _declared(backends: Backends, configuration: Configuration) -> Replicas:
    semantics = backends.folder.declared(configuration)
    return Replicas(devices=configuration.devices, emulation=Emulation(semantics=semantics))


def _part(backends: Backends, a: str, b: str, replicas: Replicas) -> bool:
    return backends.agreement.agree(a, b) and _differ(backends, a, b, replicas) is True


def _differ(backends: Backends, a: str, b: str, replicas: Replicas) -> bool | None:
    """None where one of the emulations was not run, or is not known to be off by more than its own rounding."""
    found = backends.agreement.measured(a, b, replicas.devices, replicas.emulation)
    if isinstance(found, str):
        return None
    apart = [equivalence.apart_of(one, found) for one in found.distances]
    return None if None in apart else any(equivalence.differs(one) for one in apart)


def _odd_one_out(backends: Backends, a: str, b: str, replicas: Replicas) -> str:
    others = [name for name in backends.trained if name not in (a, b)]
    for odd, other in ((a, b), (b, a)):
        agree = all(_differ(backends, other, name, replicas) is False for name in others)
        if others and agree and all(_differ(backends, odd, name, replicas) is True for name in others):
            return odd
    return ""


def _place(backends: Backends, a: str, b: str, replicas: Replicas) -> Place | None:
    steps = [backends.folder.further(_step(backends, name, replicas)) for name in (a, b)]
    whole = [one for one in steps if not isinstance(one, str)]
    return single_step.first(single_step.stage_distances(*whole), equivalence.SAME_SEMANTICS) if len(whole) == 2 else None


def _oracle(backends: Backends, environment: str, replicas: Replicas) -> Run:
    return planning.oracle(backends.scenario, environment, replicas.devices, replicas.emulation)


def _step(backends: Backends, environment: str, replicas: Replicas) -> Run:
    return replace(_oracle(backends, environment, replicas), variation=SINGLE_STEP)
