"""What the difference of a check can be composed of: what a strategy declares, what the file holds, and who loads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import declarations, predicting, saving
from suite.explain.composition import Composition
from suite.judge import composing, equivalence
from suite.records import Cause, Code, Component, Configuration, DamagedArtifact, Link, Status, plain

Side = compare.Snapshot | tuple[Status, str]  # a snapshot, or why there is none
Load = tuple[str, Side]  # an environment, and what it loaded

COMPUTED = (compare.PREDICTIONS, compare.EVALUATION)  # anew by whoever loads a file
STATE = (compare.WEIGHTS, compare.STATISTICS, compare.OTHER)
ENOUGH = 1.0  # the distance of a part that explains whatever it is about: it was looked for bit by bit


def saved_by_design(
    folder: RunFolder, configuration: Configuration, subject: compare.Subject, double: Side
) -> Iterator[Component]:
    """Where each replica predicts with its own state and the file holds the first one's: by how much that differs."""
    semantics, environment = folder.declared(configuration), configuration.environment
    if not declarations.saved(semantics, False, ()):
        return
    if subject.oracle is None or subject.no_float64:
        yield Component(link=Link.DECLARATION, environment=environment, missing=subject.no_oracle or subject.no_float64)
        return
    sides = _live_and_file(subject.oracle)
    statistics, state = _predicted_with(subject.oracle, sides, subject.outputs)
    cause = _by_design(declarations.saved(semantics, bool(statistics), state))
    if _is_first_replica(double, subject):
        # Nothing has grown in between, however chaotic the training was: the file is what is declared.
        known = dict.fromkeys(COMPUTED, ENOUGH)
        emulated = _emulated(environment, cause, *sides, (compare.EVALUATION,), subject.outputs)
        yield replace(emulated, distances={**known, **emulated.distances})
        return
    yield _emulated(environment, cause, *sides, COMPUTED, subject.outputs)


def _by_design(declared: declarations.Difference) -> Cause:
    return Cause(code=Code.BY_DESIGN, detail=tuple(sorted(declared.items())))


def _live_and_file(oracle: Complete) -> tuple[compare.Snapshot, compare.Snapshot]:
    """What an oracle says of the live model at its end, and of its file."""
    return compare.trained(*oracle, oracle[1].steps[-1]), compare.emulated_file(*oracle)


def _predicted_with(
    oracle: Complete, sides: tuple[compare.Snapshot, compare.Snapshot], outputs: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The moving statistics and the other variables that each replica predicts with for itself, in the oracle: none, where
    its live model and its file predict the same."""
    predicted = compare.judged(compare.PREDICTIONS, *sides, outputs)
    if predicted is not None and not equivalence.differs(predicted):
        return (), ()
    return own_state(oracle, compare.STATISTICS), own_state(oracle, compare.OTHER)


def own_state(oracle: Complete, quantity: str) -> tuple[str, ...]:
    """The names of the variables that some replica of an oracle has with a different value than the first one."""
    first, *others = (compare.replica(*oracle, index).arrays(quantity) or {} for index in range(oracle[1].replicas))
    return tuple(
        name
        for name, value in first.items()
        if any(equivalence.differs(metrics.state({name: value}, {name: other[name]})) for other in others if name in other)
    )


def replica_by_design(
    folder: RunFolder, configuration: Configuration, subject: compare.Subject, index: int
) -> Iterator[Component]:
    """Where each replica has its own moving statistics, or other state: how far apart they are in the oracle."""
    semantics, environment = folder.declared(configuration), configuration.environment
    if not declarations.replicas(semantics, compare.STATISTICS, ()):
        return
    if subject.oracle is None or subject.no_float64:
        yield Component(link=Link.DECLARATION, environment=environment, missing=subject.no_oracle or subject.no_float64)
        return
    sides = compare.replica(*subject.oracle, 0), compare.replica(*subject.oracle, index)
    for quantity in STATE:
        declared = declarations.replicas(semantics, quantity, own_state(subject.oracle, quantity))
        if declared:
            yield _emulated(environment, _by_design(declared), *sides, (quantity,), subject.outputs)


def _emulated(
    environment: str, cause: Cause, a: compare.Snapshot, b: compare.Snapshot, quantities: Sequence[str], outputs: str
) -> Component:
    """How far the two are apart in the oracle."""
    measured = {quantity: compare.judged(quantity, a, b, outputs) for quantity in quantities}
    distances = {quantity: value for quantity, value in measured.items() if value is not None}
    return Component(link=Link.DECLARATION, environment=environment, distances=distances, causes=(cause,))


def _is_first_replica(double: Side, subject: compare.Subject) -> bool:
    if not isinstance(double, compare.Snapshot) or subject.float64 is None:
        return False
    try:
        distance = compare.first_replica_distance(double, subject.float64, subject.outputs)
    except (DamagedArtifact, ValueError):
        return False
    return distance is not None and not equivalence.differs(distance)


def predicted(configuration: Configuration, environment: str, composition: Composition) -> Component:
    """Why the same file predicts differently where the whole state is equal: the two backends compute differently, or one
    of them does not compute what it declares, by more than float32 rounds if that is enough. What differs in training alone
    explains no prediction."""
    backends = composition.backends[configuration.scenario]
    sides = [backends.alone.get(name) for name in (configuration.environment, environment)]
    strategies = [composition.strategy(one) for one in sides if one is not None]
    causes = [part.causes for part in strategies if max(part.distances.values(), default=0.0) >= equivalence.OTHER_SEMANTICS]
    if backends.agreement.differ(configuration.environment, environment):
        known_of_both = backends.parting(configuration.environment, environment).causes
        causes.append(tuple(cause for cause in known_of_both if predicting.acts(cause)))
    rounded = composing.united(part.causes for part in strategies)  # by less than float32 rounds
    known = composing.united(causes) or rounded or (Cause(code=Code.UNKNOWN),)
    if all(cause.code == Code.UNKNOWN for cause in known):
        odd = predicting.odd_of(composition.folder, configuration, (configuration.environment, environment))
        known = (_misloaded(composition.folder, backends.alone[odd.subject]) or (odd,)) if odd is not None else known
    return Component(link=Link.BACKEND, environment=environment, distances={compare.PREDICTIONS: ENOUGH}, causes=known)


def _misloaded(folder: RunFolder, configuration: Configuration) -> tuple[Cause, ...]:
    """What layers lose where this configuration's environment loads its own file: it loses the same from files of others."""
    subject = folder.subject(configuration)
    if isinstance(subject, str):
        return ()
    run, manifest = subject.plain
    loaded = folder.reloaded(plain(configuration), configuration.environment, names.KERAS_FILE, manifest)
    if not isinstance(loaded, compare.Snapshot):
        return ()
    return tuple(one for one in saving.layers(compare.live(run, manifest), loaded) if one.code == Code.LOADED_DIFFERENTLY)


# ---------------------------------------------------------------- what is wrong with a file


def of_file(subject: compare.Subject, file: Load, elsewhere: Iterable[Load]) -> tuple[Cause, ...]:
    """Why a run's file, loaded where it was saved, is not the live model; empty if that is none of the known ways.
    `elsewhere`: the same file in other environments."""
    _, loaded = file
    if not isinstance(loaded, compare.Snapshot):
        return ()
    try:
        found = saving.causes(*subject.plain, loaded)
        found = found or composing.united(misloading(subject, file, other) for other in elsewhere)
        return found or saving.altered(*subject.plain, loaded)
    except DamagedArtifact:
        return ()


def of_resumed(subject: compare.Subject, file: Load) -> Iterator[tuple[Cause, ...]]:
    """Why training does not go on from a run's file as in the live model: what it holds, and what it is compiled with."""
    yield of_file(subject, file, ())
    if not isinstance(file[1], compare.Snapshot):
        return
    run, manifest = subject.plain
    live, start = compare.live(run, manifest), compare.trained(run, manifest, 0)
    for code, lost in ((Code.NOT_SAVED, compare.unsaved), (Code.RENEWED, compare.renewed)):
        yield composing.not_saved(lost(start, live, file[1]), code)
    if layers := compare.drawing_elsewhere(subject.plain):
        yield (Cause(code=Code.UNSEEDED, subject=file[0], detail=tuple(("layer", layer) for layer in layers)),)
    yield saving.compiled(live, file[1])
    yield saving.layers(live, file[1])


def held(
    environment: str,
    apart: Mapping[str, Collection[str]],
    causes: tuple[Cause, ...],
    compiled: tuple[Cause, ...],
    predictions: tuple[Cause, ...],
    evaluated: tuple[Cause, ...],
) -> Iterator[Component]:
    """What the file holds, of the quantities that are `apart` (each with its tensors that are): because of these causes;
    what is computed, because of those of the `predictions`; what it evaluates to, because of those `evaluated`, too; and
    beyond the state, because of what the file is compiled with."""
    known = {
        compare.PREDICTIONS: predictions,
        compare.EVALUATION: composing.united((predictions, compiled, evaluated)),
        compare.COMPILED: compiled,
    }
    for quantity, tensors in apart.items():
        found = known.get(quantity) or tuple(cause for cause in causes if _tells(cause, tensors))
        found = found or (Cause(code=Code.UNKNOWN),)
        yield Component(link=Link.FILE, environment=environment, distances={quantity: ENOUGH}, causes=found)


def _tells(cause: Cause, tensors: Collection[str]) -> bool:
    """Whether it is about one of these tensors: of other numbers in a file, only those that it names."""
    named = {name for what, name in cause.detail if what == "tensor"}
    return cause.code != Code.SAVE_ALTERED or not named.isdisjoint(tensors)


def misloading(subject: compare.Subject, *loads: Load) -> tuple[Cause, ...]:
    """Who misloads a file that two environments load as different states: whose tensors, of those that the two do not have
    in common, are not the live model's, where the other's are. Empty if neither is shown to."""
    manifest = subject.plain[1]
    try:
        live = subject.plain[0].arrays(names.step(manifest.steps[-1]))
        states = {name: side.artifact.arrays(side.state) for name, side in loads if isinstance(side, compare.Snapshot)}
    except DamagedArtifact:
        return ()
    wrong: set[str] = set()
    for tensor in live:
        right = {name for name, state in states.items() if tensor in state and metrics.bits(state[tensor], live[tensor])}
        wrong |= set(states) - right if right else set()
    return tuple(Cause(code=Code.LOADED_WRONGLY, subject=name) for name in sorted(wrong))


def relevant(parts: tuple[Component, ...], kind: str, apart: Sequence[str]) -> tuple[Component, ...]:
    """The parts without what cancels in a check of this kind, where these quantities are `apart`: a file holds what training
    left, right or wrong. What a strategy does wrong can show in live predictions, and between replicas."""
    if kind == "replica":
        return parts
    kept = []
    for part in parts:
        quantities = [name for name in part.distances if part.link is Link.FILE or name in COMPUTED]
        if kind == "reloaded" and part.link is Link.BACKEND and compare.PREDICTIONS in apart:
            quantities = []  # the file was loaded with a different state, which explains it
        kept.append(replace(part, distances={name: part.distances[name] for name in quantities}))
    return tuple(kept)
