"""Which environments compute the same on one device, each against each?

Two are compared through their oracles of one device, in float64. A strategy's own fault is in neither.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from suite import compare
from suite.compare.run_folder import RunFolder
from suite.explain import diagnoses, further_runs
from suite.judge import equivalence, verdicts
from suite.records import OWN, TRAINING_STEP, Comparison, Configuration, DamagedArtifact, Emulation, Run, plain

FAR = 1e-4  # from its oracle. Below it, what a layer rounds to float32 may have grown, and oracles are believed


class Agreement:
    """All environments of one scenario. `alone`: their configurations on one device, where they have one; `trained`: else
    any."""

    def __init__(self, folder: RunFolder, scenario: str) -> None:
        self.folder, self.scenario = folder, scenario
        every = sorted(folder.configurations(scenario), key=lambda one: one.environment != folder.plan.options.reference)
        first = {one.environment: one for one in sorted(every, key=lambda one: (one.fault, one.devices), reverse=True)}
        found = {one.environment: folder.alone(scenario, one.environment) for one in every}
        self.alone = {name: one for name, one in found.items() if one is not None}
        self.trained = {name: one or first[name] for name, one in found.items()}
        self._measured: dict[tuple[str, str, int, Emulation, bool], Comparison | str] = {}
        self._stands: dict[str, bool] = {}

    def measured(
        self, a: str, b: str, devices: int = 1, emulation: Emulation | None = None, *, emulated: bool = False
    ) -> Comparison | str:
        """The same oracle in two environments, or why it was not compared. Where one is missing for one device, the float64
        runs themselves. `emulated`: as in `runs`."""
        key = a, b, devices, emulation or Emulation(), emulated
        if key not in self._measured:
            self._measured[key] = self._measure(*key)
        return self._measured[key]

    def runs(
        self, a: str, b: str, devices: int = 1, emulation: Emulation | None = None, emulated: bool = False
    ) -> list[Run | None]:
        """The runs that the two are compared by: their oracles. On one device, where one of these is missing, or where
        models train by a step of their own, the float64 runs; but not if it is known that oracles do as such steps do
        (`emulated`)."""
        both = [self.trained[name] for name in (a, b)]
        oracles = [self.folder.planned_oracle(one, devices, emulation or Emulation()) for one in both]
        there = all(run is not None and not isinstance(self.folder.complete(run), str) for run in oracles)
        alone = devices == 1 and all(one.devices == 1 for one in both)
        if not alone or (there and (emulated or not any(self._has_own_step(one) for one in both))):
            return list(oracles)
        return [plain(one, "float64") for one in both]

    def differ(self, a: str, b: str) -> bool:
        """Whether they are known to compute different things; what float32 rounds inside is not left out here. One answer
        for both orders: distances are weighed by the rounding of the first."""
        found = self.measured(*self.in_order(a, b))
        if isinstance(found, str) or not further_runs.settled(found):
            return False
        return equivalence.differs(verdicts.oracle_distance(found))

    def in_order(self, a: str, b: str) -> tuple[str, str]:
        """The two in the order in which they are compared."""
        names = list(self.trained)
        return (b, a) if {a, b} <= set(names) and names.index(a) > names.index(b) else (a, b)

    def in_pairs(self) -> Iterator[tuple[str, str]]:
        """Each with each, in the order in which they are compared."""
        return itertools.combinations(self.trained, 2)

    @cached_property
    def apart(self) -> list[tuple[str, str]]:
        """The environments that differ, two by two."""
        return [pair for pair in self.in_pairs() if self.differ(*pair)]

    def agree(self, a: str, b: str) -> bool:
        """Whether they are known to compute the same."""
        found = self.measured(*self.in_order(a, b))
        return not isinstance(found, str) and further_runs.settled(found) and not self.differ(a, b)

    def odd_one_out(self, a: str, b: str) -> str:
        """The one of the two that differs from every other environment, where these agree with each other. Nobody, where an
        oracle does not stand for its run: what agrees or differs are oracles."""
        others = [name for name in self.trained if name not in (a, b)]
        if not all(map(self._oracle_stands, self.trained)):
            return ""
        for odd, other in ((a, b), (b, a)):
            if others and all(self.agree(other, name) and self.differ(odd, name) for name in others):
                return odd
        return ""

    def quantities(self, a: str, b: str) -> set[str]:
        """What they compute differently."""
        found = self.measured(a, b)
        each = () if isinstance(found, str) else found.distances
        return {one.quantity for one in each if equivalence.differs(equivalence.apart_of(one, found))}  # type: ignore[arg-type]

    def _measure(self, a: str, b: str, devices: int, emulation: Emulation, emulated: bool) -> Comparison | str:
        if untrained := [name for name in (a, b) if name not in self.trained]:  # a file may be loaded there all the same
            return f"{' and '.join(untrained)} did not train it"
        mine, other = (self.folder.subject(self.trained[name]) for name in (a, b))
        if isinstance(mine, str) or isinstance(other, str):
            return mine if isinstance(mine, str) else str(other)
        planned = self.runs(a, b, devices, emulation, emulated)
        runs = [self.folder.complete(run) if run else "no oracle was planned" for run in planned]
        whole = [run for run in runs if not isinstance(run, str)]
        if len(whole) < len(runs):
            return next(run for run in runs if isinstance(run, str))
        try:
            found = compare.float64_runs(replace(mine, perturbed=mine.perturbed or other.perturbed, cache={}), *whole)
        except (DamagedArtifact, ValueError) as error:
            return str(error)
        return replace(found, environments=(a, b))

    def _oracle_stands(self, name: str) -> bool:
        """Whether nothing shows that a run on one device departs from the oracle that it is compared by."""
        if name not in self._stands:
            self._stands[name] = name not in self.alone or not self._departs(self.alone[name])
        return self._stands[name]

    def _departs(self, configuration: Configuration) -> bool:
        subject = self.folder.subject(configuration)
        if isinstance(subject, str) or subject.oracle is None or self._has_own_step(configuration):
            return False
        found = diagnoses.compared(subject)
        return not isinstance(found, str) and (verdicts.oracle_distance(found) or 0.0) > FAR

    def _has_own_step(self, configuration: Configuration) -> bool:
        subject = self.folder.subject(configuration)
        return not isinstance(subject, str) and subject.plain[1].facts.get(TRAINING_STEP) == OWN
