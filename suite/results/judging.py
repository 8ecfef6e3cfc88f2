"""Scenarios of a run folder: every pair and every check, measured and judged. Reads artifacts; runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from suite import compare
from suite.compare.run_folder import RunFolder
from suite.explain import (
    compiled_steps,
    diagnoses,
    float32_steps,
    formats,
    further_runs,
    known_defects,
    magnitudes,
    non_finite,
    over_replicas,
    sides,
)
from suite.explain.backends import Backends
from suite.explain.composition import Composition, single_step_of, with_global_statistics
from suite.explain.inquiry import Inquiry
from suite.explain.products import Precision
from suite.explain.repeats import steady
from suite.judge import equivalence, kernels, precision, verdicts
from suite.records import (
    KNOWN,
    ORACLE,
    REASON,
    SIDE,
    Cause,
    Code,
    Comparison,
    Configuration,
    ConsistencyCheck,
    DamagedArtifact,
    Diagnosis,
    Floats,
    Pair,
    Place,
    QualityPair,
    Run,
    Session,
    Status,
    Verdict,
    because,
    plain,
)
from suite.results import quality
from suite.results.checks import checks

Sides = tuple[Configuration, Configuration]


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What was judged, scenario by scenario."""

    pairs: tuple[Pair, ...] = ()
    checks: tuple[ConsistencyCheck, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    quality: tuple[QualityPair, ...] = ()


class Judging:
    """The scenarios of a run folder that are to be judged. When further runs are there, only what they touch is measured
    again."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._pairs: dict[Sides, Comparison | str] = {}
        self._declared: dict[Configuration, Comparison | str] = {}
        self._backends: dict[str, Backends] = {}

    def renew(self, session: Session) -> None:
        """Takes a later session of the same plan."""
        changed = self.folder.renew(session)
        scenarios = {one.scenario for one in changed}
        self._pairs = {sides: found for sides, found in self._pairs.items() if changed.isdisjoint(sides)}
        self._declared = {one: found for one, found in self._declared.items() if one not in changed}
        self._backends = {name: found for name, found in self._backends.items() if name not in scenarios}

    def pairs(self) -> Mapping[Sides, Comparison | str]:
        """Every pair of configurations of every scenario, measured, or why not."""
        found = {}
        for scenario in self.folder.scenarios():
            for both in combinations(self.folder.configurations(scenario), 2):
                if _belong_together(*both):
                    found[both] = self._pairs[both] if both in self._pairs else _pair(self.folder, *both)
        self._pairs = found
        return found

    def declared(self) -> Mapping[Configuration, Comparison | str]:
        """Every configuration with a plain run, measured against the oracle of its declaration, or why not."""
        found = {}
        for scenario in self.folder.scenarios():
            for configuration in self.folder.configurations(scenario):
                subject = self.folder.subject(configuration)
                if not isinstance(subject, str):
                    measured = self._declared.get(configuration)
                    found[configuration] = diagnoses.compared(subject) if measured is None else measured
        self._declared = found
        return found

    def backends(self) -> Mapping[str, Backends]:
        """By scenario: every environment on one device against every other."""
        for scenario in self.folder.scenarios():
            if scenario not in self._backends:
                self._backends[scenario] = Backends(self.folder, scenario)
        return self._backends

    def further_runs(self) -> list[Run]:
        """What would decide or explain what is open, as far as is known now."""
        declared = {one: found for one, found in self.declared().items() if not isinstance(found, str)}
        settled = {one: found for one, found in declared.items() if further_runs.settled(found)}
        asked = [run for run in self._oracle_steps() if not self.folder.asked(run)]
        inquiries = diagnoses.inquiries(self.folder, settled)
        asked += [run for inquiry in inquiries for run in inquiry.further()]
        asked += self._calls_of(inquiries)
        asked += [
            run for one in inquiries if one.unexplained for run in compiled_steps.further(self.folder, one.configuration)
        ]
        asked += self._perturbed_of(inquiries)
        asked += [run for backends in self.backends().values() for run in backends.further()]
        asked += [run for backends in self.backends().values() for run in over_replicas.further(backends)]
        asked += [run for backends in self.backends().values() for run in non_finite.further(backends)]
        asked += Precision(self.folder, self.backends()).further(self.pairs())
        wanted = further_runs.further_runs(self.pairs(), declared)
        return list(dict.fromkeys([*wanted, *float32_steps.oracle_steps(self.folder, wanted), *asked]))

    def _calls_of(self, inquiries: Sequence[Inquiry]) -> list[Run]:
        """The calls of those that no hypothesis explains: one that departs from its definition may."""
        wanted = []
        for one in inquiries:
            scenario, environment = one.configuration.scenario, one.configuration.environment
            backends = self.backends()[scenario]
            if one.unexplained and backends.alone.get(environment) == one.configuration:
                wanted += backends.calls_at(environment, one.place)
        return [run for run in wanted if not self.folder.asked(run)]

    def _perturbed_of(self, inquiries: Sequence[Inquiry]) -> list[Run]:
        """Reruns where a run begins to differ from its oracle in a layer that computes in float32 in a float64 run: the two
        are compiled in other parts, and round differently there."""
        wanted = []
        for one in inquiries:
            backends, environment = self.backends()[one.configuration.scenario], one.configuration.environment
            if environment in backends.alone and backends.is_narrow_at(environment, one.place):
                wanted += backends.perturbed(environment)
        return [run for run in wanted if not self.folder.asked(run)]

    def _oracle_steps(self) -> list[Run]:
        """One step of each oracle of an environment in which two configurations differ: they show where declarations
        part."""
        places = {
            (a.scenario, a.environment)
            for (a, b), found in self.pairs().items()
            if a.environment == b.environment and not isinstance(found, str) and equivalence.differ(found)
        }
        oracles = [run for run in self.folder.plan.runs if run.variation == ORACLE]
        wanted = [run for run in oracles if (run.configuration.scenario, run.configuration.environment) in places]
        whole = [(run, found) for run in wanted if not isinstance(found := self.folder.complete(run), str)]
        normalizing = [run for run, (_, manifest) in whole if any(norm.trainable for norm in manifest.batch_norms)]
        return [single_step_of(run) for run, _ in whole] + [
            one for run in normalizing if (one := with_global_statistics(run))
        ]

    def _seeds(self) -> dict[str, Floats]:
        """Scenario -> metric -> the median difference between runs from other initial weights."""
        found: dict[str, Floats] = {}
        for scenario in self.folder.scenarios():
            subjects = [self.folder.subject(configuration) for configuration in self.folder.configurations(scenario)]
            seeded = [one for one in subjects if not isinstance(one, str) and one.seeds]
            measured = [compare.seed_distances(one) for one in seeded[:1]]  # others say the same
            found[scenario] = magnitudes.medians([distances for each in measured for distances in each])
        return found

    def _judged_pairs(self, composition: Composition, products: Precision) -> Iterator[Pair]:
        """Every pair, judged by what its difference is composed of."""
        seeds = self._seeds()
        for (a, b), comparison in self.pairs().items():
            if isinstance(comparison, str):
                yield Pair(a=plain(a), b=plain(b), verdict=Verdict.NOT_RUN, causes=self._not_run(a, b, comparison))
                continue
            whole = replace(
                comparison,
                components=composition.between(a, b),
                products=(products.of(a), products.of(b)),
                steady=(steady(self.folder, a), steady(self.folder, b)),
            )
            pair = _judged(plain(a), plain(b), whole, composition)
            yield replace(pair, magnitudes=magnitudes.magnitudes(pair.quantities, comparison.repeats, seeds[a.scenario]))

    def _not_run(self, a: Configuration, b: Configuration, reason: str) -> tuple[Cause, ...]:
        """One cause for each reason why a side has no result, with these sides; `reason`: where both have one. A pair is
        unsupported only if nothing but missing support is in its way."""
        statuses = {self.folder.row(plain(side)).status for side in (a, b)}
        refused = Status.UNSUPPORTED in statuses and not any(status.broken for status in statuses)
        code = Code.UNSUPPORTED if refused else Code.NOT_RUN
        sides: dict[str, list[str]] = {}
        for side in (a, b):
            if isinstance(found := self.folder.subject(side), str):
                sides.setdefault(found, []).append(side.label)
        if not sides:
            return (because(code, reason),)
        return tuple(
            Cause(code=code, detail=((REASON, found), *((SIDE, label) for label in labels)))
            for found, labels in sides.items()
        )

    def verdicts(self) -> Verdicts:
        """Everything, in the order of the plan's scenarios."""
        folder, declared = self.folder, self.declared()
        known = {side: diagnoses.diagnosis(folder, side, found) for side, found in declared.items()}
        declared, known = diagnoses.emulated(folder, declared, known)
        composition = Composition(folder, declared, known, diagnoses.rounds(folder, declared), self.backends())
        products = Precision(folder, self.backends())
        return Verdicts(
            pairs=tuple(self._judged_pairs(composition, products)),
            checks=tuple(checks(folder, composition, products)),
            diagnoses=tuple(known.values()),
            quality=tuple(quality.pairs(folder)),
        )


def _belong_together(a: Configuration, b: Configuration) -> bool:
    """In a self-test, what has a injected fault is compared with the same without it, and with nothing else."""
    if not a.fault and not b.fault:
        return True
    return not (a.fault and b.fault) and replace(a, fault="") == replace(b, fault="")


def _pair(folder: RunFolder, a: Configuration, b: Configuration) -> Comparison | str:
    first, second = folder.subject(a), folder.subject(b)
    reasons = [f"{side.label}: {found}" for side, found in ((a, first), (b, second)) if isinstance(found, str)]
    if isinstance(first, str) or isinstance(second, str):
        return "; ".join(reasons)
    try:
        comparison = compare.pair(first, second)
        stepped, apart = float32_steps.apart(folder, a, b) if comparison.no_float64 else (0, ())
        return replace(
            comparison,
            steps=float32_steps.errors(folder, a, b),
            stepped=stepped,
            apart_in_steps=apart,
            environments=(a.environment, b.environment),
            formats=formats.between(folder, a, b),
        )
    except (DamagedArtifact, ValueError) as error:
        return str(error)


def _rounded(a: Run, b: Run, comparison: Comparison, causes: tuple[Cause, ...]) -> tuple[Run | None, Place] | None:
    """The side whose products round their operands, if it is one, and where; None if that is no cause of the verdict."""
    named = {cause.subject for cause in causes if cause.code in precision.CODES.values()}
    found = [
        (run, one)
        for run, one in zip((a, b), comparison.products, strict=True)
        if one is not None and one.environment in named
    ]
    if not found:
        return None
    return (found[0][0] if len(found) == 1 else None), found[0][1].place


def _non_finite(pair: Pair, composition: Composition) -> Pair:
    """With the backends that reach NaN or infinity, if others do not, each with where it makes it, the operation that does,
    and the known defect that it is, if the side has one device. The place is that of all sides which reach it, if it is the
    same one."""
    backends = composition.backends[pair.a.configuration.scenario]
    sides = (pair.side,) if pair.side is not None else pair.runs
    begins = {run: non_finite.begin(backends, run.configuration) for run in sides}
    given = next(cause.subject for cause in pair.causes if cause.code == Code.NON_FINITE)
    names = (given,) if given else non_finite.lost(backends, (run.configuration.environment for run in sides))
    causes: list[Cause] = []
    for cause in pair.causes:
        if cause.code == Code.NON_FINITE:
            for name in names or ("",):
                own = [run for run in begins if name in ("", run.configuration.environment)]
                begun = _begun(replace(cause, subject=name), _alike([begins[run] for run in own]))
                causes.append(begun if begun.detail or not name else _over_replicas(begun, own, backends))
        else:
            causes.append(cause)
    whole = _alike(list(begins.values()))
    return replace(pair, causes=tuple(causes), place=whole.place if whole else pair.place)


def _alike(begins: Sequence[non_finite.Begin | None]) -> non_finite.Begin | None:
    """The first, if all are known, and are at the same place."""
    places = {one.where if one else None for one in begins}
    return begins[0] if len(places) == 1 else None


def _begun(cause: Cause, begin: non_finite.Begin | None) -> Cause:
    """With where it begins; the step may be before the first whose state was stored."""
    if begin is None:
        return cause
    operation = (("stage", begin.place.stage), ("operation", begin.operation)) if begin.operation else ()
    detail = (*operation, *((("known", begin.known),) if begin.known else ())) if cause.subject else ()
    return replace(cause, detail=detail, evidence=(("step", float(begin.place.state) + 1.0),))


def _over_replicas(cause: Cause, runs: Iterable[Run], backends: Backends) -> Cause:
    """With the known defect by which one of the runs reaches it on several devices, and not on one, if it is one."""
    for configuration in (run.configuration for run in runs):
        alone = backends.alone.get(configuration.environment)
        if defect := known_defects.of_lost_weights(backends.folder, configuration, alone):
            return replace(cause, detail=((KNOWN, defect),))
    return cause


def _judged(a: Run, b: Run, comparison: Comparison, composition: Composition) -> Pair:
    """With the one side that is off, and where they begin to differ, as far as they are shown."""
    judged = verdicts.judge(comparison)
    verdict, causes = verdicts.worst(judged)
    if any(cause.code == Code.NON_FINITE for cause in causes):
        pair = Pair(a=a, b=b, verdict=verdict, causes=causes, quantities=judged, side=sides.off(a, b, comparison, causes))
        return _non_finite(pair, composition)
    unstable = kernels.unstable(comparison)
    if unstable is not None and any(cause.code == Code.UNSTABLE_KERNEL for cause in causes):
        side = (a, b)[unstable.side]
        return Pair(a=a, b=b, verdict=verdict, causes=causes, quantities=judged, side=side, place=unstable.place)
    if (rounded := _rounded(a, b, comparison, causes)) is not None:
        of, where = rounded
        return Pair(a=a, b=b, verdict=verdict, causes=causes, quantities=judged, side=of, place=where)
    off = sides.off(a, b, comparison, causes)
    place = sides.place(a, b, comparison, composition) if verdict in (Verdict.DIFFERENT, Verdict.BY_DESIGN) else None
    return Pair(a=a, b=b, verdict=verdict, causes=causes, quantities=judged, side=off, place=place)
