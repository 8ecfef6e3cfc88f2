"""One run that is not what an oracle computes: where it begins to differ, and which deviations from the oracle predict it.

Everything is read from artifacts (`observations`). What is not there yet is asked for (`further`), and the same questions
are put again when it is. An inquiry goes in rounds (`rounds`):

1. One step of the run and of the oracle, from common states, shows where the run begins to differ.
2. One step of every hypothesis that could begin at that stage is compared with the run's step.
3. A hypothesis that takes the difference away, or moves its beginning to a later place, is applied, and the next round
   searches what remains.

The last round compares whole runs. So several causes of one difference are found one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from suite.artifacts import names
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import further_runs, rounds
from suite.explain.hypotheses import HYPOTHESES, START, WHOLE
from suite.explain.observations import Observations
from suite.explain.rounds import Candidate, Matched, Round
from suite.judge import equivalence
from suite.records import Code, Comparison, Configuration, Diagnosis, Place, Run, Suspect, plain

NARROW = ("float16", "float32")
ROUNDINGS = 32  # of a narrower format that a layer computes in: those of its products and sums, as far as they do not cancel
INCLUDED = {one.name: one.includes for one in HYPOTHESES}
NEARLY_ALL = 0.01  # of a difference: what a hypothesis may leave and still be called near


class Inquiry:
    """What is known of one configuration whose float64 run is not what `oracle` computes (`found` compares the two)."""

    def __init__(self, folder: RunFolder, configuration: Configuration, oracle: Run, found: Comparison) -> None:
        self.folder, self.configuration, self.oracle = folder, configuration, oracle
        self.known = Observations(folder, configuration, oracle, found)

    # -- what is asked for

    def further(self) -> list[Run]:
        """The runs that would bring it on, and that were not asked for yet."""
        known = self.known
        wanted = [known.step_of_run, known.step_of(known.emulation)]
        for one in self.rounds:
            wanted += [known.step_of(one.base)]
            for candidate in one.candidates:
                wanted.append(known.step_of(candidate.emulation) if one.by_steps else known.whole(candidate.emulation))
            wanted += [known.whole(candidate.emulation) for candidate in one.matching]
            if one.place.stage == START:
                wanted += [known.step_of(candidate.emulation) for candidate in one.matching]
        if (left := self._left) is not None and left.stage in WHOLE:  # no step shows it: its own rounding may have grown
            wanted += further_runs.permuted_float64(self.configuration)
        return [run for run in dict.fromkeys(wanted) if not self.folder.asked(run)]

    # -- what came of it

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        return rounds.search(self.known)

    @property
    def matched(self) -> tuple[Matched, ...]:
        """Round by round, as far as there were matches."""
        return tuple(
            Matched(
                names=frozenset(one.hypothesis.name for one in found.matching),
                run=self.known.whole(found.matching[0].emulation),
            )
            for found in self.rounds
            if found.matching
        )

    @property
    def unexplained(self) -> bool:
        """Whether it has ended, at a place that no hypothesis explains."""
        return bool(self.rounds) and not self.rounds[-1].matching and not self.further()

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
        """Round by round; where whole runs show that some do not match, without those, and without what others include."""
        for number in sorted({one.round for one in tried}):
            matching = [one for one in tried if one.round == number and one.matches]
            matching = [one for one in matching if one.whole and not equivalence.differs(one.distance)] or matching
            included = {name for one in matching for name in INCLUDED.get(one.name, ())}
            yield from (one for one in matching if one.name not in included)

    def _remaining(self, matching: list[Suspect]) -> Place | None:
        """Where it still differs with everything applied that matches."""
        if not self.rounds or any(one.name == Code.DTYPE_DEMOTED for one in matching):
            return None
        return self._left

    @cached_property
    def _left(self) -> Place | None:
        """Where it still differs with what matches in the last round; where it differs in that round, if nothing matches."""
        if not self.rounds:
            return None
        last = self.rounds[-1]
        return rounds.place_of(self.known, last.matching[0].emulation) if last.matching else last.place

    def _unlocated(self) -> str:
        own = self.folder.further(self.known.step_of_run)
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
        whole = self.known.whole_distance(candidate.emulation)
        distance = whole
        if distance is None and found.by_steps:
            stages = self.known.observed(candidate.emulation) or {}
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
        """Whether what comes out at the place are all numbers of a narrower format, the oracle's are not, and the two are as
        near as that format rounds: zeros, and a maximum of inputs, are numbers of any format."""
        other = self.folder.further(self.known.step_of(self.known.emulation))
        if self.known.own_step is None or isinstance(other, str) or self.place is None:
            return None
        if self.place.stage in (*WHOLE, START):
            return None
        key = f"{self.place.stage}|{self.place.tensor}"
        sides = self.known.own_step, other
        mine, theirs = (side[0].arrays(names.single_step(self.place.state)).get(key) for side in sides)
        if mine is None or theirs is None:
            return None
        for narrow in NARROW:
            if _representable(mine, narrow) and not _representable(theirs, narrow) and _near_in(mine, theirs, narrow):
                return Suspect(name=Code.DTYPE_DEMOTED, detail=narrow, distance=0.0, matches=True, whole=False)
        return None


def _near(tried: list[Suspect], distance: float | None) -> list[Suspect]:
    """The nearest of those that do not match, if it explains nearly all of the difference: a nearest one that does not is
    noise."""
    nearest = min(tried, key=lambda one: one.distance, default=None)
    near = nearest is not None and distance is not None and nearest.distance <= NEARLY_ALL * distance
    return [nearest] if near and nearest is not None else []


def _near_in(mine: np.ndarray, theirs: np.ndarray, dtype: str) -> bool:
    """Whether the two differ by no more than a few roundings of this format."""
    return metrics.relative_l2(mine, theirs) <= ROUNDINGS * float(np.finfo(dtype).eps)


def _representable(values: np.ndarray, dtype: str) -> bool:
    """Whether every value is a number of this format."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values, values.astype(dtype).astype(values.dtype)))
