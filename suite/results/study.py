"""A run folder to results: every planned run, every pair, every check, judged. Reads artifacts; runs nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from suite import compare
from suite.artifacts.store import Complete, Store
from suite.compare import single_step
from suite.compare.run_folder import Reader
from suite.explain import (
    answer,
    declarations,
    diagnoses,
    findings,
    fingerprint,
    float32_steps,
    further_runs,
    magnitudes,
    repeat_command,
)
from suite.explain.inquiry import inquiries
from suite.judge import equivalence, verdicts
from suite.records import (
    ORACLE,
    SINGLE_STEP,
    Comparison,
    Configuration,
    DamagedArtifact,
    Diagnosis,
    Floats,
    Known,
    Magnitude,
    Pair,
    Place,
    Plan,
    Results,
    Run,
    Session,
    Verdict,
    plain,
)
from suite.results import accepted as accepting
from suite.results.checks import checks

Sides = tuple[Configuration, Configuration]


class Study:
    """A run folder, measured. When further runs are there, only what they touch is measured again."""

    def __init__(self, store: Store, plan: Plan, session: Session) -> None:
        self.reader = Reader(store, plan, session)
        self._pairs: dict[Sides, Comparison | str] = {}
        self._declared: dict[Configuration, Comparison | str] = {}

    def renew(self, session: Session) -> None:
        """Takes a later session of the same plan."""
        changed = self.reader.renew(session)
        self._pairs = {sides: found for sides, found in self._pairs.items() if changed.isdisjoint(sides)}
        self._declared = {one: found for one, found in self._declared.items() if one not in changed}

    def pairs(self) -> Mapping[Sides, Comparison | str]:
        """Every pair of configurations of every scenario, measured, or why not."""
        for scenario in self.reader.scenarios():
            for sides in combinations(self.reader.configurations(scenario), 2):
                if sides not in self._pairs and _belong_together(*sides):
                    self._pairs[sides] = _pair(self.reader, *sides)
        return self._pairs

    def declared(self) -> Mapping[Configuration, Comparison | str]:
        """Every configuration with a plain run, measured against the oracle of its declaration, or why not."""
        for scenario in self.reader.scenarios():
            for configuration in self.reader.configurations(scenario):
                subject = self.reader.subject(configuration)
                if not isinstance(subject, str) and configuration not in self._declared:
                    self._declared[configuration] = diagnoses.compared(subject)
        return self._declared

    def further_runs(self) -> list[Run]:
        """What would decide or explain what is open, as far as is known now."""
        declared = {one: found for one, found in self.declared().items() if not isinstance(found, str)}
        settled = {one: found for one, found in declared.items() if further_runs.settled(found)}
        asked = [run for run in self._oracle_steps() if not self.reader.asked(run)]
        asked += [run for inquiry in inquiries(self.reader, settled) for run in inquiry.further()]
        wanted = further_runs.further_runs(self.pairs(), declared)
        return list(dict.fromkeys([*wanted, *float32_steps.oracle_steps(self.reader, wanted), *asked]))

    def _oracle_steps(self) -> list[Run]:
        """One step of every oracle, in scenarios that have several: they show where declarations part."""
        oracles = [run for run in self.reader.plan.runs if run.variation == ORACLE]
        scenarios = [run.configuration.scenario for run in oracles if run.emulates != oracles[0].emulates]
        return [replace(run, variation=SINGLE_STEP) for run in oracles if run.configuration.scenario in scenarios]

    def _places(self, judged: Sequence[Pair]) -> dict[tuple[str, str], Place]:
        """(a, b) -> where the oracles of what they declare first differ, or where one side's kernel is unstable."""
        found = {}
        for a, b in self._pairs:
            first, second = (self._oracle_step(side) for side in (a, b))
            if self.reader.declared(a) != self.reader.declared(b) and first and second:
                place = single_step.first(single_step.stage_distances(first, second), equivalence.SAME_SEMANTICS)
                if place is not None:
                    found[plain(a).id, plain(b).id] = place
        return found | dict(self._unstable_places(judged))

    def _unstable_places(self, judged: Sequence[Pair]) -> Iterator[tuple[tuple[str, str], Place]]:
        """(a, b) -> where the unstable kernel of one side shows first, where it is the cause."""
        for pair, found in zip(judged, self._pairs.values(), strict=True):
            unstable = None if isinstance(found, str) else verdicts.unstable(found)
            if unstable is not None and pair.cause == verdicts.UNSTABLE:
                yield (pair.a, pair.b), unstable.place

    def _steps(self, judged: Sequence[Pair]) -> dict[str, str]:
        """Pair, as findings name it -> what single float32 steps say of its cause."""
        return {
            findings.identity(pair): said
            for pair, found in zip(judged, self._pairs.values(), strict=True)
            if not isinstance(found, str) and (said := float32_steps.words(found, pair))
        }

    def _oracle_step(self, configuration: Configuration) -> Complete | None:
        oracle = self.reader.oracle_of(configuration)
        found = self.reader.further(replace(oracle, variation=SINGLE_STEP)) if oracle else ""
        return None if isinstance(found, str) else found

    def _magnitudes(self, judged: Sequence[Pair]) -> dict[str, tuple[Magnitude, ...]]:
        """Pair, as findings name it -> how large it is."""
        seeds: dict[str, Floats] = {}
        for scenario in self.reader.scenarios():
            subjects = [self.reader.subject(one) for one in self.reader.configurations(scenario)]
            measured = [compare.seed_distances(one) for one in subjects if not isinstance(one, str) and one.seeds]
            seeds[scenario] = magnitudes.medians([distances for one in measured for distances in one])
        repeats = {
            (plain(a).id, plain(b).id): found.repeats for (a, b), found in self._pairs.items() if not isinstance(found, str)
        }
        return {
            findings.identity(pair): magnitudes.magnitudes(pair, repeats.get((pair.a, pair.b), {}), seeds[pair.scenario])
            for pair in judged
        }

    def results(self, accepted: Sequence[Known] = ()) -> Results:
        """Everything that a report shows. `accepted`: differences that do not fail the gate before their day."""
        reader, declared = self.reader, self.declared()
        known = {one: diagnoses.diagnosis(reader, one, found) for one, found in declared.items()}
        judged = tuple(_judged(sides, found, known) for sides, found in self.pairs().items())
        seen = tuple(checks(reader, declared, known))
        rows = tuple(reader.row(run) for run in reader.runs)
        broken, gate = reader.session.broken, reader.plan.options.gate
        found = findings.group(
            judged, seen, tuple(known.values()), self._places(judged), self._magnitudes(judged), self._steps(judged)
        )
        found = fingerprint.named(found, judged, seen)
        found = repeat_command.repeatable(found, reader.plan, reader.session.scenarios, reader.session.environments)
        found, states = accepting.mark(found, accepted, rows, datetime.date.today())
        excused = accepting.excused(found)
        return Results(
            plan=reader.plan,
            answer=answer.sentence(judged, seen, rows, broken),
            exit_code=answer.exit_code(judged, seen, rows, broken, gate, excused=excused),
            generated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            environments=reader.session.environments,
            scenarios=reader.session.scenarios,
            broken=broken,
            runs=rows,
            pairs=judged,
            checks=seen,
            findings=found,
            limits=verdicts.LIMITS,
            diagnoses=tuple(known.values()),
            known=states,
        )


def _belong_together(a: Configuration, b: Configuration) -> bool:
    """In a self-test, what has a injected fault is compared with the same without it, and with nothing else."""
    if not a.fault and not b.fault:
        return True
    return not (a.fault and b.fault) and replace(a, fault="") == replace(b, fault="")


def _pair(reader: Reader, a: Configuration, b: Configuration) -> Comparison | str:
    sides = reader.subject(a), reader.subject(b)
    reasons = [f"{side.label}: {found}" for side, found in zip((a, b), sides, strict=True) if isinstance(found, str)]
    if reasons:
        return "; ".join(reasons)
    declared = declarations.difference(reader.declared(a), reader.declared(b))
    try:
        return replace(compare.pair(*sides, declared=declared), steps=float32_steps.errors(reader, a, b))  # type: ignore[arg-type]
    except (DamagedArtifact, ValueError) as error:
        return str(error)


def _judged(sides: Sides, comparison: Comparison | str, known: Mapping[Configuration, Diagnosis]) -> Pair:
    """A pair, judged by what is known of each side."""
    a, b = (plain(side).id for side in sides)
    scenario = sides[0].scenario
    if isinstance(comparison, str):
        return Pair(scenario=scenario, a=a, b=b, verdict=Verdict.NOT_RUN, cause=comparison)
    first, second = (known.get(side) for side in sides)
    comparison = replace(
        comparison,
        oracles=(first.distance if first else None, second.distance if second else None),
        off=(diagnoses.words(first), diagnoses.words(second)),
    )
    judged = verdicts.judge(comparison)
    verdict, cause = verdicts.worst(judged)
    side = _side(comparison, cause)
    off = "" if side is None else (a, b)[side]
    return Pair(scenario=scenario, a=a, b=b, verdict=verdict, cause=cause, quantities=judged, side=off)


def _side(comparison: Comparison, cause: str) -> int | None:
    """The one side that is off, by its distance from float64 or from its oracle; None if neither or both are."""
    if cause == verdicts.UNSTABLE and (unstable := verdicts.unstable(comparison)):
        return unstable.side
    off = verdicts.off_sides(comparison)
    return off[0] if len(off) == 1 else None
