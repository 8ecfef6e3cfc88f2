"""One run that is not what its strategy declares: where it begins to differ, and which hypothesis predicts what it does.

Everything is read from artifacts. What is not there yet is asked for (`further`), and the same questions are put again
when it is: first one step of the run and of its oracle from common states, then one step of every hypothesis that could
begin at that stage, then whole runs of those that match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.artifacts.store import Complete, digest_of
from suite.compare import metrics, single_step
from suite.compare.run_folder import RunFolder
from suite.explain.estimates import StepEvidence
from suite.explain.hypotheses import HYPOTHESES, WHOLE, Hypothesis
from suite.judge import equivalence, verdicts
from suite.records import (
    SINGLE_STEP,
    Code,
    Comparison,
    Configuration,
    DamagedArtifact,
    Deviation,
    Diagnosis,
    Distances,
    Emulation,
    Place,
    Run,
    Suspect,
    plain,
)

NARROW = ("float16", "float32")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A hypothesis made definite: `detail` tells it from others of the same name."""

    hypothesis: Hypothesis
    detail: str
    emulation: Emulation


class Inquiry:
    """What is known of one configuration whose float64 run is not what its oracle computes (`found` compares the two)."""

    def __init__(self, folder: RunFolder, configuration: Configuration, found: Comparison) -> None:
        oracle = folder.oracle_of(configuration)
        subject = folder.subject(configuration)
        assert oracle is not None and oracle.emulates is not None and not isinstance(subject, str)
        self.folder, self.configuration, self.found = folder, configuration, found
        self.oracle, self.emulation, self.subject = oracle, oracle.emulates, subject

    # -- what is asked for

    def further(self) -> list[Run]:
        """The runs that would bring it on, and that were not asked for yet."""
        wanted = [self.step_of_run, self.step_of(self.emulation)]
        if self._both:
            for candidate in self.candidates:
                run = self.step_of(candidate.emulation)
                if not self._by_steps:
                    run = self.whole(candidate.emulation)
                elif (distance := self.step_distance(candidate)) is not None and not equivalence.differs(distance):
                    wanted.append(self.whole(candidate.emulation))
                wanted.append(run)
        return [run for run in wanted if not self.folder.asked(run)]

    @property
    def step_of_run(self) -> Run:
        return Run(configuration=self.configuration, variation=SINGLE_STEP, precision="float64")

    def step_of(self, emulation: Emulation) -> Run:
        return replace(self.oracle, variation=SINGLE_STEP, emulates=emulation)

    def whole(self, emulation: Emulation) -> Run:
        return replace(self.oracle, emulates=emulation)

    # -- one step

    @cached_property
    def _both(self) -> tuple[Complete, Complete] | None:
        """The single-step comparisons of the run and of its oracle, when both are there."""
        found = [self.folder.further(run) for run in (self.step_of_run, self.step_of(self.emulation))]
        first, second = found
        return None if isinstance(first, str) or isinstance(second, str) else (first, second)

    @cached_property
    def place(self) -> Place | None:
        """Where the run begins to differ, as far as it is known."""
        if self.other_start:
            name = self.other_start[0]
            size = self._start_distance(name)
            return Place(stage="initial state", tensor=name, state="0", size=size, ratio=size / equivalence.SAME_SEMANTICS)
        if self._both is None:
            return None
        if (first := single_step.first(self._stages(self._both[1]), equivalence.SAME_SEMANTICS)) is not None:
            return first
        if not self._by_steps and self._only_predictions:
            return self._whole_place("prediction")
        return self._whole_place("trajectory")

    def _whole_place(self, stage: str) -> Place:
        """Of a difference that no single step shows: its largest quantity, at the first stored step that has it."""
        for distances in self._off:
            for at in distances.at:
                judged = [value for metric, value in at.float64.items() if metrics.METRICS[metric].judged]
                if equivalence.differs(max(judged, default=None)):
                    tensor = distances.tensors[0].name if distances.tensors else distances.quantity
                    size = max(judged)
                    return Place(
                        stage=stage, tensor=tensor, state=str(at.step), size=size, ratio=size / equivalence.SAME_SEMANTICS
                    )
        return Place(stage=stage, tensor="", state="", size=0.0, ratio=0.0)

    @cached_property
    def _by_steps(self) -> bool:
        """Whether a single step shows it: otherwise only whole runs can be compared."""
        assert self._both is not None
        return (
            not self.other_start and single_step.first(self._stages(self._both[1]), equivalence.SAME_SEMANTICS) is not None
        )

    def _stages(self, other: Complete) -> dict[str, list[single_step.StageDistance]]:
        """A step of the run against the same step of another run. The saturated state is left out, which no run comes
        to: backends clip probabilities differently there, and that explains nothing that a run has shown."""
        assert self._both is not None
        found = single_step.stage_distances(self._both[0], other)
        return {state: distances for state, distances in found.items() if state.isdigit()}

    @property
    def _only_predictions(self) -> bool:
        """Predictions are off, and nothing else that training leaves: layers that draw random numbers count what they
        draw."""
        off = {one.quantity for one in self._off}
        return compare.PREDICTIONS in off and off <= {compare.PREDICTIONS, compare.OTHER}

    @property
    def _off(self) -> list[Distances]:
        return [one for one in self.found.distances if equivalence.differs(equivalence.apart_of(one, self.found))]

    @cached_property
    def other_start(self) -> tuple[str, ...]:
        """Tensors whose initial values are not the stored ones."""
        assert self.subject.float64 and self.subject.oracle
        mine, stored = (side[0].arrays(names.step(0)) for side in (self.subject.float64, self.subject.oracle))
        return tuple(name for name in sorted(mine.keys() & stored.keys()) if not np.array_equal(mine[name], stored[name]))

    def _start_distance(self, name: str) -> float:
        assert self.subject.float64 and self.subject.oracle
        mine, stored = (side[0].arrays(names.step(0))[name] for side in (self.subject.float64, self.subject.oracle))
        return metrics.relative_l2(mine, stored)

    # -- hypotheses

    @cached_property
    def candidates(self) -> list[Candidate]:
        """What could begin where this run begins to differ, made definite by what its steps show."""
        place = self.place
        if self._both is None or place is None:
            return []
        return [
            Candidate(
                hypothesis=hypothesis,
                detail=detail,
                emulation=replace(self.emulation, deviation=deviation, name=_name(hypothesis, detail, deviation)),
            )
            for hypothesis in HYPOTHESES
            if place.stage in hypothesis.stages
            for detail, deviation in hypothesis.candidates(self._evidence)
        ]

    @cached_property
    def _evidence(self) -> StepEvidence:
        assert self._both is not None
        (run, manifest), (oracle, described) = self._both
        trajectory = self.folder.trajectory(self.configuration.scenario)
        steps = []
        for state in single_step.states(manifest, described):
            before = trajectory.arrays(names.step(state)) if state.isdigit() and trajectory else {}
            if before:
                steps.append((before, run.arrays(names.single_step(state)), oracle.arrays(names.single_step(state))))
        return StepEvidence(
            run=plain(self.configuration, "float64").id,
            semantics=self.emulation.semantics,
            replicas=self.configuration.devices,
            steps=tuple(steps),
            batch_norms=described.batch_norms,
            tensors=described.tensors or manifest.tensors,
            other_start=self.other_start,
            optimizer_epsilon=described.optimizer_epsilon,
        )

    def step_distance(self, candidate: Candidate) -> float | None:
        """The largest distance between a step of the run and of the hypothesis, over all stages and states; None if that was
        not run."""
        found = self.folder.further(self.step_of(candidate.emulation))
        if self._both is None or isinstance(found, str):
            return None
        # Batch statistics are observed in moving ones, which a hypothesis may move differently: those are compared
        # themselves.
        values = [one.value for state in self._stages(found).values() for one in state if one.stage != "batch statistics"]
        return max(values, default=None)

    def whole_distance(self, candidate: Candidate) -> float | None:
        """The largest judged distance between the whole run and one of the hypothesis; None if that was not run."""
        found = self.folder.further(self.whole(candidate.emulation))
        if isinstance(found, str):
            return None
        try:
            return verdicts.oracle_distance(compare.declared(replace(self.subject, oracle=found)))
        except (DamagedArtifact, ValueError):
            return None

    # -- what came of it

    def diagnosis(self, distance: float | None) -> Diagnosis:
        """The answer so far."""
        tried = list(self._tried())
        matching = [suspect for suspect in tried if not equivalence.differs(suspect.distance)]
        proven = [one for one in matching if one.whole] or matching
        nearest = sorted(tried, key=lambda one: one.distance)[:1]
        return Diagnosis(
            run=plain(self.configuration),
            oracle=self.oracle,
            distance=distance,
            reason=self._unlocated(),
            place=self.place,
            suspects=tuple(proven or nearest),
            tried=len(tried),
        )

    def _unlocated(self) -> str:
        own = self.folder.further(self.step_of_run)
        return f"no single-step comparison: {own}" if isinstance(own, str) else ""

    def _tried(self) -> Iterator[Suspect]:
        if (narrow := self._demoted()) is not None:
            yield narrow
        for candidate in self.candidates:
            whole = self.whole_distance(candidate)
            distance = whole if whole is not None else (self.step_distance(candidate) if self._by_steps else None)
            if distance is not None and np.isfinite(distance):
                yield Suspect(
                    name=candidate.hypothesis.name,
                    detail=candidate.detail,
                    measured=candidate.hypothesis.measured,
                    distance=distance,
                    whole=whole is not None,
                )

    def _demoted(self) -> Suspect | None:
        """Whether what comes out at the place are all numbers of a narrower format, and the oracle's are not."""
        if self._both is None or self.place is None or self.place.stage in (*WHOLE, "initial state"):
            return None
        key = f"{self.place.stage}|{self.place.tensor}"
        mine, other = (side[0].arrays(names.single_step(self.place.state)).get(key) for side in self._both)
        if mine is None or other is None:
            return None
        for narrow in NARROW:
            if _representable(mine, narrow) and not _representable(other, narrow):
                return Suspect(name=Code.DTYPE_DEMOTED, detail=narrow, distance=0.0, whole=False)
        return None


def _representable(values: np.ndarray, dtype: str) -> bool:
    """Whether every value is a number of this format."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values, values.astype(dtype).astype(values.dtype)))


def _name(hypothesis: Hypothesis, detail: str, deviation: Deviation) -> str:
    """Names the emulation in run ids, hence in folders; two that are not the same have other names."""
    words = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in detail)[:40]
    return f"{hypothesis.name}={words}-{digest_of(deviation)[:6]}" if words else hypothesis.name


def inquiries(folder: RunFolder, declared: Mapping[Configuration, Comparison]) -> list[Inquiry]:
    """One for each configuration that is off its oracle."""
    return [
        Inquiry(folder, configuration, found)
        for configuration, found in declared.items()
        if equivalence.differs(verdicts.oracle_distance(found))
    ]
