"""One run that is not what an oracle computes: where it begins to differ, and which deviations from the oracle predict it.

Everything is read from artifacts. What is not there yet is asked for (`further`), and the same questions are put again
when it is. An inquiry goes in rounds:

1. One step of the run and of the oracle, from common states, shows where the run begins to differ.
2. One step of every hypothesis that could begin at that stage is compared with the run's step.
3. A hypothesis that takes the difference away, or moves its beginning to a later place, is applied, and the next round
   searches what remains.

The last round compares whole runs. So several causes of one difference are found one after another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
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
MOST_ROUNDS = 4  # of deviations on top of each other; more are not told apart from a coincidence
NEARLY_ALL = 0.01  # of a difference: what a hypothesis may leave and still be called near


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A hypothesis made definite: `detail` tells it from others of the same name."""

    hypothesis: Hypothesis
    detail: str
    emulation: Emulation


@dataclass(frozen=True, kw_only=True)
class Round:
    """What is known with the deviations of `base` applied. `place`: where the run begins to differ from it. `by_steps`:
    whether a single step shows that; otherwise only whole runs can be compared. `matching`: the candidates that explain the
    place."""

    base: Emulation
    place: Place
    by_steps: bool
    candidates: tuple[Candidate, ...]
    matching: tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """What explained one round: the names of the hypotheses, and the whole run of the emulation with it applied."""

    names: frozenset[str]
    run: Run


class Inquiry:
    """What is known of one configuration whose float64 run is not what `oracle` computes (`found` compares the two)."""

    def __init__(self, folder: RunFolder, configuration: Configuration, oracle: Run, found: Comparison) -> None:
        subject = folder.subject(configuration)
        assert oracle.emulates is not None and not isinstance(subject, str)
        self.folder, self.configuration, self.found = folder, configuration, found
        self.oracle, self.emulation, self.subject = oracle, oracle.emulates, subject

    # -- what is asked for

    def further(self) -> list[Run]:
        """The runs that would bring it on, and that were not asked for yet."""
        wanted = [self.step_of_run, self.step_of(self.emulation)]
        for one in self.rounds:
            wanted += [self.step_of(one.base)]
            for candidate in one.candidates:
                wanted.append(self.step_of(candidate.emulation) if one.by_steps else self.whole(candidate.emulation))
            wanted += [self.whole(candidate.emulation) for candidate in one.matching]
        return [run for run in dict.fromkeys(wanted) if not self.folder.asked(run)]

    @property
    def step_of_run(self) -> Run:
        return Run(configuration=self.configuration, variation=SINGLE_STEP, precision="float64")

    def step_of(self, emulation: Emulation) -> Run:
        return replace(self.oracle, variation=SINGLE_STEP, emulates=emulation)

    def whole(self, emulation: Emulation) -> Run:
        return replace(self.oracle, emulates=emulation)

    # -- rounds

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """As far as their runs are there."""
        found: list[Round] = []
        base = self.emulation
        while len(found) < MOST_ROUNDS:
            one = self._round(base)
            if one is None:
                break
            found.append(one)
            if not one.matching or not one.by_steps:
                break
            base = one.matching[0].emulation
        return tuple(found)

    def _round(self, base: Emulation) -> Round | None:
        """None if the run does not differ from it, or if that is not known yet."""
        place = self._place(base)
        if place is None:
            return None
        by_steps = place.stage not in (*WHOLE, "initial state")
        candidates = tuple(self._candidates(base, place))
        matching = (
            self._explaining(base, candidates) if by_steps else [one for one in candidates if self._whole_matches(one)]
        )
        return Round(base=base, place=place, by_steps=by_steps, candidates=candidates, matching=tuple(matching))

    def _place(self, base: Emulation) -> Place | None:
        """Where the run begins to differ from this emulation, as far as it is known."""
        if base == self.emulation and self.other_start:
            name = self.other_start[0]
            size = self._start_distance(name)
            return Place(stage="initial state", tensor=name, state="0", size=size, ratio=size / equivalence.SAME_SEMANTICS)
        stages = self._stages(base)
        if stages is None:
            return None
        if (first := single_step.first(stages, equivalence.SAME_SEMANTICS)) is not None:
            return first
        found = self.found if base == self.emulation else self._whole_comparison(base)
        off = _off(found) if found is not None else []
        return whole_place(off) if off else None

    def _explaining(self, base: Emulation, candidates: tuple[Candidate, ...]) -> list[Candidate]:
        """Those with which the run's step does not differ any more; else the one with which it comes farthest, if that is
        farther than without. Nothing before all of them were tried."""
        tried = {one.emulation: self._observed(one.emulation) for one in candidates}
        if any(stages is None for emulation, stages in tried.items() if not self.folder.asked(self.step_of(emulation))):
            return []
        reached = {
            one.emulation: single_step.position(stages, equivalence.SAME_SEMANTICS)
            for one in candidates
            if (stages := tried[one.emulation]) is not None
        }
        whole = [one for one in candidates if one.emulation in reached and reached[one.emulation] is None]
        if whole:
            return whole
        before = single_step.position(self._observed(base) or {}, equivalence.SAME_SEMANTICS)
        farther = [one for one in candidates if before is not None and (reached.get(one.emulation) or before) > before]
        return sorted(farther, key=lambda one: reached[one.emulation] or before or (0, 0), reverse=True)[:1]

    # -- one step

    @cached_property
    def _own_step(self) -> Complete | None:
        found = self.folder.further(self.step_of_run)
        return None if isinstance(found, str) else found

    def _stages(self, emulation: Emulation) -> dict[str, list[single_step.StageDistance]] | None:
        """A step of the run against the same step of an emulation; None if one was not run. The saturated state is left
        out, which no run comes to: backends clip probabilities differently there, and that explains nothing that a run has
        shown."""
        other = self.folder.further(self.step_of(emulation))
        if self._own_step is None or isinstance(other, str):
            return None
        found = single_step.stage_distances(self._own_step, other)
        return {state: distances for state, distances in found.items() if state.isdigit()}

    def _observed(self, emulation: Emulation) -> dict[str, list[single_step.StageDistance]] | None:
        """The same without batch statistics: they are observed in moving ones, which a hypothesis may move differently, and
        those are compared themselves."""
        stages = self._stages(emulation)
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

    def _start_distance(self, name: str) -> float:
        both = self._starts()
        assert both is not None
        return metrics.relative_l2(both[0][name], both[1][name])

    # -- hypotheses

    def _candidates(self, base: Emulation, place: Place) -> Iterator[Candidate]:
        """What could begin where this run begins to differ, made definite by what its steps show, on top of `base`."""
        evidence = self._evidence(base)
        if evidence is None:
            return
        for hypothesis in HYPOTHESES:
            if place.stage not in hypothesis.stages:
                continue
            for detail, deviation in hypothesis.candidates(evidence):
                if (both := combined(base.deviation, deviation)) is not None:
                    name = _name(hypothesis, detail, deviation)
                    name = f"{base.name}+{name}" if base.name else name
                    yield Candidate(
                        hypothesis=hypothesis, detail=detail, emulation=replace(self.emulation, deviation=both, name=name)
                    )

    def _evidence(self, base: Emulation) -> StepEvidence | None:
        other = self.folder.further(self.step_of(base))
        if self._own_step is None or isinstance(other, str):
            return None
        (run, manifest), (oracle, described) = self._own_step, other
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
        )

    def _whole_comparison(self, emulation: Emulation) -> Comparison | None:
        """The whole run against one of the emulation; None if that was not run."""
        found = self.folder.further(self.whole(emulation))
        if isinstance(found, str) or self.subject.float64 is None:
            return None
        try:
            return compare.float64_runs(self.subject, self.subject.float64, found)
        except (DamagedArtifact, ValueError):
            return None

    def whole_distance(self, emulation: Emulation) -> float | None:
        """The largest judged distance between the whole run and one of the emulation; None if that was not run."""
        found = self._whole_comparison(emulation)
        return None if found is None else verdicts.oracle_distance(found)

    def _whole_matches(self, candidate: Candidate) -> bool:
        distance = self.whole_distance(candidate.emulation)
        return distance is not None and not equivalence.differs(distance)

    # -- what came of it

    @property
    def matched(self) -> tuple[Matched, ...]:
        """Round by round, as far as there were matches."""
        return tuple(
            Matched(
                names=frozenset(one.hypothesis.name for one in found.matching), run=self.whole(found.matching[0].emulation)
            )
            for found in self.rounds
            if found.matching
        )

    @property
    def place(self) -> Place | None:
        """Where the run begins to differ, as far as it is known."""
        return self.rounds[0].place if self.rounds else None

    def diagnosis(self, distance: float | None) -> Diagnosis:
        """The answer so far."""
        tried = list(self._tried())
        matching = list(self._matching(tried))
        return Diagnosis(
            run=plain(self.configuration),
            oracle=self.oracle,
            distance=distance,
            reason=self._unlocated(),
            place=self.place,
            remaining=self._remaining(matching),
            suspects=tuple(matching or _near(tried, distance)),
            tried=len(tried),
        )

    def _matching(self, tried: list[Suspect]) -> Iterator[Suspect]:
        """Round by round; where whole runs show that some do not match, without those."""
        for number in sorted({one.round for one in tried}):
            matching = [one for one in tried if one.round == number and one.matches]
            yield from [one for one in matching if one.whole and not equivalence.differs(one.distance)] or matching

    def _remaining(self, matching: list[Suspect]) -> Place | None:
        """Where it still differs with everything applied that matches."""
        if not self.rounds or any(one.name == Code.DTYPE_DEMOTED for one in matching):
            return None
        last = self.rounds[-1]
        return None if last.matching else last.place

    def _unlocated(self) -> str:
        own = self.folder.further(self.step_of_run)
        return f"no single-step comparison: {own}" if isinstance(own, str) else ""

    def _tried(self) -> Iterator[Suspect]:
        if (narrow := self._demoted()) is not None:
            yield narrow
        for number, one in enumerate(self.rounds, start=1):
            for candidate in one.candidates:
                suspect = self._suspect(number, one, candidate)
                if suspect is not None and np.isfinite(suspect.distance):
                    yield suspect

    def _suspect(self, number: int, found: Round, candidate: Candidate) -> Suspect | None:
        whole = self.whole_distance(candidate.emulation)
        distance = whole
        if distance is None and found.by_steps:
            stages = self._observed(candidate.emulation) or {}
            distance = max((one.value for state in stages.values() for one in state), default=None)
        if distance is None:
            return None
        return Suspect(
            name=candidate.hypothesis.name,
            detail=candidate.detail,
            measured=candidate.hypothesis.measured,
            distance=distance,
            matches=candidate in found.matching,
            whole=whole is not None,
            round=number,
        )

    def _demoted(self) -> Suspect | None:
        """Whether what comes out at the place are all numbers of a narrower format, and the oracle's are not."""
        other = self.folder.further(self.step_of(self.emulation))
        if self._own_step is None or isinstance(other, str) or self.place is None:
            return None
        if self.place.stage in (*WHOLE, "initial state"):
            return None
        key = f"{self.place.stage}|{self.place.tensor}"
        sides = self._own_step, other
        mine, theirs = (side[0].arrays(names.single_step(self.place.state)).get(key) for side in sides)
        if mine is None or theirs is None:
            return None
        for narrow in NARROW:
            if _representable(mine, narrow) and not _representable(theirs, narrow):
                return Suspect(name=Code.DTYPE_DEMOTED, detail=narrow, distance=0.0, matches=True, whole=False)
        return None


def combined(base: Deviation, more: Deviation) -> Deviation | None:
    """Both at once; None if they contradict each other, or if the second adds nothing."""
    default = Deviation()
    changes = {}
    for field in fields(Deviation):
        added = getattr(more, field.name)
        if added == getattr(default, field.name):
            continue
        if getattr(base, field.name) != getattr(default, field.name):
            return None
        changes[field.name] = added
    return replace(base, **changes) if changes else None


def _off(found: Comparison) -> list[Distances]:
    return [one for one in found.distances if equivalence.differs(equivalence.apart_of(one, found))]


def whole_place(off: list[Distances]) -> Place:
    """Of a difference that no single step shows: its largest quantity, at the first stored step that has it. Layers that
    draw random numbers count what they draw, so that only predictions may be off, and other state."""
    quantities = {one.quantity for one in off}
    only_predictions = compare.PREDICTIONS in quantities and quantities <= {compare.PREDICTIONS, compare.OTHER}
    stage = "prediction" if only_predictions else "trajectory"
    for distances in off:
        for at in distances.at:
            size = max((value for metric, value in at.float64.items() if metrics.METRICS[metric].judged), default=None)
            if size is not None and equivalence.differs(size):
                tensor = distances.tensors[0].name if distances.tensors else distances.quantity
                return Place(
                    stage=stage, tensor=tensor, state=str(at.step), size=size, ratio=size / equivalence.SAME_SEMANTICS
                )
    return Place(stage=stage, tensor="", state="", size=0.0, ratio=0.0)


def _near(tried: list[Suspect], distance: float | None) -> list[Suspect]:
    """The nearest of those that do not match, if it explains nearly all of the difference: a nearest one that does not is
    noise."""
    nearest = min(tried, key=lambda one: one.distance, default=None)
    near = nearest is not None and distance is not None and nearest.distance <= NEARLY_ALL * distance
    return [nearest] if near and nearest is not None else []


def _representable(values: np.ndarray, dtype: str) -> bool:
    """Whether every value is a number of this format."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values, values.astype(dtype).astype(values.dtype)))


def _name(hypothesis: Hypothesis, detail: str, deviation: Deviation) -> str:
    """Names the emulation in run ids, hence in folders; two that are not the same have other names."""
    words = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in detail)[:40]
    return f"{hypothesis.name}={words}-{digest_of(deviation)[:6]}" if words else hypothesis.name
