"""A run folder to results: every planned run, every pair, every check, judged. Reads artifacts; runs nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from suite import compare
from suite.artifacts.store import Complete, Store
from suite.compare import single_step
from suite.compare.run_folder import RunFolder
from suite.explain import declarations, diagnoses, findings, fingerprint, float32_steps, further_runs, magnitudes
from suite.explain.inquiry import inquiries
from suite.judge import equivalence, kernels, limits, verdicts
from suite.records import (
    ORACLE,
    SINGLE_STEP,
    Cause,
    Code,
    Comparison,
    Configuration,
    DamagedArtifact,
    Diagnosis,
    Floats,
    KnownDifference,
    Pair,
    Place,
    Plan,
    Results,
    Run,
    Session,
    Status,
    Verdict,
    because,
    plain,
)
from suite.results import accepted as accepting
from suite.results.checks import checks
from suite.results.exit_code import exit_code

Sides = tuple[Configuration, Configuration]


class Study:
    """A run folder, measured. When further runs are there, only what they touch is measured again."""

    def __init__(self, store: Store, plan: Plan, session: Session) -> None:
        self.folder = RunFolder(store, plan, session)
        self._pairs: dict[Sides, Comparison | str] = {}
        self._declared: dict[Configuration, Comparison | str] = {}

    def renew(self, session: Session) -> None:
        """Takes a later session of the same plan."""
        changed = self.folder.renew(session)
        self._pairs = {sides: found for sides, found in self._pairs.items() if changed.isdisjoint(sides)}
        self._declared = {one: found for one, found in self._declared.items() if one not in changed}

    def pairs(self) -> Mapping[Sides, Comparison | str]:
        """Every pair of configurations of every scenario, measured, or why not."""
        for scenario in self.folder.scenarios():
            for sides in combinations(self.folder.configurations(scenario), 2):
                if sides not in self._pairs and _belong_together(*sides):
                    self._pairs[sides] = _pair(self.folder, *sides)
        return self._pairs

    def declared(self) -> Mapping[Configuration, Comparison | str]:
        """Every configuration with a plain run, measured against the oracle of its declaration, or why not."""
        for scenario in self.folder.scenarios():
            for configuration in self.folder.configurations(scenario):
                subject = self.folder.subject(configuration)
                if not isinstance(subject, str) and configuration not in self._declared:
                    self._declared[configuration] = diagnoses.compared(subject)
        return self._declared

    def further_runs(self) -> list[Run]:
        """What would decide or explain what is open, as far as is known now."""
        declared = {one: found for one, found in self.declared().items() if not isinstance(found, str)}
        settled = {one: found for one, found in declared.items() if further_runs.settled(found)}
        asked = [run for run in self._oracle_steps() if not self.folder.asked(run)]
        asked += [run for inquiry in inquiries(self.folder, settled) for run in inquiry.further()]
        wanted = further_runs.further_runs(self.pairs(), declared)
        return list(dict.fromkeys([*wanted, *float32_steps.oracle_steps(self.folder, wanted), *asked]))

    def _oracle_steps(self) -> list[Run]:
        """One step of every oracle, in scenarios that have several: they show where declarations part."""
        oracles = [run for run in self.folder.plan.runs if run.variation == ORACLE]
        scenarios = [run.configuration.scenario for run in oracles if run.emulates != oracles[0].emulates]
        return [replace(run, variation=SINGLE_STEP) for run in oracles if run.configuration.scenario in scenarios]

    def _place(self, a: Configuration, b: Configuration, comparison: Comparison) -> Place | None:
        """Where the oracles of what both sides declare first differ, if they declare different things."""
        first, second = (self._oracle_step(side) for side in (a, b))
        if not comparison.declared or first is None or second is None:
            return None
        return single_step.first(single_step.stage_distances(first, second), equivalence.SAME_SEMANTICS)

    def _oracle_step(self, configuration: Configuration) -> Complete | None:
        oracle = self.folder.oracle_of(configuration)
        found = self.folder.further(replace(oracle, variation=SINGLE_STEP)) if oracle else ""
        return None if isinstance(found, str) else found

    def _seeds(self) -> dict[str, Floats]:
        """Scenario -> metric -> the median difference between runs from other initial weights."""
        found: dict[str, Floats] = {}
        for scenario in self.folder.scenarios():
            subjects = [self.folder.subject(configuration) for configuration in self.folder.configurations(scenario)]
            measured = [compare.seed_distances(one) for one in subjects if not isinstance(one, str) and one.seeds]
            found[scenario] = magnitudes.medians([distances for each in measured for distances in each])
        return found

    def _judged_pairs(self, known: Mapping[Configuration, Diagnosis]) -> Iterator[Pair]:
        """Every pair, judged by what is known of each side."""
        seeds = self._seeds()
        for (a, b), comparison in self.pairs().items():
            if isinstance(comparison, str):
                yield Pair(a=plain(a), b=plain(b), verdict=Verdict.NOT_RUN, causes=(self._not_run(a, b, comparison),))
                continue
            pair = _judged(plain(a), plain(b), _with_diagnoses(comparison, (known.get(a), known.get(b))))
            sizes = magnitudes.magnitudes(pair.quantities, comparison.repeats, seeds[a.scenario])
            yield replace(pair, magnitudes=sizes, place=pair.place or self._place(a, b, comparison))

    def _not_run(self, a: Configuration, b: Configuration, reason: str) -> Cause:
        """A pair is unsupported only if nothing but missing support is in its way."""
        statuses = {self.folder.row(plain(side)).status for side in (a, b)}
        refused = Status.UNSUPPORTED in statuses and not any(status.broken for status in statuses)
        return because(Code.UNSUPPORTED if refused else Code.NOT_RUN, reason)

    def results(self, accepted: Sequence[KnownDifference] = ()) -> Results:
        """Everything that a report shows. `accepted`: differences that do not fail the gate before their day."""
        folder, declared = self.folder, self.declared()
        known = {side: diagnoses.diagnosis(folder, side, found) for side, found in declared.items()}
        pairs, seen = tuple(self._judged_pairs(known)), tuple(checks(folder, declared, known))
        rows = tuple(folder.row(run) for run in folder.runs)
        found = fingerprint.named(findings.group((*pairs, *seen), known.values()))
        found, states = accepting.mark(found, accepted, rows, datetime.date.today())
        results = Results(
            plan=folder.plan,
            exit_code=0,
            generated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            environments=folder.session.environments,
            scenarios=folder.session.scenarios,
            broken=folder.session.broken,
            runs=rows,
            pairs=pairs,
            checks=seen,
            findings=found,
            limits=limits.LIMITS,
            diagnoses=tuple(known.values()),
            known=states,
        )
        gate = Verdict(folder.plan.options.gate)
        code = exit_code(results.members, rows, results.broken, gate, excused=results.excused)
        return replace(results, exit_code=code)


def _belong_together(a: Configuration, b: Configuration) -> bool:
    """In a self-test, what has a injected fault is compared with the same without it, and with nothing else."""
    if not a.fault and not b.fault:
        return True
    return not (a.fault and b.fault) and replace(a, fault="") == replace(b, fault="")


def _pair(folder: RunFolder, a: Configuration, b: Configuration) -> Comparison | str:
    sides = folder.subject(a), folder.subject(b)
    reasons = [f"{side.label}: {found}" for side, found in zip((a, b), sides, strict=True) if isinstance(found, str)]
    if reasons:
        return "; ".join(reasons)
    declared = declarations.difference(folder.declared(a), folder.declared(b))
    try:
        comparison = compare.pair(*sides, declared=declared)  # type: ignore[arg-type]
        return replace(comparison, steps=float32_steps.errors(folder, a, b), environments=(a.environment, b.environment))
    except (DamagedArtifact, ValueError) as error:
        return str(error)


def _with_diagnoses(comparison: Comparison, known: tuple[Diagnosis | None, Diagnosis | None]) -> Comparison:
    first, second = known
    return replace(
        comparison,
        oracles=(first.distance if first else None, second.distance if second else None),
        off=(diagnoses.causes(first), diagnoses.causes(second)),
    )


def _judged(a: Run, b: Run, comparison: Comparison) -> Pair:
    """With the one side that is off, by its distance from float64 or from its oracle; None if neither or both are."""
    judged = verdicts.judge(comparison)
    verdict, causes = verdicts.worst(judged)
    off = verdicts.off_sides(comparison)
    side = (a, b)[off[0]] if len(off) == 1 else None
    unstable = kernels.unstable(comparison)
    if unstable is None or all(cause.code != Code.UNSTABLE_KERNEL for cause in causes):
        return Pair(a=a, b=b, verdict=verdict, causes=causes, quantities=judged, side=side)
    side = (a, b)[unstable.side]
    return Pair(a=a, b=b, verdict=verdict, causes=causes, quantities=judged, side=side, place=unstable.place)
