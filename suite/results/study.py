"""A run folder to results: what was judged, scenario by scenario, and what is about all of them. Reads; runs nothing."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from suite.artifacts.store import Store
from suite.compare.run_folder import RunFolder
from suite.explain import findings, fingerprint
from suite.judge import limits
from suite.records import SINGLE_STEP, KeptVerdicts, KnownDifference, Outcome, Plan, Results, Run, Session, Status, Verdict
from suite.results import accepted as accepting
from suite.results import loading, shares
from suite.results.exit_code import exit_code
from suite.results.judging import Verdicts


class OfScenario(Protocol):
    """What is judged within one scenario."""

    @property
    def scenario(self) -> str: ...


Member = TypeVar("Member", bound=OfScenario)


class Study:
    """A run folder, measured. When further runs are there, only what they touch is measured again. `kept`: by scenario, the
    verdicts that count: of these scenarios nothing is measured. `later`: nor of those that are still to run. `processes`:
    how many may measure at once."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        session: Session,
        kept: Mapping[str, KeptVerdicts] | None = None,
        later: Collection[str] = (),
        *,
        processes: int = 1,
    ) -> None:
        self.kept: Mapping[str, KeptVerdicts] = kept or {}
        self.folder = RunFolder(store, plan, session, {*self.kept, *later})
        self._shares = shares.shares(self.folder, processes)

    def renew(self, session: Session) -> None:
        """Takes a later session of the same plan."""
        self.folder.renew(session)
        for share in self._shares:
            share.renew(session)

    def further_runs(self) -> list[Run]:
        """What would decide or explain what is open, as far as is known now."""
        return [run for asked in shares.further_runs(self._shares) for run in asked]

    def results(self, accepted: Sequence[KnownDifference] = ()) -> Results:
        """Everything that a report shows. `accepted`: differences that do not fail the gate before their day."""
        folder, judged = self.folder, shares.verdicts(self._shares)
        pairs = self._whole(judged, lambda one: one.pairs)
        seen = self._whole(judged, lambda one: one.checks)
        diagnosed = self._whole(judged, lambda one: one.diagnoses)
        rows = tuple(loading.told(folder, folder.row(run)) for run in folder.runs)
        found = fingerprint.named(findings.group((*pairs, *seen), diagnosed))
        found, states = accepting.mark(found, accepted, rows, datetime.date.today())
        results = Results(
            plan=folder.plan,
            exit_code=0,
            generated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            environments=folder.session.environments,
            scenarios=tuple(replace(row, layers=_layers(folder, row.name)) for row in folder.session.scenarios),
            broken=folder.session.broken,
            runs=rows,
            pairs=pairs,
            checks=seen,
            findings=found,
            limits=limits.LIMITS,
            diagnoses=diagnosed,
            jobs=(*folder.session.jobs, *folder.lost(), *_unfinished(folder.session)),
            known=states,
            quality=self._whole(judged, lambda one: one.quality),
        )
        gate = Verdict(folder.plan.options.gate)
        code = exit_code(results.members, rows, results.broken, gate, jobs=results.jobs, excused=results.excused)
        return replace(results, exit_code=code)

    def _whole(
        self, judged: Sequence[Verdicts], part: Callable[[Verdicts | KeptVerdicts], Iterable[Member]]
    ) -> tuple[Member, ...]:
        """This part of what was judged and of what was kept, in the order of the plan's scenarios."""
        every: list[Verdicts | KeptVerdicts] = [*judged, *self.kept.values()]
        found = [one for verdicts in every for one in part(verdicts)]
        order = {name: place for place, name in enumerate(self.folder.planned())}
        return tuple(sorted(found, key=lambda one: order[one.scenario]))


def _layers(folder: RunFolder, scenario: str) -> tuple[str, ...]:
    """As the first recorded single step of the scenario called them."""
    runs = (run for run in folder.runs if run.configuration.scenario == scenario and run.variation == SINGLE_STEP)
    manifests = (folder.store.run(run).manifest() for run in runs)
    return next((tuple(dict.fromkeys(one.calls)) for one in manifests if one and one.calls), ())


def _unfinished(session: Session) -> tuple[Outcome, ...]:
    """What is known so far may be less than was asked for, also where every planned run is complete: further runs decide."""
    if session.finished:
        return ()
    reason = "it did not finish: it was interrupted, or is still at work. The same command goes on from here"
    return (Outcome(job="command", status=Status.STARTED, reason=reason),)
