"""One run compared with itself: live against saved, saved against reloaded, replica against replica, run against
declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from suite import compare
from suite.artifacts import names
from suite.artifacts.store import Complete
from suite.compare.run_folder import RunFolder
from suite.explain import declarations, diagnoses, saving
from suite.judge import equivalence, verdicts
from suite.records import (
    REASON,
    Cause,
    Code,
    Comparison,
    Configuration,
    ConsistencyCheck,
    DamagedArtifact,
    Diagnosis,
    Judged,
    Status,
    Verdict,
    because,
    plain,
)

Side = compare.Snapshot | tuple[Status, str]  # a snapshot, or why there is none


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What a check compares: two sides, of the plain run and of its float64 run, and what is known of each side's oracle."""

    kind: str
    environment: str
    sides: Sequence[Side]
    doubles: Sequence[Side] = ()
    declared: Mapping[str, str] = field(default_factory=dict)
    oracles: tuple[float | None, float | None] = (None, None)
    off: tuple[tuple[Cause, ...], tuple[Cause, ...]] = ((), ())
    form: str = ""
    replica: int = 0


def checks(
    folder: RunFolder, compared: Mapping[Configuration, Comparison | str], known: Mapping[Configuration, Diagnosis]
) -> Iterator[ConsistencyCheck]:
    """Every configuration with a plain run, in all its checks."""
    environments = list(dict.fromkeys(run.configuration.environment for run in folder.plan.runs))
    for scenario in folder.scenarios():
        for configuration in folder.configurations(scenario):
            subject = folder.subject(configuration)
            if isinstance(subject, str):
                continue
            diagnosis = known.get(configuration)
            yield _declared(folder, configuration, compared.get(configuration, "it was not compared"), diagnosis)
            for sides in _sides(folder, configuration, subject, diagnosis, environments):
                yield _check(configuration, subject, sides)


def _declared(
    folder: RunFolder, configuration: Configuration, found: Comparison | str, diagnosis: Diagnosis | None
) -> ConsistencyCheck:
    """The float64 run against the oracle of what the strategy declares."""
    oracle = folder.oracle_of(configuration)
    judged: tuple[Judged, ...] = ()
    causes: tuple[Cause, ...]
    if isinstance(found, str):
        verdict, causes = Verdict.NOT_RUN, (because(Code.NOT_RUN, found),)
    else:
        judged = verdicts.judge_declared(found, diagnoses.causes(diagnosis))
        verdict, causes = verdicts.worst(judged)
    return ConsistencyCheck(
        run=plain(configuration),
        kind="declared",
        environment=oracle.configuration.environment if oracle else "",
        verdict=verdict,
        causes=causes,
        quantities=judged,
    )


def _sides(
    folder: RunFolder,
    configuration: Configuration,
    subject: compare.Subject,
    diagnosis: Diagnosis | None,
    environments: Sequence[str],
) -> Iterator[Sides]:
    own = configuration.environment
    home = {form: _files(folder, configuration, subject, own, form) for form in names.MODEL_FILES}
    live = diagnosis.distance if diagnosis else None
    for form, (file, double) in home.items():
        sides = [_live(subject.plain), file]
        doubles = [_live(subject.float64), double] if subject.float64 else []
        yield Sides(
            kind="saved",
            environment=own,
            form=form,
            sides=sides if form == names.KERAS_FILE else _without_optimizer(sides),
            doubles=doubles if form == names.KERAS_FILE else _without_optimizer(doubles),
            declared=declarations.within(folder.declared(configuration), "saved"),
            oracles=(live, _file_distance(double, subject)),
            off=(diagnoses.causes(diagnosis), _file_causes(file, subject)),
        )
    form = names.KERAS_FILE
    for environment in environments:
        if environment != own and not configuration.fault:  # a injected fault's file is loaded at home only
            file, double = _files(folder, configuration, subject, environment, form)
            # What a run that is off left in its file is no measure of who loads it.
            misloads = () if equivalence.differs(live) else (Cause(code=Code.LOADED_WRONGLY, subject=environment),)
            yield Sides(
                kind="reloaded",
                environment=environment,
                form=form,
                sides=_without_optimizer([home[form][0], file]),
                doubles=_without_optimizer([home[form][1], double]) if subject.float64 else (),
                oracles=(_file_distance(home[form][1], subject), _file_distance(double, subject)),
                off=((), misloads),
            )
    for index in range(1, subject.plain[1].replicas):
        yield Sides(
            kind="replica",
            environment=own,
            replica=index,
            sides=_replicas(subject.plain, index),
            doubles=_replicas(subject.float64, index) if subject.float64 else (),
            declared=declarations.within(folder.declared(configuration), "replica"),
            oracles=(live, live),
            off=(diagnoses.causes(diagnosis), diagnoses.causes(diagnosis)),
        )


def _live(found: Complete) -> compare.Snapshot:
    return replace(compare.trained(*found, found[1].steps[-1]), losses=0)  # no file holds losses


def _files(
    folder: RunFolder, configuration: Configuration, subject: compare.Subject, environment: str, form: str
) -> tuple[Side, Side]:
    """The plain run's file and its float64 run's, as loaded in the environment."""
    run = plain(configuration)
    double: Side = (Status.FAILED, subject.no_float64)
    if subject.float64:
        double = folder.reloaded(plain(configuration, "float64"), environment, form, subject.float64[1])
    return folder.reloaded(run, environment, form, subject.plain[1]), double


def _file_distance(double: Side, subject: compare.Subject) -> float | None:
    """How far a float64 run's file is from what its strategy declares that it holds: the oracle's file, or, where
    training amplifies rounding so that no oracle can follow it, the live model's first replica; the smaller. None if
    neither can be compared."""
    if not isinstance(double, compare.Snapshot) or subject.float64 is None or subject.oracle is None or subject.no_float64:
        return None
    try:
        found = compare.file_distances(double, subject.oracle, subject.outputs)
        distances = [verdicts.oracle_distance(Comparison(distances=found))]
        distances.append(compare.first_replica_distance(double, subject.float64, subject.outputs))
    except (DamagedArtifact, ValueError):
        return None
    return min((one for one in distances if one is not None), default=None)


def _file_causes(file: Side, subject: compare.Subject) -> tuple[Cause, ...]:
    try:
        return saving.causes(*subject.plain, file) if isinstance(file, compare.Snapshot) else ()
    except DamagedArtifact:
        return ()


def _replicas(found: Complete, index: int) -> Sequence[Side]:
    return compare.replica(*found, 0), compare.replica(*found, index)


def _without_optimizer(sides: Sequence[Side]) -> list[Side]:
    """model.weights.h5 does not hold the optimizer, and a model loaded elsewhere, with compile=False, has none."""
    return [replace(side, slots="") if isinstance(side, compare.Snapshot) else side for side in sides]


def _check(configuration: Configuration, subject: compare.Subject, compared: Sides) -> ConsistencyCheck:
    judged: tuple[Judged, ...] = ()
    causes: tuple[Cause, ...]
    missing = [side for side in compared.sides if not isinstance(side, compare.Snapshot)]
    snapshots, float64_runs = (
        [side for side in both if isinstance(side, compare.Snapshot)] for both in (compared.sides, compared.doubles)
    )
    if missing:
        verdict, causes = Verdict.NOT_RUN, (_missing(*missing[0]),)
    else:
        try:
            float64_pair = (float64_runs[0], float64_runs[1]) if len(float64_runs) == 2 else None
            comparison = compare.check((snapshots[0], snapshots[1]), float64_pair, subject, declared=compared.declared)
            decide = verdicts.judge_saved if compared.kind == "saved" else verdicts.judge
            environments = configuration.environment, compared.environment
            judged = decide(replace(comparison, oracles=compared.oracles, off=compared.off, environments=environments))
            verdict, causes = verdicts.worst(judged)
        except (DamagedArtifact, ValueError) as error:
            verdict, causes = Verdict.NOT_RUN, (because(Code.NOT_RUN, str(error)),)
    return ConsistencyCheck(
        run=plain(configuration),
        kind=compared.kind,
        environment=compared.environment,
        verdict=verdict,
        causes=causes,
        form=compared.form,
        replica=compared.replica,
        quantities=judged,
    )


def _missing(status: Status, reason: str) -> Cause:
    code = Code.UNSUPPORTED if status is Status.UNSUPPORTED else Code.NOT_RUN
    return Cause(code=code, detail=(("status", status.value), (REASON, reason)))
