"""Scores the self-test: what was reported for each injected fault and for each clean pair, against what is expected."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from suite.judge import equivalence
from suite.records import Code, ConsistencyCheck, Diagnosis, Member, Pair, Results, Run, Verdict, plain
from suite.selftest.catalogue import DEFECTS, FAULTS, UNKNOWN, Defect
from suite.selftest.plan import Injected

OFF = (Verdict.DIFFERENT, Verdict.INVALID)
OF_FILES = (Code.NOT_SAVED, Code.SAVE_STALE, Code.SAVE_WRONG_REPLICA, Code.SAVE_SWAPPED, Code.SLOTS_NOT_SAVED)
BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, kw_only=True)
class Location:
    """A stage and a tensor, both as fnmatch patterns where they are expected."""

    stage: str
    tensor: str

    def __str__(self) -> str:
        return f"{self.stage} of {self.tensor}" if self.tensor else self.stage


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One injected fault as it was judged. `causes`: the names of all hypotheses that match. `size`: the largest distance
    between float64 runs, from the clean run or from the oracle. `note`: why it has no answer, where it has none."""

    injected: Injected
    detected: bool
    causes: tuple[str, ...]
    place: Location | None
    size: float | None
    note: str = ""

    @property
    def expected_cause(self) -> str:
        return BY_NAME[self.injected.fault].cause

    @property
    def expected_place(self) -> Location:
        fault = BY_NAME[self.injected.fault]
        return Location(stage=fault.stage, tensor=fault.tensor)

    @property
    def right_cause(self) -> bool:
        """The expected one is named, among others that predict the same; or none is, where there is none."""
        return self.expected_cause in (self.causes or (UNKNOWN,))

    @property
    def right_place(self) -> bool:
        expected = self.expected_place
        return (
            self.place is not None
            and fnmatchcase(self.place.stage, expected.stage)
            and fnmatchcase(self.place.tensor, expected.tensor)
        )


@dataclass(frozen=True, kw_only=True)
class Score:
    """A self-test. `alarms`: clean pairs in which a difference was reported, with its cause. `defects`: runs in which
    nothing is injected and a known defect of a backend was found and named, in words; their pairs are not clean ones."""

    outcomes: tuple[Scored, ...]
    clean_pairs: int
    alarms: tuple[str, ...]
    defects: tuple[str, ...]
    versions: Mapping[str, str]


def score(results: Results, faults: Sequence[Injected]) -> Score:
    """`faults`: those that are injected in `results`; every other configuration must be clean."""
    found = defects(results)
    clean, alarms = false_alarms(results, found)
    return Score(
        outcomes=tuple(outcome(results, one) for one in faults),
        clean_pairs=clean,
        alarms=alarms,
        defects=tuple(f"{run.id}: {defect.words}" for run, defect in found.items()),
        versions=versions(results),
    )


def together(scores: Sequence[Score]) -> Score:
    """Several self-tests, of several seeds, as one."""
    return Score(
        outcomes=tuple(one for score in scores for one in score.outcomes),
        clean_pairs=sum(score.clean_pairs for score in scores),
        alarms=tuple(one for score in scores for one in score.alarms),
        defects=tuple(dict.fromkeys(one for score in scores for one in score.defects)),
        versions={name: version for score in scores for name, version in score.versions.items()},
    )


def outcome(results: Results, injected: Injected) -> Scored:
    """What was reported for one injected fault. The faulty run is compared with its clean configuration's."""
    faulty, clean = plain(injected.configuration), plain(injected.clean)
    pair = next((pair for pair in results.pairs if {pair.a, pair.b} == {faulty, clean}), None)
    diagnosis = next((diagnosis for diagnosis in results.diagnoses if diagnosis.run == faulty), None)
    worse = _worse_checks(results, faulty, clean)
    if pair is None or pair.verdict is Verdict.NOT_RUN:
        note = " ".join(cause.reason for cause in pair.causes) if pair else f"{faulty.id} was compared with nothing"
        return Scored(injected=injected, detected=False, causes=(), place=None, size=None, note=note)
    detected = pair.verdict in OFF or bool(worse) or _is_off(diagnosis)
    return Scored(
        injected=injected,
        detected=detected,
        causes=_causes(diagnosis, worse),
        place=_place(diagnosis, worse),
        size=_size(pair, worse),
    )


def _is_off(diagnosis: Diagnosis | None) -> bool:
    return diagnosis is not None and equivalence.differs(diagnosis.distance)


def _worse_checks(results: Results, faulty: Run, clean: Run) -> list[ConsistencyCheck]:
    """Checks of the faulty run that are off in a quantity in which the clean run's are not, with those quantities."""
    before = {(check.kind, check.form, check.replica): _off(check) for check in results.checks if check.run == clean}
    worse = []
    for check in results.checks:
        if check.run == faulty and check.kind != "reloaded":
            new = _off(check) - before.get((check.kind, check.form, check.replica), set())
            quantities = tuple(judged for judged in check.quantities if judged.quantity in new)
            worse += [replace(check, quantities=quantities)] if new else []
    return worse


def _off(check: ConsistencyCheck) -> set[str]:
    return {judged.quantity for judged in check.quantities if judged.verdict in OFF}


def _causes(diagnosis: Diagnosis | None, worse: Sequence[ConsistencyCheck]) -> tuple[str, ...]:
    """The names of the hypotheses that match, and what is known of files."""
    suspects = diagnosis.suspects if diagnosis else ()
    named = [suspect.name for suspect in suspects if not equivalence.differs(suspect.distance)]
    judged = [judged for check in worse for judged in check.quantities if judged.verdict in OFF]
    named += [cause.code for one in judged for cause in one.causes if cause.code in OF_FILES]
    return tuple(dict.fromkeys(named))


def _place(diagnosis: Diagnosis | None, worse: Sequence[ConsistencyCheck]) -> Location | None:
    if diagnosis and diagnosis.place:
        return Location(stage=diagnosis.place.stage, tensor=diagnosis.place.tensor)
    for check in worse:
        if check.kind == "saved" and not _is_off(diagnosis):
            first = next(judged for judged in check.quantities if judged.verdict in OFF)
            return Location(stage="save", tensor=first.worst_tensor)
    return None


def _size(pair: Pair, worse: Sequence[ConsistencyCheck]) -> float | None:
    members: list[Member] = [pair, *worse]
    distances = [
        value
        for member in members
        for judged in member.quantities
        if judged.verdict in OFF
        for at in judged.distances.at
        for value in at.float64.values()
    ]
    return max(distances, default=None)


def defects(results: Results) -> dict[Run, Defect]:
    """The clean runs that are off as a known defect of their backend makes them: by its hypothesis, or as the unstable side
    of a pair."""
    named = [
        (diagnosis.run, cause) for diagnosis in results.diagnoses if _is_off(diagnosis) for cause in _causes(diagnosis, ())
    ]
    named += [(pair.side, cause.code) for pair in results.pairs if pair.side for cause in pair.causes]
    return {run: defect for run, cause in named if _clean(run) for defect in DEFECTS if _has(run, defect, cause)}


def _has(run: Run, defect: Defect, cause: str) -> bool:
    configuration = run.configuration
    return (configuration.scenario, cause) == (defect.scenario, defect.cause) and configuration.strategy in defect.strategies


def false_alarms(results: Results, known: Container[Run] = ()) -> tuple[int, tuple[str, ...]]:
    """How many clean pairs were compared, and in which of them, or of their runs, a difference was reported. Those of
    `known` runs, which have a defect of their own, are not clean."""
    clean = [pair for pair in results.pairs if all(map(_clean, pair.runs)) and pair.verdict is not Verdict.NOT_RUN]
    pairs = [pair for pair in clean if not any(run in known for run in pair.runs)]
    alarms = [f"{pair.id}: {'; '.join(cause.identity for cause in pair.causes)}" for pair in pairs if pair.verdict in OFF]
    alarms += [
        f"{diagnosis.run.id}: {diagnosis.distance:.1e} from its oracle"
        for diagnosis in results.diagnoses
        if _clean(diagnosis.run) and diagnosis.run not in known and _is_off(diagnosis)
    ]
    return len(pairs), tuple(alarms)


def _clean(run: Run) -> bool:
    """Whether nothing, or something that is no fault, is injected in it."""
    return run.configuration.fault not in BY_NAME


def versions(results: Results) -> dict[str, str]:
    """The version of each package of Keras, the backends and NumPy that the results were made with."""
    packages = ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy")
    found: dict[str, str] = {}
    for one in results.environments:
        found |= {name: version for name, version in one.packages.items() if name in packages}
    return dict(sorted(found.items()))
