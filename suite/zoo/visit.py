"""A visit to the zoo: runs cases, judges them, and shrinks what nobody has explained."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from suite.artifacts.store import Store
from suite.records import PRECISIONS, Options, Provisioned
from suite.records.zoo import Case, JudgedCase, ZooResults
from suite.zoo import chunks, findings, shrinking, sweep
from suite.zoo.judging import judge
from suite.zoo.sweep import Engine, Recorded

TRIALS = "trials"  # the folder of what is run to shrink cases


class Visit:
    """`processes`: how many judge at once. `again`: also runs what is complete in the run folder."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        environments: Mapping[str, Provisioned],
        options: Options,
        *,
        processes: int = 1,
        again: bool = False,
    ) -> None:
        self._engine, self._store, self._environments, self._options = engine, store, environments, options
        self._processes, self._again = processes, again

    def results(self, cases: Sequence[Case]) -> ZooResults:
        """Runs all cases everywhere; everything that was found."""
        began = time.monotonic()
        jobs = chunks.jobs(self._store, cases, self._environments, self._options)
        recorded = sweep.run(self._engine, self._store, jobs, again=self._again)
        judged = self._judged(cases, recorded)
        groups = findings.groups(judged, self._environments)
        chosen = findings.to_shrink(groups)
        small = shrinking.shrink([(group.environment, group.smallest) for group in chosen], self._trial)
        shrunk = dict(zip(map(id, chosen), small, strict=True))
        return ZooResults(
            cases=len(cases),
            precisions=PRECISIONS,
            seed=cases[0].seed if cases else 0,
            seconds=round(time.monotonic() - began, 1),
            packages={name: one.packages for name, one in self._environments.items() if not one.reason},
            words=findings.words(judged),
            findings=tuple(findings.finding(group, shrunk.get(id(group))) for group in groups),
            missing={name: one.reason for name, one in self._environments.items() if one.reason},
        )

    def _judged(self, cases: Sequence[Case], recorded: Sequence[Recorded]) -> list[JudgedCase]:
        by_case: dict[str, list[Recorded]] = {case.id: [] for case in cases}
        for one in recorded:
            by_case[one.case.id].append(one)
        if self._processes < 2:
            return [judge(case, by_case[case.id]) for case in cases]
        with ProcessPoolExecutor(self._processes, mp_context=multiprocessing.get_context("fork")) as pool:
            return list(pool.map(judge, cases, [by_case[case.id] for case in cases], chunksize=16))

    def _trial(self, wanted: Mapping[str, Sequence[Case]]) -> dict[tuple[str, str], JudgedCase]:
        """Cases on the environment that each is shrunk for. Where there is no definition, and only other environments say
        that it differs, nothing is said: it is not shrunk."""
        store = Store(self._store.folder / TRIALS)
        said: dict[tuple[str, str], JudgedCase] = {}
        jobs = []
        for environment, cases in wanted.items():
            own = {environment: self._environments[environment]}
            jobs += chunks.jobs(store, cases, own, self._options)
        recorded: dict[tuple[str, str], list[Recorded]] = {}
        for one in sweep.run(self._engine, store, jobs, again=True):
            recorded.setdefault((one.environment, one.case.id), []).append(one)
        for (environment, case), readings in recorded.items():
            said[environment, case] = judge(readings[0].case, readings)
        return said


def exit_code(results: ZooResults) -> int:
    """2 if an environment is missing, or nothing ran; 1 if something needs an explanation and has none; else 0."""
    if results.missing or not results.cases or not results.words:
        return 2
    return 1 if any(one.word.needs_an_explanation and not one.known for one in results.findings) else 0
