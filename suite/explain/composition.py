"""What the difference of two configurations is composed of.

    run ── strategy ── oracle of its declaration ── declaration ── oracle of one device
                                                                        │ backend
    run ── strategy ── oracle of its declaration ── declaration ── oracle of one device

Where both declare something for their replicas, and only what becomes of the losses is different, the way goes through
what the second declares, emulated in the environment of the first: so two backends are compared over replicas, too.

Each part is measured in float64 by itself, and has its own causes. So one defect of a backend is one cause wherever it
takes part, and a declared difference stays one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite import compare
from suite.artifacts.artifact import Complete
from suite.compare import single_step
from suite.compare.run_folder import RunFolder
from suite.explain import (
    compiled_steps,
    corners,
    declarations,
    diagnoses,
    fitted_metrics,
    further_runs,
    kept_metrics,
    known_defects,
    over_replicas,
    own_rows,
)
from suite.explain.backends import Backends, Parting
from suite.explain.rounds import Matched
from suite.judge import composing, equivalence
from suite.records import (
    SINGLE_STEP,
    Cause,
    Code,
    Comparison,
    Component,
    Configuration,
    DamagedArtifact,
    Diagnosis,
    Emulation,
    Link,
    Place,
    Run,
    Semantics,
    plain,
)

Measured = Comparison | str


class Composition:
    """The parts of every pair. `declared`: every configuration against its oracle, or why not; `known`: what is known of
    those that are off, `rounds`: with which deviations, one after another; `backends`: by scenario."""

    def __init__(
        self,
        folder: RunFolder,
        declared: Mapping[Configuration, Measured],
        known: Mapping[Configuration, Diagnosis],
        rounds: Mapping[Configuration, tuple[Matched, ...]],
        backends: Mapping[str, Backends],
    ) -> None:
        self.folder, self.declared, self.known, self.rounds, self.backends = folder, declared, known, rounds, backends
        self._declarations: dict[Configuration, Component | None] = {}

    def between(self, a: Configuration, b: Configuration) -> tuple[Component, ...]:
        """The parts on the way from one configuration to the other. Two that declare the same for as many devices need no
        oracle of one device between them. What both do differently from their declarations in the same way is no part of
        the way."""
        if (shared := self._shared(a, b)) is not None:
            return shared
        alike = (a.devices, self.folder.declared(a)) == (b.devices, self.folder.declared(b))
        between = self._reduced_differently(a, b)
        apart = [self.declaration(a), self.declaration(b)] if between is None else [between]
        declarations, over_replicas = [] if alike else apart, alike or between is not None
        parts = [self.strategy(a), *declarations, self.backend(a, b, over_replicas=over_replicas), self.strategy(b)]
        return tuple(part for part in parts if part is not None)

    def _reduced_differently(self, a: Configuration, b: Configuration) -> Component | None:
        """From the oracle of the first to that of what the second declares, in the environment of the first. None where they
        differ in something else than in what becomes of their replicas' losses, or where that was not planned. What was
        planned and is not there is missing: it could show a difference."""
        mine, other = self.folder.declared(a), self.folder.declared(b)
        if a.environment == b.environment or a.devices != b.devices or mine == other:
            return None
        if Semantics() in (mine, other) or replace(mine, gradients=other.gradients) != other:
            return None
        runs = [self.folder.oracle_of(a), self.folder.planned_oracle(a, b.devices, Emulation(semantics=other))]
        if None in runs:
            return None
        cause = Cause(code=Code.BY_DESIGN, detail=(("losses", mine.gradients), ("other losses", other.gradients)))
        return self._between_oracles(a, runs, (cause,))

    def _shared(self, a: Configuration, b: Configuration) -> tuple[Component, ...] | None:
        """The parts where both deviate alike from what they declare, as with a training step of the model's own: over the
        emulations with that deviation. None where they do not, or where one of these was not run."""
        first, second = (self.rounds.get(one, ()) for one in (a, b))
        common = [one for one, other in zip(first, second, strict=False) if one.names & other.names]
        if not common:
            return None
        last = len(common) - 1
        emulated = [self.folder.further(one[last].run) for one in (first, second)]
        sides = [self.folder.complete(plain(one, "float64")) for one in (a, b)]
        subjects = [self.folder.subject(one) for one in (a, b)]
        runs = [found for found in (*emulated, *sides) if not isinstance(found, str)]
        if len(runs) < 4 or any(isinstance(one, str) for one in subjects):
            return None
        unshared = [self._unshared(one, common) for one in (a, b)]
        found = []
        for side, subject in enumerate(subjects):
            measured = compare.float64_runs(subject, runs[2 + side], runs[side])  # type: ignore[arg-type]
            found.append(_component(Link.STRATEGY, (a, b)[side].environment, measured, unshared[side]))
        between = compare.float64_runs(subjects[0], runs[0], runs[1])  # type: ignore[arg-type]
        if a.environment == b.environment:
            cause = self._by_design(b if b.devices > a.devices else a, (runs[0], runs[1]))
            middle = _component(Link.DECLARATION, b.environment, between, (cause,))
        else:
            parting = self.backends[a.scenario].parting(a.environment, b.environment)
            middle = _component(Link.BACKEND, parting.off, between, parting.causes)
        return found[0], middle, found[1]

    def _unshared(self, configuration: Configuration, common: list[Matched]) -> tuple[Cause, ...]:
        names = frozenset().union(*(one.names for one in common))
        causes = self.suspected(configuration)
        rest = tuple(cause for cause in causes if cause.code not in names)
        return rest or (Cause(code=Code.UNKNOWN, subject=configuration.environment),)

    def strategy(self, configuration: Configuration) -> Component:
        """From the run to the oracle of what it declares."""
        environment, found = configuration.environment, self.declared.get(configuration, "it was not compared")
        if isinstance(found, str):
            return Component(link=Link.STRATEGY, environment=environment, missing=found)
        causes = self.suspected(configuration)
        causes = causes or (Cause(code=Code.UNKNOWN, subject=environment),)
        return _component(Link.STRATEGY, environment, found, causes, self._unevaluated(configuration))

    def suspected(self, configuration: Configuration) -> tuple[Cause, ...]:
        """Why the run is not what its strategy declares: hypotheses that predict it; where they leave something, calls that
        depart from their definitions there; with the known defects that these are. Empty if nothing is known."""
        found, diagnosis = self._suspected(configuration), self.known.get(configuration)
        if diagnosis is None or diagnosis.place is None:
            return found
        elsewhere = [one for other, one in self.known.items() if _is_elsewhere(other, configuration)]
        shared = frozenset(cause.code for one in elsewhere for cause in diagnoses.causes(one))
        return known_defects.named(self.folder, configuration, found, diagnosis.place, shared)

    def _suspected(self, configuration: Configuration) -> tuple[Cause, ...]:
        diagnosis = self.known.get(configuration)
        causes = diagnoses.causes(diagnosis)
        if diagnosis is None or (causes and diagnosis.remaining is None):
            return causes
        place, environment = diagnosis.remaining or diagnosis.place, configuration.environment
        backends = self.backends[configuration.scenario]
        departing = backends.departing_at(environment, place)
        if not departing:
            departing = corners.of_run(backends.held(environment), place, self._departing(configuration))
        known = [cause for cause in causes if cause.code != Code.UNKNOWN]
        if departing or known:
            return composing.united([known, departing]) if departing else causes
        subject, declared = self.folder.subject(configuration), self.declared[configuration]
        whole = not isinstance(subject, str) and not isinstance(declared, str)
        kept = kept_metrics.of_run(subject.plain[1], declared) if whole else ()  # type: ignore[union-attr, arg-type]
        return kept or compiled_steps.of_run(self.folder, configuration) or causes

    def _departing(self, configuration: Configuration) -> list[str]:
        """The states from which one step of the run parts from one of what it declares."""
        own = self._complete_step(Run(configuration=configuration, variation=SINGLE_STEP, precision="float64"))
        declared = self._step(self.folder.oracle_of(configuration))
        if own is None or declared is None:
            return []
        stages = single_step.stage_distances(own, declared)
        apart = equivalence.SAME_SEMANTICS
        return [state for state, found in stages.items() if state.isdigit() and any(one.value >= apart for one in found)]

    def declaration(self, configuration: Configuration) -> Component | None:
        """From the oracle of a declaration to that of one device; None where they are the same one."""
        if configuration not in self._declarations:
            self._declarations[configuration] = self._declaration(configuration)
        return self._declarations[configuration]

    def _declaration(self, configuration: Configuration) -> Component | None:
        several, one = self._oracles(configuration)
        if several == one:
            return None
        return self._between_oracles(configuration, (several, one))

    def _between_oracles(
        self, configuration: Configuration, oracles: Sequence[Run | None], causes: tuple[Cause, ...] = ()
    ) -> Component:
        """From one oracle in the configuration's environment to another one there. `causes`: of a difference; what of its
        declaration makes it, where none are given."""
        link, environment = Link.DECLARATION, configuration.environment
        runs = [self.folder.complete(run) if run else "no oracle was planned" for run in oracles]
        subject = self.folder.subject(configuration)
        for found in (*runs, subject):
            if isinstance(found, str):
                return Component(link=link, environment=environment, missing=f"no oracle: {found}")
        try:
            measured = compare.float64_runs(subject, *runs)  # type: ignore[arg-type]
        except (DamagedArtifact, ValueError) as error:
            return Component(link=link, environment=environment, missing=str(error))
        causes = causes or (self._by_design(configuration, runs),)  # type: ignore[arg-type]
        return _component(link, environment, measured, causes, self._unevaluated(configuration))

    def _by_design(self, configuration: Configuration, runs: tuple[Complete, Complete]) -> Cause:
        """What of the declaration makes the difference: only what the place agrees with."""
        place = self.declared_place(configuration)
        normalizing = [norm.name for norm in runs[0][1].batch_norms if norm.trainable]
        fields = declarations.effective(self.folder.declared(configuration), place, normalizing)
        if "batch statistics" in fields and self._divides_loss(configuration):
            fields |= {"loss": "each replica's own"}
        if "batch statistics" in fields and (layers := self._on_own_rows(configuration.scenario, normalizing)):
            fields |= {"own rows": ", ".join(layers)}
        return Cause(code=Code.BY_DESIGN, detail=tuple(sorted(fields.items())))

    def _on_own_rows(self, scenario: str, normalizing: Sequence[str]) -> tuple[str, ...]:
        """Layers that compute something else on a part of the batch, too, as far as their calls were recorded."""
        every = self.backends[scenario].alone.values()
        recorded = [self.folder.further(further_runs.layerwise(one)) for one in every]
        return next((own_rows.dependent(one, normalizing) for one in recorded if not isinstance(one, str)), ())

    def declared_place(self, configuration: Configuration) -> Place | None:
        """Where one step of what it declares parts from one step on one device; None where that was not run."""
        steps = [self._step(run) for run in self._oracles(configuration)]
        if any(step is None for step in steps):
            return None
        return single_step.first(single_step.stage_distances(*steps), equivalence.SAME_SEMANTICS)  # type: ignore[arg-type]

    def _divides_loss(self, configuration: Configuration) -> bool:
        """Whether the loss in parts is another one, with statistics of the whole batch as well: one step says so."""
        several, one = self._oracles(configuration)
        alone = with_global_statistics(several) if several else None
        steps = [self._complete_step(run) for run in (alone, one and single_step_of(one))]
        if any(step is None for step in steps):
            return False
        return single_step.first(single_step.stage_distances(*steps), equivalence.SAME_SEMANTICS) is not None  # type: ignore[arg-type]

    def _oracles(self, configuration: Configuration) -> tuple[Run | None, Run | None]:
        return self.folder.oracle_of(configuration), self.folder.planned_oracle(configuration, 1, Emulation())

    def _step(self, oracle: Run | None) -> Complete | None:
        return self._complete_step(oracle and single_step_of(oracle))

    def _complete_step(self, step: Run | None) -> Complete | None:
        found = self.folder.further(step) if step else ""
        return None if isinstance(found, str) else found

    def backend(self, a: Configuration, b: Configuration, *, over_replicas: bool) -> Component | None:
        """From the oracle in one environment to the same in the other; None within one environment. `over_replicas`: to the
        one of what the second declares, if it was run in both."""
        if a.environment == b.environment:
            return None
        backends, environments = self.backends[a.scenario], (a.environment, b.environment)
        # A training step of the model's own is in no oracle that does not predict what it does.
        emulated = not any(isinstance(self.declared.get(one, ""), str) for one in (a, b))
        found = backends.agreement.measured(*environments, emulated=emulated)
        if over_replicas:
            emulation = Emulation(semantics=self.folder.declared(b))
            over = backends.agreement.measured(*environments, b.devices, emulation, emulated=emulated)
            found = found if isinstance(over, str) else over
        if isinstance(found, str):
            return Component(link=Link.BACKEND, environment=b.environment, missing=" and ".join(environments) + f": {found}")
        parting = self.parting(a, b)
        part = _component(Link.BACKEND, parting.off, found, parting.causes, self._unevaluated(a, b))
        # Other weights give other metrics: these are a difference of their own only if nothing else differs.
        strategies = [value for one in (a, b) for value in self.strategy(one).distances.values()]
        alike = not any(equivalence.differs(value) for value in (*part.distances.values(), *strategies))
        return (alike and fitted_metrics.component(self.folder, a.scenario, *environments)) or part

    def parting(self, a: Configuration, b: Configuration) -> Parting:
        """What is known of the difference of their two environments: on one device, or else over replicas alone."""
        backends = self.backends[a.scenario]
        return over_replicas.parting(backends, a, b) or backends.parting(a.environment, b.environment)

    def _unevaluated(self, *configurations: Configuration) -> str:
        """Why an oracle of theirs has no evaluation; empty if all have one, or none was to have one."""
        oracles = [run for one in configurations for run in self._oracles(one) if run]
        found = [one for run in oracles if not isinstance(one := self.folder.complete(run), str)]
        reason = next((manifest.after_saving for _, manifest in found if manifest.after_saving), "")
        return reason and f"an oracle could not evaluate: {reason}"


def _is_elsewhere(one: Configuration, other: Configuration) -> bool:
    """Whether it is the same model in a different environment."""
    return one.scenario == other.scenario and one.environment != other.environment


def single_step_of(oracle: Run) -> Run:
    """The single steps of the same oracle."""
    return replace(oracle, variation=SINGLE_STEP)


def with_global_statistics(oracle: Run) -> Run | None:
    """Single steps of the same replicas with batch normalization over the whole batch: only the loss is in parts. None where
    the oracle emulates no statistics of replicas."""
    semantics = oracle.emulates.semantics if oracle.emulates else Semantics()
    if semantics.batch_statistics == "global":
        return None
    return replace(single_step_of(oracle), emulates=Emulation(semantics=Semantics(gradients=semantics.gradients)))


def _component(
    link: Link, environment: str, found: Comparison, causes: tuple[Cause, ...], unevaluated: str = ""
) -> Component:
    """`causes` count where a distance is no rounding. `unevaluated`: why neither side may have an evaluation."""
    apart = {one.quantity: equivalence.apart_of(one, found) for one in found.distances}
    distances = {quantity: value for quantity, value in apart.items() if value is not None}
    unknown = [one.quantity for one in found.distances if apart[one.quantity] is None]
    reason = found.no_float64 or next((one.invalid for one in found.distances if one.invalid), "")
    missing = (reason or "its own rounding has grown too far to tell") if unknown or found.no_float64 else ""
    if not missing and compare.EVALUATION not in distances:
        missing = unevaluated
    off = any(equivalence.differs(value) for value in distances.values())
    return Component(
        link=link,
        environment=environment,
        distances={} if found.no_float64 else distances,
        causes=composing.united([causes]) if off else (),
        missing=missing,
    )
