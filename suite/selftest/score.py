"""Scores the self-test: what was reported for each injected fault and for each clean pair, against what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from suite.compare.metrics import METRICS
from suite.records import (
    Cause,
    Code,
    ConsistencyCheck,
    Diagnosis,
    Judged,
    Member,
    Place,
    Results,
    Run,
    Status,
    Verdict,
    plain,
)
from suite.selftest.catalogue import UNKNOWN
from suite.selftest.clean import OFF, Clean
from suite.selftest.plan import BUILT_IN, Injected

OF_FILES = (
    Code.NOT_SAVED,
    Code.SAVE_STALE,
    Code.SAVE_WRONG_REPLICA,
    Code.SAVE_SWAPPED,
    Code.SAVE_ALTERED,
    Code.SLOTS_NOT_SAVED,
    Code.COMPILED_DIFFERENTLY,
    Code.LOADED_DIFFERENTLY,
)
OF_RUNS = ("declared", "defined", "saved", "resumed", "replica")  # checks that no other environment takes part in
NO_EFFECT = 1e-11  # between float64 runs: what other rounding grows to in ten steps of Adam, and no difference


@dataclass(frozen=True, kw_only=True)
class Location:
    """A stage and a tensor, both as patterns where they are expected; alternatives of the tensor are separated by |."""

    stage: str
    tensor: str

    def __str__(self) -> str:
        return f"{self.stage} of {self.tensor}" if self.tensor else self.stage

    def holds(self, place: Location) -> bool:
        """Whether a place is where this pattern says."""
        tensors = self.tensor.split("|")
        return fnmatchcase(place.stage, self.stage) and any(fnmatchcase(place.tensor, one) for one in tensors)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One injected fault as it was judged. `causes`: the names of all that match. `side`: whether a finding says that this
    run, or its environment, is the one that is off. `size`: the largest distance between float64 runs in what was detected.
    `effect`: the largest one of all, None if it is not known. `note`: why it has no answer, where it has none. `ran`:
    whether the configuration runs without the fault."""

    injected: Injected
    detected: bool
    side: bool
    causes: tuple[str, ...]
    place: Location | None
    size: float | None
    effect: float | None = None
    note: str = ""
    ran: bool = True

    @property
    def expected_cause(self) -> str:
        return " or ".join(self.injected.expected.causes)

    @property
    def expected_place(self) -> Location:
        return Location(stage=self.injected.expected.stage, tensor=self.injected.expected.tensor)

    @property
    def right_cause(self) -> bool:
        """An expected one is named, among others that predict the same; or none is, where there is none. Of what is not
        detected, nothing is right."""
        named = self.causes or (UNKNOWN,)
        return self.detected and any(fnmatchcase(name, cause) for name in named for cause in self.injected.expected.causes)

    @property
    def right_place(self) -> bool:
        return self.place is not None and self.expected_place.holds(self.place)

    @property
    def without_effect(self) -> bool:
        """Whether the fault makes no difference in exact arithmetic: there is nothing to detect."""
        return not self.detected and self.effect is not None and self.effect < NO_EFFECT


@dataclass(frozen=True, kw_only=True)
class Score:
    """A self-test on one ground. `clean_pairs`, `clean_checks`: how many were judged; `undecided`: for how many of the pairs
    it is not known whether they agree. `alarms`: clean pairs and checks in which a difference was reported, with its causes.
    `defects`: those in which a known defect of a backend was found and named; they are not counted as clean."""

    ground: str = BUILT_IN
    outcomes: tuple[Scored, ...]
    clean_pairs: int
    clean_checks: int = 0
    undecided: int = 0
    alarms: tuple[str, ...]
    defects: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def faults(self) -> tuple[Scored, ...]:
        """Those that were injected in what runs without them, and that have an effect."""
        return tuple(one for one in self.outcomes if one.ran and not one.without_effect)

    @property
    def without_effect(self) -> tuple[Scored, ...]:
        return tuple(one for one in self.outcomes if one.without_effect)

    @property
    def not_run(self) -> tuple[Scored, ...]:
        """Those of configurations that do not run without a fault either."""
        return tuple(one for one in self.outcomes if not one.ran)


def score(results: Results, faults: Sequence[Injected], ground: str = BUILT_IN) -> Score:
    """`faults`: those that are injected in `results`; every other configuration must be clean."""
    clean = Clean(results)
    return Score(
        ground=ground,
        outcomes=tuple(outcome(results, one) for one in faults),
        clean_pairs=len(clean.pairs),
        clean_checks=len(clean.checks),
        undecided=sum(pair.verdict is Verdict.INCONCLUSIVE for pair in clean.pairs),
        alarms=clean.alarms,
        defects=clean.defects,
        versions=versions(results),
    )


def together(scores: Sequence[Score], ground: str) -> Score:
    """Several self-tests on one ground, of several seeds or models, as one."""
    return Score(
        ground=ground,
        outcomes=tuple(one for score in scores for one in score.outcomes),
        clean_pairs=sum(score.clean_pairs for score in scores),
        clean_checks=sum(score.clean_checks for score in scores),
        undecided=sum(score.undecided for score in scores),
        alarms=tuple(one for score in scores for one in score.alarms),
        defects=tuple(dict.fromkeys(one for score in scores for one in score.defects)),
        versions={name: version for score in scores for name, version in score.versions.items()},
    )


# ---------------------------------------------------------------- one injected fault


def outcome(results: Results, injected: Injected) -> Scored:
    return _Reported(results, injected).scored()


class _Reported:
    """Everything that was reported for one injected fault."""

    def __init__(self, results: Results, injected: Injected) -> None:
        self.results, self.injected = results, injected
        self.faulty, self.clean = plain(injected.configuration), plain(injected.clean)
        both = {self.faulty, self.clean}
        self.pair = next((pair for pair in results.pairs if {pair.a, pair.b} == both), None)

    def scored(self) -> Scored:
        if self.pair is None or self.pair.verdict is Verdict.NOT_RUN:
            reasons = [cause.reason for cause in self.pair.causes] if self.pair else []
            note = " ".join(reasons) if self.pair else f"{self.faulty.id} was compared with nothing"
            note = note.partition("\n")[0]  # the exception that a run ended with may be long
            return Scored(
                injected=self.injected,
                detected=False,
                side=False,
                causes=(),
                place=None,
                size=None,
                note=note,
                ran=self._runs_without_it(),
            )
        return Scored(
            injected=self.injected,
            detected=bool(self.off),
            side=self._right_side(),
            causes=self._causes(),
            place=self._place(),
            size=max(_float64(self.off, OFF), default=None),
            effect=max([*_float64([self.pair]), *self._in_files()], default=None),
        )

    def _runs_without_it(self) -> bool:
        return not any(row.run == self.clean and row.status is not Status.COMPLETE for row in self.results.runs)

    def _in_files(self) -> Iterator[float]:
        """How much farther each file is from its live model than without the fault."""
        before = {(check.form, *key): value for check in self._checks("saved", self.clean) for key, value in _values(check)}
        for check in self._checks("saved"):
            for key, value in _values(check):
                yield abs(value - before.get((check.form, *key), 0.0))

    @cached_property
    def off(self) -> list[Member]:
        """The pair, and checks of the faulty run, as far as they are off where those of the clean run are not."""
        assert self.pair is not None
        found: list[Member] = [self.pair] if self.pair.verdict in OFF else []
        for kind in OF_RUNS:
            before = {(check.form, check.replica): _off(check) for check in self._checks(kind, self.clean)}
            found += [check for check in self._checks(kind) if _off(check) - before.get((check.form, check.replica), set())]
        return found

    def _checks(self, kind: str, run: Run | None = None) -> list[ConsistencyCheck]:
        """Of the faulty run, or of another one."""
        of = run or self.faulty
        return [check for check in self.results.checks if check.run == of and check.kind == kind]

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """Of the faulty run, if it is reported to be off its declaration."""
        return self._diagnosed(self.faulty)

    def _diagnosed(self, run: Run) -> Diagnosis | None:
        known = (one for one in self.results.diagnoses if one.run == run)
        return next(known, None) if any(check.verdict in OFF for check in self._checks("declared", run)) else None

    def _suspected(self, run: Run) -> list[str]:
        diagnosis = self._diagnosed(run)
        return [suspect.name for suspect in diagnosis.suspects if suspect.matches] if diagnosis else []

    def _right_side(self) -> bool:
        """Where the pair names a side, by that; else a check of the faulty run, or a finding, names it."""
        assert self.pair is not None
        if self.pair.side is not None:
            return self.pair.side == self.faulty
        if any(member.runs == (self.faulty,) for member in self.off):
            return True
        reported = {member.id for member in self.off}
        findings = (one for one in self.results.findings if reported & {member.id for member in one.members})
        return any(one.side == self.faulty or self._has_environment(one.environment) for one in findings)

    def _has_environment(self, environment: str) -> bool:
        """Of a fault that the whole environment has, its name is enough."""
        return bool(self.injected.original) and environment == self.faulty.configuration.environment

    def _causes(self) -> tuple[str, ...]:
        """The hypotheses that match, what departs from its definition, and what is known of files: all that is not said of
        the clean run as well."""
        known = self._suspected(self.clean)
        named = [name for name in self._suspected(self.faulty) if name not in known]
        clean = [check for kind in OF_RUNS for check in self._checks(kind, self.clean)]
        before = {cause.kind for check in clean for cause in _all_causes(check)}
        causes = [cause for member in self.off for cause in _all_causes(member) if cause.kind not in before]
        named += [cause.code for cause in causes if cause.code in OF_FILES]
        if self.injected.original:
            named += [words(cause) for cause in causes if cause.subject == self.faulty.configuration.environment]
        return tuple(dict.fromkeys(name for name in named if name != UNKNOWN))

    def _place(self) -> Location | None:
        if self.diagnosis and self.diagnosis.place:
            return _location(self.diagnosis.place)
        pair = self.pair
        if pair is not None and pair.verdict in OFF and pair.place is not None:
            return _location(pair.place)
        for check in () if self.diagnosis else self.off:
            if check.kind == "saved":
                first = next(judged for judged in check.quantities if judged.verdict in OFF)
                return Location(stage="save", tensor=first.worst_tensor)
        return None


def _location(place: Place) -> Location:
    return Location(stage=place.stage, tensor=place.tensor)


def words(cause: Cause) -> str:
    """A cause as a fault expects it: its code, and what departs from its definition."""
    detail = dict(cause.detail)
    return f"{cause.code} {detail['what']} {detail['name']}" if cause.code == Code.DEFINITION else cause.code


def _off(check: ConsistencyCheck) -> set[str]:
    """The quantities that are off; of a check without any, what departs."""
    if check.quantities:
        return {judged.quantity for judged in check.quantities if judged.verdict in OFF}
    return {words(cause) for cause in check.causes} if check.verdict in OFF else set()


def _all_causes(member: Member) -> Iterator[Cause]:
    yield from member.causes
    for judged in member.quantities:
        if judged.verdict in OFF:
            yield from judged.causes


def _values(check: ConsistencyCheck) -> Iterator[tuple[tuple[str, int, str], float]]:
    """(quantity, step, metric) -> the judged distance between float64 runs."""
    for judged in check.quantities:
        for at in judged.distances.at:
            for metric, value in at.float64.items():
                if METRICS[metric].judged:
                    yield (judged.quantity, at.step, metric), value


def _float64(members: Iterable[Member], verdicts: Sequence[Verdict] = tuple(Verdict)) -> Iterator[float]:
    """Every judged distance between float64 runs, of the quantities with such verdicts."""
    for member in members:
        for judged in member.quantities:
            if judged.verdict in verdicts:
                yield from _judged_distances(judged)


def _judged_distances(judged: Judged) -> Iterator[float]:
    if judged.distances.bits:
        yield 0.0
    for at in judged.distances.at:
        yield from (value for metric, value in at.float64.items() if METRICS[metric].judged)


def versions(results: Results) -> dict[str, str]:
    packages = ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy")
    found: dict[str, str] = {}
    for one in results.environments:
        found |= {name: version for name, version in one.packages.items() if name in packages}
    return dict(sorted(found.items()))
