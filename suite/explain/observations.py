"""What is known of one run and of the oracles that it is compared with: one step from common states, and whole runs.

Everything is read from artifacts. What was not run is None, or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics, single_step
from suite.compare.run_folder import RunFolder
from suite.explain.estimates import StepEvidence
from suite.judge import equivalence, verdicts
from suite.records import SINGLE_STEP, Comparison, Configuration, DamagedArtifact, Emulation, Run, plain

Stages = dict[str, list[single_step.StageDistance]]  # state -> every tensor of the step, in the order of the step


class Observations:
    """One configuration whose float64 run is held against `oracle`, and against the same with deviations (`found`: the
    comparison of the whole runs)."""

    def __init__(self, folder: RunFolder, configuration: Configuration, oracle: Run, found: Comparison) -> None:
        subject = folder.subject(configuration)
        assert oracle.emulates is not None and not isinstance(subject, str)
        self.folder, self.configuration, self.found = folder, configuration, found
        self.oracle, self.emulation, self.subject = oracle, oracle.emulates, subject

    # -- the runs

    @property
    def step_of_run(self) -> Run:
        return Run(configuration=self.configuration, variation=SINGLE_STEP, precision="float64")

    def step_of(self, emulation: Emulation) -> Run:
        return replace(self.oracle, variation=SINGLE_STEP, emulates=emulation)

    def whole(self, emulation: Emulation) -> Run:
        return replace(self.oracle, emulates=emulation)

    # -- one step

    @cached_property
    def own_step(self) -> Complete | None:
        found = self.folder.further(self.step_of_run)
        return None if isinstance(found, str) else found

    def stages(self, emulation: Emulation) -> Stages | None:
        """A step of the run against the same step of an emulation; None if one was not run. The saturated state is left
        out, which no run comes to: backends clip probabilities differently there, and that explains nothing that a run has
        shown."""
        step = self.step_of(emulation)
        other = self.folder.further(step)
        if self.own_step is None or isinstance(other, str):
            return None
        key = f"stages against {step.id}"  # every round of an inquiry asks for them again
        if key not in self.subject.cache:
            found = single_step.stage_distances(self.own_step, other)
            self.subject.cache[key] = {state: distances for state, distances in found.items() if state.isdigit()}
        measured: Stages = self.subject.cache[key]  # type: ignore[assignment]
        return measured

    def observed(self, emulation: Emulation) -> Stages | None:
        """The same without batch statistics: they are observed in moving ones, which a hypothesis may move differently, and
        those are compared themselves."""
        stages = self.stages(emulation)
        if stages is None:
            return None
        return {state: [one for one in found if one.stage != "batch statistics"] for state, found in stages.items()}

    @cached_property
    def other_start(self) -> tuple[str, ...]:
        """Tensors whose initial values are not the stored ones."""
        both = self._starts()
        if both is None:
            return ()
        mine, stored = both
        return tuple(name for name in sorted(mine.keys() & stored.keys()) if not np.array_equal(mine[name], stored[name]))

    def _starts(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]] | None:
        oracle = self.folder.complete(self.oracle)
        if self.subject.float64 is None or isinstance(oracle, str):
            return None
        return self.subject.float64[0].arrays(names.step(0)), oracle[0].arrays(names.step(0))

    def start_distance(self, name: str) -> float:
        both = self._starts()
        assert both is not None
        return metrics.relative_l2(both[0][name], both[1][name])

    def evidence(self, base: Emulation) -> StepEvidence | None:
        other = self.folder.further(self.step_of(base))
        if self.own_step is None or isinstance(other, str):
            return None
        (run, manifest), (oracle, described) = self.own_step, other
        trajectory = self.folder.trajectory(self.configuration.scenario)
        steps = []
        for state in single_step.states(manifest, described):
            before = trajectory.arrays(names.step(state)) if state.isdigit() and trajectory else {}
            if before:
                steps.append((before, run.arrays(names.single_step(state)), oracle.arrays(names.single_step(state))))
        return StepEvidence(
            run=plain(self.configuration, "float64").id,
            semantics=base.deviation.semantics or base.semantics,
            replicas=self.configuration.devices,
            steps=tuple(steps),
            batch_norms=described.batch_norms,
            tensors=described.tensors or manifest.tensors,
            other_start=self.other_start,
            optimizer_epsilon=described.optimizer_epsilon,
            phases=len(self.subject.plain[1].phases),
        )

    # -- whole runs

    def whole_comparison(self, emulation: Emulation) -> Comparison | None:
        """The whole run against one of the emulation; None if that was not run."""
        found = self.folder.further(self.whole(emulation))
        if isinstance(found, str) or self.subject.float64 is None:
            return None
        try:
            return compare.float64_runs(self.subject, self.subject.float64, found)
        except (DamagedArtifact, ValueError):
            return None

    def whole_distance(self, emulation: Emulation) -> float | None:
        """The largest judged distance between the whole run and one of the emulation; None if that was not run, or if it
        does not tell of all that is off without the deviation."""
        found = self.whole_comparison(emulation)
        distance = None if found is None else verdicts.oracle_distance(found)
        if found is None or equivalence.differs(distance):
            return distance
        left = {one.quantity: equivalence.apart_of(one, found) for one in found.distances}
        off = [one.quantity for one in self.found.distances if equivalence.differs(equivalence.apart_of(one, self.found))]
        return distance if all(left.get(quantity) is not None for quantity in off) else None
