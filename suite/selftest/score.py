"""What was said of each injected fault, against what must be said; and what was said of what is no fault."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from suite.explain import saving
from suite.judge.equivalence import SAME_SEMANTICS
from suite.judge.verdicts import UNSAVED, UNSTABLE
from suite.records import ConsistencyCheck, Diagnosis, Pair, Results, Verdict, plain
from suite.selftest.catalogue import DEFECTS, FAULTS, UNKNOWN, Defect
from suite.selftest.plan import Injected

OFF = (Verdict.DIFFERENT, Verdict.INVALID)
OF_FILES = {UNSAVED: UNSAVED, **saving.CAUSES}  # name of a cause to how its words begin
BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stage and a tensor, both as fnmatch patterns where they are expected."""

    stage: str
    tensor: str

    def __str__(self) -> str:
        return f"{self.stage} of {self.tensor}" if self.tensor else self.stage


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One injected fault as it was judged. `causes`: the names of all hypotheses that match. `size`: the largest float64 run distance
    from the clean run, or from the oracle. `note`: why it has no answer, where it has none."""

    injected: Injected
    detected: bool
    causes: tuple[str, ...]
    place: Place | None
    size: float | None
    note: str = ""

    @property
    def expected_cause(self) -> str:
        return BY_NAME[self.injected.fault].cause

    @property
    def expected_place(self) -> Place:
        fault = BY_NAME[self.injected.fault]
        return Place(stage=fault.stage, tensor=fault.tensor)

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
    """A self-test. `alarms`: what was said of clean pairs, in words. `defects`: runs in which nothing is injected and a known
    defect of a backend was found and named, in words; their pairs are not clean ones."""

    outcomes: tuple[Outcome, ...]
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
        defects=tuple(f"{run}: {defect.words}" for run, defect in found.items()),
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


def outcome(results: Results, injected: Injected) -> Outcome:
    faulty, clean = (plain(one).id for one in (injected.configuration, injected.clean))
    pair = next((one for one in results.pairs if {one.a, one.b} == {faulty, clean}), None)
    diagnosis = next((one for one in results.diagnoses if one.run == faulty), None)
    worse = _worse_checks(results, faulty, clean)
    if pair is None or pair.verdict is Verdict.NOT_RUN:
        note = pair.cause if pair else f"{faulty} was compared with nothing"
        return Outcome(injected=injected, detected=False, causes=(), place=None, size=None, note=note)
    detected = pair.verdict in OFF or bool(worse) or _is_off(diagnosis)
    return Outcome(
        injected=injected,
        detected=detected,
        causes=_causes(diagnosis, worse),
        place=_place(diagnosis, worse),
        size=_size(pair, worse),
    )


def _is_off(diagnosis: Diagnosis | None) -> bool:
    return diagnosis is not None and diagnosis.distance is not None and diagnosis.distance >= SAME_SEMANTICS


def _worse_checks(results: Results, faulty: str, clean: str) -> list[ConsistencyCheck]:
    """Checks of the faulty run that are off in a quantity in which the clean run's are not, with those quantities."""
    before = {(one.kind, one.form, one.replica): _off(one) for one in results.checks if one.run == clean}
    worse = []
    for one in results.checks:
        if one.run == faulty and one.kind != "reloaded":
            new = _off(one) - before.get((one.kind, one.form, one.replica), set())
            quantities = tuple(judged for judged in one.quantities if judged.quantity in new)
            worse += [replace(one, quantities=quantities)] if new else []
    return worse


def _off(one: ConsistencyCheck) -> set[str]:
    return {judged.quantity for judged in one.quantities if judged.verdict in OFF}


def _causes(diagnosis: Diagnosis | None, worse: Sequence[ConsistencyCheck]) -> tuple[str, ...]:
    suspects = diagnosis.suspects if diagnosis else ()
    named = [one.name for one in suspects if one.distance < SAME_SEMANTICS]
    said = [judged.cause for check in worse for judged in check.quantities if judged.verdict in OFF]
    named += [name for cause in said for name, words in OF_FILES.items() if cause.startswith(words)]
    return tuple(dict.fromkeys(named))


def _place(diagnosis: Diagnosis | None, worse: Sequence[ConsistencyCheck]) -> Place | None:
    if diagnosis and diagnosis.place:
        return Place(stage=diagnosis.place.stage, tensor=diagnosis.place.tensor)
    for check in worse:
        if check.kind == "saved" and not _is_off(diagnosis):
            first = next(one for one in check.quantities if one.verdict in OFF)
            return Place(stage="save", tensor=first.worst_tensor)
    return None


def _size(pair: Pair, worse: Sequence[ConsistencyCheck]) -> float | None:
    sides: list[Pair | ConsistencyCheck] = [pair, *worse]
    float64_runs = [
        value
        for one in sides
        for judged in one.quantities
        if judged.verdict in OFF
        for at in judged.distances.at
        for value in at.float64.values()
    ]
    return max(float64_runs, default=None)


def defects(results: Results) -> dict[str, Defect]:
    """The clean runs that are off as a known defect of their backend makes them: by its hypothesis, or as the unstable side of a
    pair."""
    named = [(one.run, cause) for one in results.diagnoses if _is_off(one) for cause in _causes(one, ())]
    named += [(one.side, one.cause) for one in results.pairs if one.side and one.cause == UNSTABLE]
    return {run: defect for run, cause in named if _clean(run) for defect in DEFECTS if _has(run, defect, cause)}


def _has(run: str, defect: Defect, cause: str) -> bool:
    scenario, _, driven, _ = run.split("/")
    return (scenario, cause) == (defect.scenario, defect.cause) and driven.rpartition("-x")[0] in defect.strategies


def false_alarms(results: Results, known: Container[str] = ()) -> tuple[int, tuple[str, ...]]:
    """How many clean pairs were compared, and which of them, or of their runs, were called off. Those of `known` runs, which
    have a defect of their own, are not clean."""
    clean = [one for one in results.pairs if _clean(one.a) and _clean(one.b) and one.verdict is not Verdict.NOT_RUN]
    pairs = [one for one in clean if one.a not in known and one.b not in known]
    alarms = [f"{one.a} | {one.b}: {one.cause}" for one in pairs if one.verdict in OFF]
    alarms += [
        f"{one.run}: {one.distance:.1e} from its oracle"
        for one in results.diagnoses
        if _clean(one.run) and one.run not in known and _is_off(one)
    ]
    return len(pairs), tuple(alarms)


def _clean(run: str) -> bool:
    """Whether nothing, or something that is no fault, is injected in it."""
    injected = run.split("/")[2].partition("+")[2].rpartition("-x")[0]
    return injected not in BY_NAME


def versions(results: Results) -> dict[str, str]:
    packages = ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy")
    found: dict[str, str] = {}
    for one in results.environments:
        found |= {name: version for name, version in one.packages.items() if name in packages}
    return dict(sorted(found.items()))
