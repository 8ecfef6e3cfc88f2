"""A run folder to results: every planned run, every pair, every view, judged. Reads artifacts; runs nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from suite import compare, judge
from suite.explain import accepted, answer, declarations, findings, fingerprint, repeat
from suite.records import (
    Comparison,
    Configuration,
    Judged,
    Known,
    Manifest,
    Pair,
    Plan,
    Results,
    Run,
    RunRow,
    Semantics,
    Session,
    Status,
    Verdict,
    View,
)
from suite.store import MODEL_FILES, Artifact, Damaged, Store

SELF_TEST_LIMIT = 1e-13

Complete = tuple[Artifact, Manifest]


class Reader:
    """A run folder with its plan: which runs are complete, and why the others are not."""

    def __init__(self, store: Store, plan: Plan, session: Session) -> None:
        self.store, self.plan, self.session = store, plan, session
        self._refused = {run: (status, reason) for run, status, reason in plan.refused}
        self._complete: dict[Run, Complete | str] = {}
        self._subjects: dict[Configuration, compare.Subject | str] = {}
        self._self_tests: dict[str, str] = {}
        self.outputs = {row.name: row.outputs for row in session.scenarios}

    @property
    def runs(self) -> tuple[Run, ...]:
        return (*self.plan.runs, *(run for run in self.session.further if run not in self.plan.runs))

    def configurations(self, scenario: str) -> list[Configuration]:
        found = dict.fromkeys(run.configuration for run in self.plan.runs)
        return [configuration for configuration in found if configuration.scenario == scenario]

    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(run.configuration.scenario for run in self.plan.runs))

    def declared(self, configuration: Configuration) -> Semantics:
        return self.session.declared.get(configuration.id, Semantics())

    def row(self, run: Run) -> RunRow:
        found = self.complete(run)
        if not isinstance(found, str):
            _, manifest = found
            reused = run.id in self.session.reused
            return RunRow(
                run=run,
                status=Status.COMPLETE,
                reason="",
                seconds=manifest.seconds,
                reused=reused,
                facts=manifest.facts,
            )
        status, reason, log, seconds = Status.PLANNED, found, "", 0.0
        if run in self._refused:
            status = self._refused[run][0]
        elif run.id in self.session.ended:
            ended = self.session.ended[run.id]
            status, log, seconds = ended.status, ended.log, ended.seconds
        elif self.store.run(run).manifest() is not None:
            status = Status.FAILED
        return RunRow(run=run, status=status, reason=reason, seconds=seconds, reused=False, facts={}, log=log)

    def complete(self, run: Run) -> Complete | str:
        """The artifact with its manifest, or why there is none."""
        if run not in self._complete:
            self._complete[run] = self._look(run)
        return self._complete[run]

    def _look(self, run: Run) -> Complete | str:
        if run in self._refused:
            return self._refused[run][1]
        artifact = self.store.run(run)
        manifest = artifact.manifest()
        if manifest is not None and manifest.status is Status.COMPLETE:
            return artifact.damage(manifest) or (artifact, manifest)
        ended = self.session.ended.get(run.id)
        if ended is not None and ended.reason:
            return ended.reason
        return "it did not finish" if manifest else "it did not start: the command was interrupted"

    def subject(self, configuration: Configuration) -> compare.Subject | str:
        if configuration not in self._subjects:
            self._subjects[configuration] = self._assemble(configuration)
        return self._subjects[configuration]

    def _assemble(self, configuration: Configuration) -> compare.Subject | str:
        own: dict[str, list[Complete]] = {}
        reasons = {}
        for run in self.runs:
            if run.configuration == configuration:
                found = self.complete(run)
                if isinstance(found, str):
                    reasons[run.variation] = found
                else:
                    own.setdefault(run.variation, []).append(found)
        if "plain" not in own:
            return reasons.get("plain", "it was not planned")
        no_twin = "" if "twin" in own else f"no float64 twin: {reasons.get('twin', 'not planned')}"
        return compare.Subject(
            plain=own["plain"][0],
            repeats=tuple(own.get("repeat", ())),
            permuted=tuple(own.get("permuted", ())),
            twin=own["twin"][0] if "twin" in own else None,
            twins_permuted=tuple(own.get("twin-permuted", ())),
            exact=own["exact"][0] if "exact" in own else None,
            no_twin=no_twin or self.self_test(configuration.environment),
            outputs=self.outputs.get(configuration.scenario, "probabilities"),
        )

    def self_test(self, environment: str) -> str:
        """Why twins of this environment are not to be trusted; empty if its self-test passed."""
        if environment not in self._self_tests:
            self._self_tests[environment] = self._tested(environment)
        return self._self_tests[environment]

    def _tested(self, environment: str) -> str:
        try:
            difference = float(self.store.check(environment).arrays("difference")["difference"][0])
        except Damaged as error:
            return f"the float64 self-test of {environment} left nothing ({error})"
        if not difference <= SELF_TEST_LIMIT:
            return (
                f"the float64 self-test of {environment} failed: {difference:.1e} from NumPy, {SELF_TEST_LIMIT:.0e} allowed"
            )
        return ""

    def reloaded(self, run: Run, environment: str, form: str, described: Manifest) -> compare.Moment | tuple[Status, str]:
        artifact = self.store.reload(run, environment, form)
        manifest = artifact.manifest()
        if manifest is None or manifest.status is not Status.COMPLETE:
            reason = manifest.reason if manifest and manifest.reason else f"it was not reloaded in {environment}"
            return (manifest.status if manifest else Status.FAILED), reason
        damage = artifact.damage(manifest)
        return (Status.FAILED, damage) if damage else compare.reloaded(artifact, manifest, described)


def comparisons(reader: Reader) -> Iterator[tuple[Configuration, Configuration, Comparison | str]]:
    """Every pair of configurations of every scenario, measured, or why not."""
    for scenario in reader.scenarios():
        for a, b in combinations(reader.configurations(scenario), 2):
            sides = reader.subject(a), reader.subject(b)
            reasons = [f"{side.label}: {found}" for side, found in zip((a, b), sides, strict=True) if isinstance(found, str)]
            if reasons:
                yield a, b, "; ".join(reasons)
                continue
            declared = declarations.difference(reader.declared(a), reader.declared(b))
            try:
                yield a, b, compare.pair(*sides, declared=declared)  # type: ignore[arg-type]
            except (Damaged, ValueError) as error:
                yield a, b, str(error)


def pairs(measured: Iterable[tuple[Configuration, Configuration, Comparison | str]]) -> Iterator[Pair]:
    for a, b, comparison in measured:
        ids = plain(a).id, plain(b).id
        if isinstance(comparison, str):
            yield Pair(scenario=a.scenario, a=ids[0], b=ids[1], verdict=Verdict.NOT_RUN, cause=comparison)
            continue
        judged = judge.judge(comparison)
        verdict, cause = judge.worst(judged)
        side = judge.unstable_side(comparison.exact, judge.scale(comparison)) if cause == judge.UNSTABLE else None
        off = ids[side] if side is not None else ""
        yield Pair(scenario=a.scenario, a=ids[0], b=ids[1], verdict=verdict, cause=cause, quantities=judged, side=off)


def plain(configuration: Configuration) -> Run:
    return Run(configuration=configuration, variation="plain")


def views(reader: Reader) -> Iterator[View]:
    """Every complete configuration: live against saved, saved against reloaded, replica against replica."""
    environments = list(dict.fromkeys(run.configuration.environment for run in reader.plan.runs))
    for scenario in reader.scenarios():
        for configuration in reader.configurations(scenario):
            subject = reader.subject(configuration)
            if isinstance(subject, str):
                continue
            yield from _saved(reader, configuration, subject)
            for environment in environments:
                if environment != configuration.environment:
                    yield _reloaded(reader, configuration, subject, environment)
            for index in range(1, subject.plain[1].replicas):
                yield _replica(reader, configuration, subject, index)


def _saved(reader: Reader, configuration: Configuration, subject: compare.Subject) -> Iterator[View]:
    declared = declarations.within(reader.declared(configuration), "saved")
    own = configuration.environment
    for form in MODEL_FILES:

        def both(found: Complete, run: Run, form: str = form) -> list[compare.Moment | tuple[Status, str]]:
            live = replace(compare.trained(*found, found[1].steps[-1]), losses=0)  # no file holds losses
            moments = [live, reader.reloaded(run, own, form, found[1])]
            return moments if form == MODEL_FILES[0] else _without_optimizer(moments)

        sides = both(subject.plain, plain(configuration))
        doubles = both(subject.twin, replace(plain(configuration), variation="twin")) if subject.twin else []
        yield _view(configuration, "saved", own, sides, doubles, subject, declared, form=form)


Sides = Sequence[compare.Moment | tuple[Status, str]]


def _without_optimizer(sides: Sides) -> list[compare.Moment | tuple[Status, str]]:
    """model.weights.h5 does not hold the optimizer, and a model loaded elsewhere, with compile=False, has none."""
    return [replace(side, slots="") if isinstance(side, compare.Moment) else side for side in sides]


def _reloaded(reader: Reader, configuration: Configuration, subject: compare.Subject, environment: str) -> View:
    form = MODEL_FILES[0]

    def both(found: Complete, run: Run) -> list[compare.Moment | tuple[Status, str]]:
        names = (configuration.environment, environment)
        return _without_optimizer([reader.reloaded(run, name, form, found[1]) for name in names])

    sides = both(subject.plain, plain(configuration))
    doubles = both(subject.twin, replace(plain(configuration), variation="twin")) if subject.twin else []
    return _view(configuration, "reloaded", environment, sides, doubles, subject, "", form=form)


def _replica(reader: Reader, configuration: Configuration, subject: compare.Subject, index: int) -> View:
    declared = declarations.within(reader.declared(configuration), "replica")

    def both(found: Complete) -> Sides:
        return compare.replica(*found, 0), compare.replica(*found, index)

    doubles = both(subject.twin) if subject.twin else ()
    own = configuration.environment
    return _view(configuration, "replica", own, both(subject.plain), doubles, subject, declared, index=index)


def _view(
    configuration: Configuration,
    kind: str,
    environment: str,
    sides: Sides,
    doubles: Sides,
    subject: compare.Subject,
    declared: str,
    *,
    form: str = "",
    index: int = 0,
) -> View:
    judged: tuple[Judged, ...] = ()
    missing = [side for side in sides if not isinstance(side, compare.Moment)]
    moments, twins = ([side for side in both if isinstance(side, compare.Moment)] for both in (sides, doubles))
    if missing:
        status, reason = missing[0]
        verdict, cause = Verdict.NOT_RUN, f"{status.value}: {reason}"
    else:
        try:
            pair_of_twins = (twins[0], twins[1]) if len(twins) == 2 else None
            comparison = compare.view((moments[0], moments[1]), pair_of_twins, subject, declared=declared)
            judged = judge.judge(comparison)
            verdict, cause = judge.worst(judged)
        except (Damaged, ValueError) as error:
            verdict, cause = Verdict.NOT_RUN, str(error)
    return View(
        run=plain(configuration).id,
        scenario=configuration.scenario,
        kind=kind,
        environment=environment,
        verdict=verdict,
        cause=cause,
        form=form,
        replica=index,
        quantities=judged,
    )


def results(reader: Reader, judged: tuple[Pair, ...], known: Sequence[Known] = ()) -> Results:
    """Everything a report shows. `known`: differences that do not fail the gate before their day."""
    rows = tuple(reader.row(run) for run in reader.runs)
    seen = tuple(views(reader))
    found = fingerprint.named(findings.group(judged, seen, rows), judged, seen)
    found = repeat.repeatable(found, reader.plan, reader.session.scenarios, reader.session.environments)
    found, states = accepted.mark(found, known, rows, datetime.date.today())
    excused = accepted.excused(found)
    code = answer.exit_code(judged, seen, rows, reader.session.broken, reader.plan.options.gate, excused=excused)
    return Results(
        plan=reader.plan,
        answer=answer.sentence(judged, seen, rows, reader.session.broken),
        exit_code=code,
        generated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        environments=reader.session.environments,
        scenarios=reader.session.scenarios,
        broken=reader.session.broken,
        runs=rows,
        pairs=judged,
        views=seen,
        findings=found,
        limits=judge.LIMITS,
        known=states,
    )
