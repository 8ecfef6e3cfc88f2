"""One run seen another way: live against saved, saved against reloaded, replica against replica, run against declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from suite import compare
from suite.artifacts import names
from suite.artifacts.store import Complete
from suite.compare.run_folder import Reader
from suite.explain import declarations, diagnoses, saving
from suite.judge import verdicts
from suite.records import (
    Comparison,
    Configuration,
    ConsistencyCheck,
    DamagedArtifact,
    Diagnosis,
    Judged,
    Status,
    Verdict,
    plain,
)

Side = compare.Snapshot | tuple[Status, str]  # a moment, or why there is none


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a check compares: two sides, of the plain run and of its float64 run, and what is known of each side's oracle."""

    kind: str
    environment: str
    sides: Sequence[Side]
    doubles: Sequence[Side] = ()
    declared: str = ""
    oracles: tuple[float | None, float | None] = (None, None)
    off: tuple[str, str] = ("", "")
    form: str = ""
    replica: int = 0


def checks(
    reader: Reader, compared: Mapping[Configuration, Comparison | str], known: Mapping[Configuration, Diagnosis]
) -> Iterator[ConsistencyCheck]:
    """Every configuration with a plain run, in all its checks."""
    environments = list(dict.fromkeys(run.configuration.environment for run in reader.plan.runs))
    for scenario in reader.scenarios():
        for configuration in reader.configurations(scenario):
            subject = reader.subject(configuration)
            if isinstance(subject, str):
                continue
            diagnosis = known.get(configuration)
            yield _declared(reader, configuration, compared.get(configuration, "it was not compared"), diagnosis)
            for sight in _sights(reader, configuration, subject, diagnosis, environments):
                yield _check(configuration, subject, sight)


def _declared(
    reader: Reader, configuration: Configuration, found: Comparison | str, diagnosis: Diagnosis | None
) -> ConsistencyCheck:
    """The float64 run against the oracle of what the strategy declares."""
    oracle = reader.oracle_of(configuration)
    judged: tuple[Judged, ...] = ()
    if isinstance(found, str):
        verdict, cause = Verdict.NOT_RUN, found
    else:
        judged = verdicts.judge_declared(found, diagnoses.words(diagnosis))
        verdict, cause = verdicts.worst(judged)
    return ConsistencyCheck(
        run=plain(configuration).id,
        scenario=configuration.scenario,
        kind="declared",
        environment=oracle.configuration.environment if oracle else "",
        verdict=verdict,
        cause=cause,
        quantities=judged,
    )


def _sights(
    reader: Reader,
    configuration: Configuration,
    subject: compare.Subject,
    diagnosis: Diagnosis | None,
    environments: Sequence[str],
) -> Iterator[Sight]:
    own = configuration.environment
    home = {form: _files(reader, configuration, subject, own, form) for form in names.MODEL_FILES}
    live = diagnosis.distance if diagnosis else None
    for form, (file, double) in home.items():
        sides = [_live(subject.plain), file]
        doubles = [_live(subject.float64), double] if subject.float64 else []
        yield Sight(
            kind="saved",
            environment=own,
            form=form,
            sides=sides if form == names.KERAS_FILE else _without_optimizer(sides),
            doubles=doubles if form == names.KERAS_FILE else _without_optimizer(doubles),
            declared=declarations.within(reader.declared(configuration), "saved"),
            oracles=(live, _file_distance(double, subject)),
            off=(diagnoses.words(diagnosis), _file_cause(file, subject)),
        )
    form = names.KERAS_FILE
    for environment in environments:
        if environment != own and not configuration.fault:  # a injected fault's file is loaded at home only
            file, double = _files(reader, configuration, subject, environment, form)
            yield Sight(
                kind="reloaded",
                environment=environment,
                form=form,
                sides=_without_optimizer([home[form][0], file]),
                doubles=_without_optimizer([home[form][1], double]) if subject.float64 else (),
                oracles=(_file_distance(home[form][1], subject), _file_distance(double, subject)),
                off=("", f"{saving.LOADED} by {environment}"),
            )
    for index in range(1, subject.plain[1].replicas):
        yield Sight(
            kind="replica",
            environment=own,
            replica=index,
            sides=_replicas(subject.plain, index),
            doubles=_replicas(subject.float64, index) if subject.float64 else (),
            declared=declarations.within(reader.declared(configuration), "replica"),
            oracles=(live, live),
            off=(diagnoses.words(diagnosis), diagnoses.words(diagnosis)),
        )


def _live(found: Complete) -> compare.Snapshot:
    return replace(compare.trained(*found, found[1].steps[-1]), losses=0)  # no file holds losses


def _files(
    reader: Reader, configuration: Configuration, subject: compare.Subject, environment: str, form: str
) -> tuple[Side, Side]:
    """The plain run's file and its float64 run's, as loaded in the environment."""
    run = plain(configuration)
    double: Side = (Status.FAILED, subject.no_float64)
    if subject.float64:
        double = reader.reloaded(plain(configuration, "float64"), environment, form, subject.float64[1])
    return reader.reloaded(run, environment, form, subject.plain[1]), double


def _file_distance(double: Side, subject: compare.Subject) -> float | None:
    """How far a float64 run's file is from what its strategy declares that it holds: the oracle's file, or, where training amplifies
    rounding so that no oracle can follow it, the live model's first replica; the smaller. None if neither can be compared."""
    if not isinstance(double, compare.Snapshot) or subject.float64 is None or subject.oracle is None or subject.no_float64:
        return None
    try:
        found = compare.file_distances(double, subject.oracle, subject.outputs)
        distances = [verdicts.oracle_distance(Comparison(distances=found))]
        distances.append(compare.first_replica_distance(double, subject.float64, subject.outputs))
    except (DamagedArtifact, ValueError):
        return None
    return min((one for one in distances if one is not None), default=None)


def _file_cause(file: Side, subject: compare.Subject) -> str:
    try:
        return saving.cause(*subject.plain, file) if isinstance(file, compare.Snapshot) else ""
    except DamagedArtifact:
        return ""


def _replicas(found: Complete, index: int) -> Sequence[Side]:
    return compare.replica(*found, 0), compare.replica(*found, index)


def _without_optimizer(sides: Sequence[Side]) -> list[Side]:
    """model.weights.h5 does not hold the optimizer, and a model loaded elsewhere, with compile=False, has none."""
    return [replace(side, slots="") if isinstance(side, compare.Snapshot) else side for side in sides]


def _check(configuration: Configuration, subject: compare.Subject, sight: Sight) -> ConsistencyCheck:
    judged: tuple[Judged, ...] = ()
    missing = [side for side in sight.sides if not isinstance(side, compare.Snapshot)]
    snapshots, float64_runs = (
        [side for side in both if isinstance(side, compare.Snapshot)] for both in (sight.sides, sight.doubles)
    )
    if missing:
        status, reason = missing[0]
        verdict, cause = Verdict.NOT_RUN, f"{status.value}: {reason}"
    else:
        try:
            float64_pair = (float64_runs[0], float64_runs[1]) if len(float64_runs) == 2 else None
            comparison = compare.check((snapshots[0], snapshots[1]), float64_pair, subject, declared=sight.declared)
            decide = verdicts.judge_saved if sight.kind == "saved" else verdicts.judge
            judged = decide(replace(comparison, oracles=sight.oracles, off=sight.off))
            verdict, cause = verdicts.worst(judged)
        except (DamagedArtifact, ValueError) as error:
            verdict, cause = Verdict.NOT_RUN, str(error)
    return ConsistencyCheck(
        run=plain(configuration).id,
        scenario=configuration.scenario,
        kind=sight.kind,
        environment=sight.environment,
        verdict=verdict,
        cause=cause,
        form=sight.form,
        replica=sight.replica,
        quantities=judged,
    )
