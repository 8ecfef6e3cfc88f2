"""One run compared with itself: live against saved, saved against reloaded, replica against replica, run against
declaration; and its layers, loss and update against their independent definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare.run_folder import RunFolder
from suite.explain import compiled_steps, definitions, diagnoses, kept_metrics, non_finite, saving
from suite.explain.backends import Backends
from suite.explain.composition import Composition
from suite.explain.definitions import Departure, Held
from suite.explain.products import Precision
from suite.judge import composing, verdicts
from suite.judge.limits import UNSTABLE_STATES
from suite.records import (
    REASON,
    SHARED_AVERAGES,
    UNCOMPILED,
    Cause,
    Code,
    Comparison,
    Component,
    Configuration,
    ConsistencyCheck,
    DamagedArtifact,
    Judged,
    Link,
    Products,
    Status,
    Verdict,
    because,
    plain,
)
from suite.results import check_parts
from suite.results.check_parts import Side

GATHERED = "gradients-accumulated"  # the hypothesis of what no file holds: gradients that a live model still has


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What a check compares: two sides, of the plain run and of its float64 run, and what a difference of the two can be
    composed of. `file`: what is known of the file, where one of them is a file."""

    kind: str
    environment: str
    sides: Sequence[Side]
    doubles: Sequence[Side] = ()
    parts: tuple[Component, ...] = ()
    file: tuple[Cause, ...] = ()
    form: str = ""
    replica: int = 0
    products: tuple[Products | None, Products | None] = (None, None)


def _products(configuration: Configuration, sides: Sides, precision: Precision) -> tuple[Products | None, Products | None]:
    """How both sides compute products, where the file is loaded in a different environment."""
    if sides.kind != "reloaded":
        return None, None
    return precision.of(configuration), precision.of(replace(configuration, environment=sides.environment))


def checks(folder: RunFolder, composition: Composition, precision: Precision) -> Iterator[ConsistencyCheck]:
    """Every configuration with a plain run, in all its checks. `precision`: how environments compute products."""
    environments = list(dict.fromkeys(run.configuration.environment for run in folder.plan.runs))
    for scenario in folder.scenarios():
        for configuration in folder.configurations(scenario):
            subject = folder.subject(configuration)
            if isinstance(subject, str):
                continue
            backends = composition.backends[scenario]
            yield _lost(_declared(folder, configuration, composition), backends)
            for sides in _sides(folder, configuration, subject, composition, environments):
                whole = replace(sides, products=_products(configuration, sides, precision))
                made = _check(configuration, _with_reruns(folder, subject, configuration, sides), whole)
                yield _lost(made, backends)
            if configuration.devices > 1 and SHARED_AVERAGES in subject.plain[1].facts:
                yield _shared_averages(configuration)
        backends = composition.backends[scenario]
        recorded = {name: backends.held(name) for name in backends.alone if folder.asked(backends.layerwise(name))}
        for environment, held in recorded.items():
            others = [other for name, other in recorded.items() if name != environment and not other.missing]
            yield _defined(backends.alone[environment], held, others)


def _lost(check: ConsistencyCheck, backends: Backends) -> ConsistencyCheck:
    """With the backend that reaches NaN or infinity, if others do not."""
    names = non_finite.lost(backends, [check.run.configuration.environment])
    causes = (replace(one, subject=names[0]) if one.code == Code.NON_FINITE and names else one for one in check.causes)
    return replace(check, causes=tuple(causes))


def _shared_averages(configuration: Configuration) -> ConsistencyCheck:
    """What the run's own fact says: on several devices, no model is trained on."""
    return ConsistencyCheck(
        run=plain(configuration),
        kind="resumed",
        environment=configuration.environment,
        form=names.KERAS_FILE,
        verdict=Verdict.DIFFERENT,
        causes=(Cause(code=Code.SHARED_AVERAGES, subject=configuration.environment),),
    )


def _with_reruns(folder: RunFolder, subject: compare.Subject, configuration: Configuration, sides: Sides) -> compare.Subject:
    """Where a file is loaded in another environment: also with what that one's reruns show of layers that compute in float32
    in a float64 run, if its own were not asked for."""
    other = folder.alone(configuration.scenario, sides.environment) if sides.kind == "reloaded" else None
    found = folder.subject(other) if other is not None and not subject.perturbed else ""
    return subject if isinstance(found, str) else replace(subject, perturbed=found.perturbed, cache={})


def _declared(folder: RunFolder, configuration: Configuration, composition: Composition) -> ConsistencyCheck:
    """The float64 run against the oracle of what the strategy declares."""
    oracle, found = folder.oracle_of(configuration), composition.declared.get(configuration, "it was not compared")
    judged: tuple[Judged, ...] = ()
    causes: tuple[Cause, ...]
    if isinstance(found, str):
        verdict, causes = Verdict.NOT_RUN, (because(_unemulated(folder, configuration, found), found),)
    else:
        found = replace(found, environments=(configuration.environment,) * 2)
        judged = verdicts.judge_declared(found, composition.suspected(configuration))
        verdict, causes = verdicts.worst(judged)
    return ConsistencyCheck(
        run=plain(configuration),
        kind="declared",
        environment=oracle.configuration.environment if oracle else "",
        verdict=verdict,
        causes=causes,
        quantities=judged,
    )


def _unemulated(folder: RunFolder, configuration: Configuration, reason: str) -> Code:
    """On one device, there is no strategy to check: what no oracle can emulate there is unsupported. On several, it leaves
    the strategy unchecked. What an oracle emulates and does not predict is unchecked everywhere."""
    oracle = folder.oracle_of(configuration)
    refused = oracle is not None and folder.row(oracle).status is Status.UNSUPPORTED
    emulated = reason == diagnoses.UNEMULATED
    return Code.UNSUPPORTED if refused and configuration.devices == 1 and not emulated else Code.NOT_RUN


def _defined(configuration: Configuration, held: Held, others: Sequence[Held]) -> ConsistencyCheck:
    """Its layers, loss and update against their independent definitions. What departs in all `others` alike is about none of
    them: it is one cause, wherever it was recorded."""
    departures = definitions.without_repeats([one for one in held.departures if not one.narrow])
    undefined = Cause(code=Code.UNDEFINED, detail=tuple(("layer", name) for name, _ in held.undefined))
    causes: tuple[Cause, ...] = (undefined,) if held.undefined else ()
    if held.missing:
        verdict, causes = Verdict.NOT_RUN, (because(Code.NOT_RUN, held.missing),)
    elif departures:
        verdict, causes = Verdict.DIFFERENT, composing.united([[_departs(one, others) for one in departures]])
    else:
        verdict = Verdict.ROUNDING if held.defined else Verdict.INCONCLUSIVE
    return ConsistencyCheck(
        run=plain(configuration),
        kind="defined",
        environment=configuration.environment,
        verdict=verdict,
        causes=causes,
    )


def _departs(departure: Departure, others: Sequence[Held]) -> Cause:
    found = definitions.cause(departure)
    everywhere = all(any(departure.is_alike(one) for one in other.departures) for other in others)
    return replace(found, subject="") if others and everywhere else found


def _sides(
    folder: RunFolder,
    configuration: Configuration,
    subject: compare.Subject,
    composition: Composition,
    environments: Sequence[str],
) -> Iterator[Sides]:
    own = configuration.environment
    forms = names.forms(subject.plain[1], own=True)
    home = {form: _files(folder, configuration, subject, own, form) for form in forms}
    # An injected fault's file is loaded at home only.
    others = [name for name in environments if name != own and not configuration.fault]
    elsewhere = {name: _files(folder, configuration, subject, name, names.KERAS_FILE) for name in others}
    loads = [(name, file) for name, (file, _) in elsewhere.items()]
    strategy = composition.strategy(configuration)
    evaluated = subject.float64 is not None or subject.plain[1].replicas == 1
    for form, (file, double) in home.items():
        yield Sides(
            kind="saved",
            environment=own,
            form=form,
            sides=_held(form, [compare.live(*subject.plain), file], evaluated=evaluated),
            doubles=_held(form, [compare.live(*subject.float64), double]) if subject.float64 else (),
            parts=(strategy, *check_parts.saved_by_design(folder, configuration, subject, double)),
            file=check_parts.of_file(subject, (own, file), loads if form == names.KERAS_FILE else ()),
        )
    at_home = home[names.KERAS_FILE]
    if names.has(subject.plain[1], names.RESUMED) or subject.plain[1].after_saving:
        gathered = tuple(cause for cause in strategy.causes if cause.code == GATHERED)
        yield _resumed(folder, configuration, subject, at_home[0], gathered)
    for environment, (file, double) in elsewhere.items():
        yield Sides(
            kind="reloaded",
            environment=environment,
            form=names.KERAS_FILE,
            sides=_held("", [at_home[0], file]),
            doubles=_held("", [at_home[1], double]) if subject.float64 else (),
            parts=(check_parts.predicted(configuration, environment, composition),),
            file=check_parts.misloading(subject, (own, at_home[0]), (environment, file)),
        )
    for index in range(1, subject.plain[1].replicas):
        yield Sides(
            kind="replica",
            environment=own,
            replica=index,
            sides=_replicas(subject.plain, index),
            doubles=_replicas(subject.float64, index) if subject.float64 else (),
            parts=(strategy, strategy, *check_parts.replica_by_design(folder, configuration, subject, index)),
        )


def _resumed(
    folder: RunFolder, configuration: Configuration, subject: compare.Subject, file: Side, gathered: tuple[Cause, ...]
) -> Sides:
    """The live model that goes on training, and what was loaded from its file. `gathered`: that the live model holds
    gradients of earlier steps."""
    saved, doubled = plain(configuration), plain(configuration, "float64")
    doubles: Sequence[Side] = ()
    if subject.float64 and names.has(subject.float64[1], names.RESUMED):
        double, manifest = subject.float64
        doubles = [compare.resumed(double, manifest, manifest), folder.resumed(doubled, manifest)]
    run, manifest = subject.plain
    live: Side = compare.resumed(run, manifest, manifest)
    if manifest.after_saving:
        live = Status.UNSUPPORTED, f"the live model cannot be evaluated and trained further: {manifest.after_saving}"
    loaded = folder.resumed(saved, manifest)
    anew = compiled_steps.of_resumed(configuration.environment, subject.plain, loaded)
    return Sides(
        kind="resumed",
        environment=configuration.environment,
        form=names.KERAS_FILE,
        sides=[live, loaded],
        doubles=doubles,
        file=composing.united([*check_parts.of_resumed(subject, (configuration.environment, file)), gathered, anew]),
    )


def _files(
    folder: RunFolder, configuration: Configuration, subject: compare.Subject, environment: str, form: str
) -> tuple[Side, Side]:
    """The plain run's file and its float64 run's, as loaded in the environment."""
    run = plain(configuration)
    double: Side = (Status.FAILED, subject.no_float64)
    if subject.float64:
        double = folder.reloaded(plain(configuration, "float64"), environment, form, subject.float64[1])
    return folder.reloaded(run, environment, form, subject.plain[1]), double


def _replicas(found: Complete, index: int) -> Sequence[Side]:
    return compare.replica(*found, 0), compare.replica(*found, index)


def _held(form: str, sides: Sequence[Side], *, evaluated: bool = True) -> list[Side]:
    """The sides with what both can have when a file is loaded in this form. A whole model loaded at home has everything. Its
    weights bring the optimizer, if that is built. What is loaded elsewhere, or from a legacy file, is not compiled, and
    neither is a model whose `compile` is its own. What
    several replicas evaluated is added up in another order: without float64 runs (not `evaluated`) that says nothing."""
    found = []
    bare = any(isinstance(side, compare.Snapshot) and UNCOMPILED in side.manifest.facts for side in sides)
    for side in sides:
        if isinstance(side, compare.Snapshot) and bare:
            side = replace(side, slots="", evaluation="", compiled="")
        if isinstance(side, compare.Snapshot) and form != names.KERAS_FILE:
            slots = side.slots if form == names.WEIGHTS_FILE else ""
            predictions = side.predictions if form != names.UNBUILT else ""
            side = replace(side, slots=slots, predictions=predictions, evaluation="", compiled="")
        if isinstance(side, compare.Snapshot) and not evaluated:
            side = replace(side, evaluation="")
        found.append(side)
    return found


# ---------------------------------------------------------------- one check


def _check(configuration: Configuration, subject: compare.Subject, compared: Sides) -> ConsistencyCheck:
    judged: tuple[Judged, ...] = ()
    causes: tuple[Cause, ...]
    missing = [side for side in compared.sides if not isinstance(side, compare.Snapshot)]
    if missing:
        verdict, causes = Verdict.NOT_RUN, (_missing(*missing[0]),)
    else:
        try:
            judged = _judged(_compared(configuration, subject, compared))
            verdict, causes = _finite(subject, *verdicts.worst(judged))
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


def _finite(subject: compare.Subject, verdict: Verdict, causes: tuple[Cause, ...]) -> composing.Decision:
    """Of a run that reached NaN or infinity, what cannot be compared has that reason, wherever it shows."""
    step = compare.first_non_finite(subject.plain) if verdict in (Verdict.INVALID, Verdict.INCONCLUSIVE) else None
    if step is None:
        return verdict, causes
    return Verdict.INVALID, (Cause(code=Code.NON_FINITE, evidence=(("step", float(step)),)),)


def _judged(comparison: Comparison) -> tuple[Judged, ...]:
    """What is expected comes first: a run with a fault of its own still saves by design what it saves by design. Its fault
    is reported by itself, and is a cause here where nothing else explains the difference."""
    expected = tuple(part for part in comparison.components if part.link is not Link.STRATEGY)
    first = verdicts.judge(replace(comparison, components=expected))
    every = verdicts.judge(comparison)
    return tuple(
        other if any(cause.code == Code.UNKNOWN for cause in one.causes) else one
        for one, other in zip(first, every, strict=True)
    )


def _compared(configuration: Configuration, subject: compare.Subject, compared: Sides) -> Comparison:
    snapshots, float64_runs = (
        [side for side in both if isinstance(side, compare.Snapshot)] for both in (compared.sides, compared.doubles)
    )
    float64_pair = (float64_runs[0], float64_runs[1]) if len(float64_runs) == 2 else None
    comparison = compare.check((snapshots[0], snapshots[1]), float64_pair, subject)
    if compared.kind == "resumed":
        # Training moves both on: what was lost is told of the file.
        shared = SHARED_AVERAGES in subject.plain[1].facts
        comparison = replace(comparison, unsaved=(), renewed=(), shared_averages=shared)
    equal = {one.quantity: one.bits for one in comparison.distances}
    same_state = all(equal.get(quantity, True) for quantity in check_parts.STATE[:2]) and _only_counters(comparison)
    # A file that holds a different state explains whatever it then predicts; one that does not explains nothing.
    compiled = saving.compiled(*snapshots)
    lost = composing.lost((compare.STATISTICS, compare.WEIGHTS, compare.OTHER), comparison)
    state = tuple(one for one in lost if not one.of_seeds)
    altered = all(one.code == Code.SAVE_ALTERED for one in compared.file)
    state = composing.united([compared.file, state]) if altered else compared.file
    predictions = saving.predictions(snapshots[0], snapshots[1], state)
    computed = check_parts.COMPUTED if subject.plain[1].replicas > 1 and not compiled else (compare.PREDICTIONS,)
    alike = same_state or saving.predicts_alike(*snapshots)
    unexplained = computed if alike and not predictions else ()
    tensors = {one.quantity: {tensor.name for tensor in one.tensors if not tensor.bits} for one in comparison.distances}
    if compared.kind == "resumed":  # training carries what one tensor holds into all others
        tensors = dict.fromkeys(tensors, set().union(*tensors.values()))
    apart = {quantity: tensors[quantity] for quantity, bits in equal.items() if not bits and quantity not in unexplained}
    evaluated = kept_metrics.causes(subject.plain[1], tensors.get(compare.EVALUATION, ()))
    of_file = check_parts.held(compared.environment, apart, compared.file, compiled, predictions, evaluated)
    if compared.kind == "resumed" and float64_pair is None:
        # Training has rounded since: without float64 runs, what differs is the file's only if its cause is known.
        of_file = (part for part in of_file if any(cause.code != Code.UNKNOWN for cause in part.causes))
    parts = (*compared.parts, *of_file) if compared.kind != "replica" else compared.parts
    return replace(
        comparison,
        components=check_parts.relevant(parts, compared.kind, list(apart)),
        environments=(configuration.environment, compared.environment),
        products=compared.products,
        # With an equal state, a prediction is a single step from a common state.
        stepped=UNSTABLE_STATES if same_state else 0,
    )


def _only_counters(comparison: Comparison) -> bool:
    """Whether all other state that differs are seeds and counters, which no prediction reads."""
    known = {*comparison.renewed, *comparison.unsaved}
    others = (one for one in comparison.distances if one.quantity == compare.OTHER)
    return all(tensor.bits or tensor.name in known for one in others for tensor in one.tensors)


def _missing(status: Status, reason: str) -> Cause:
    code = Code.UNSUPPORTED if status is Status.UNSUPPORTED else Code.NOT_RUN
    return Cause(code=code, detail=(("status", status.value), (REASON, reason)))
