"""The rounds of a check: predictions, then what is needed to decide and to explain, until nothing is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of
from suite.compare import files as comparing
from suite.compare.files import Answer, Answered
from suite.engine.dispatch import Engine
from suite.explain import files as explaining
from suite.judge import files as judging
from suite.plan.digests import numerics_of, suite_digest
from suite.records import Job, Options, Outcome, Provisioned
from suite.records.files import (
    CALL,
    DYADIC,
    LAYERS,
    FileCode,
    FileMeasurement,
    FileQuestion,
    FileResult,
    FileVerdict,
    LayerPlace,
    Side,
)

SINGLE, DOUBLE = "float32", "float64"
SHOWN = 3  # names in a sentence


class Checking:
    """`again`: also asks what is answered in the run folder. `code`: digests of the user's code that is run; None if it may
    have changed."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        environments: Mapping[str, Provisioned],
        options: Options,
        *,
        again: bool,
        code: tuple[str, ...] | None,
    ) -> None:
        self._engine, self._store, self._environments, self._options = engine, store, environments, options
        self._again, self._code = again or code is None, code
        self._suite = suite_digest()
        self._outcomes: dict[str, Outcome] = {}
        self._there = [name for name, one in environments.items() if not one.reason]

    def results(self, questions: Sequence[FileQuestion]) -> list[FileResult]:
        """What is concluded for each file."""
        self._run([(name, precision, one) for one in questions for name in self._there for precision in (SINGLE, DOUBLE)])
        return [self._result(one) for one in questions]

    def answer(self, name: str, question: FileQuestion) -> Answer:
        """What one environment answers in float32."""
        self._run([(name, SINGLE, question)])
        return self._answers(SINGLE, question)[name]

    # -- one file

    def _result(self, question: FileQuestion) -> FileResult:
        began = time.monotonic()
        singles, doubles = self._answers(SINGLE, question), self._answers(DOUBLE, question)
        found = self._measured(singles, doubles, {})
        if judging.needs_dyadic(found):
            exact = replace(question, constants=DYADIC)
            self._run([(one.name, DOUBLE, exact) for one in found.loaded])
            found = self._measured(singles, doubles, self._answers(DOUBLE, exact))
        verdict = judging.judge(found)
        place, sides = None, tuple[Side, ...]()
        if judging.needs_place(verdict):
            place = self._place(question, verdict)
            verdict = judging.judge(found, place)
            if place is not None and place.name and judging.needs_sides(verdict):
                sides = self._sides(question, verdict, found, place)
        return self._concluded(question, found, verdict, place, sides, singles, time.monotonic() - began)

    def _measured(
        self, singles: Mapping[str, Answer], doubles: Mapping[str, Answer], dyadic: Mapping[str, Answer]
    ) -> FileMeasurement:
        packages = {name: one.packages for name, one in self._environments.items()}
        return comparing.measured(singles, doubles, dyadic, packages)

    def _concluded(
        self,
        question: FileQuestion,
        found: FileMeasurement,
        verdict: FileVerdict,
        place: LayerPlace | None,
        sides: tuple[Side, ...],
        singles: Mapping[str, Answer],
        seconds: float,
    ) -> FileResult:
        first = next((one for one in singles.values() if isinstance(one, Answered)), None)
        return FileResult(
            file=question.path,
            digest=question.digest,
            bytes=0,
            word=verdict.word,
            code=verdict.code,
            odd=verdict.odd,
            pair=verdict.pair,
            detail=_detail(found, verdict),
            alike=any(comparing.alike(one) for one in singles.values()),
            place=place,
            sides=sides,
            environments=found.environments,
            pairs=found.pairs,
            rows=first.reading.count if first else 0,
            seed=question.seed,
            inputs=first.reading.inputs if first else (),
            seconds=round(seconds, 1),
        )

    def _place(self, question: FileQuestion, verdict: FileVerdict) -> LayerPlace | None:
        """Where the two environments of the verdict part."""
        asked = replace(question, part=LAYERS)
        names = list(dict.fromkeys(verdict.pair))
        precisions = {FileCode.KERNEL: (SINGLE, DOUBLE), FileCode.NOT_FINITE: (SINGLE,)}.get(verdict.code, (DOUBLE,))
        self._run([(name, precision, asked) for name in names for precision in precisions])
        answers = {precision: self._answers(precision, asked) for precision in precisions}
        if not verdict.pair:
            return None
        a, b = verdict.pair
        if verdict.code is FileCode.NOT_FINITE:
            return explaining.first_not_finite(answers[SINGLE][a])
        if verdict.code is FileCode.KERNEL:
            odd, other = (b, a) if b in verdict.odd else (a, b)
            single, double = answers[SINGLE], answers[DOUBLE]
            return explaining.first_inaccurate(single[odd], double[odd], single[other], double[other])
        return explaining.first_parting(answers[DOUBLE][a], answers[DOUBLE][b])

    def _sides(
        self, question: FileQuestion, verdict: FileVerdict, found: FileMeasurement, place: LayerPlace
    ) -> tuple[Side, ...]:
        precision = SINGLE if verdict.code in (FileCode.KERNEL, FileCode.NOT_FINITE) else DOUBLE
        asked = replace(question, part=CALL, layer=place.name)
        names = [one.name for one in found.loaded]
        self._run([(name, precision, asked) for name in names])
        answers = self._answers(precision, asked)
        return explaining.sides({name: answers[name] for name in names}, self._environments)

    # -- jobs

    def _answers(self, precision: str, question: FileQuestion) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for name, environment in self._environments.items():
            if environment.reason:
                found[name] = f"the environment is not there: {environment.reason}"
                continue
            outcome = self._outcomes.get(self._job(name, precision, question).id)
            found[name] = comparing.answer(self._store, name, precision, question, outcome)
        return found

    def _run(self, wanted: Sequence[tuple[str, str, FileQuestion]]) -> None:
        jobs = [self._job(*one) for one in wanted]
        to_run = [job for job in jobs if self._again or not self._artifact(job).complete(job.digest)]
        for job in to_run:
            self._artifact(job).discard()
        if to_run:
            self._outcomes |= self._engine.run(to_run)

    def _artifact(self, job: Job) -> Artifact:
        assert job.file is not None
        return self._store.file(job.environment.name, job.precision, job.file.key)

    def _job(self, name: str, precision: str, question: FileQuestion) -> Job:
        provisioned = self._environments[name]
        environment = provisioned.environment
        job = Job(
            kind="check",
            run_folder=str(self._store.folder.resolve()),
            environment=environment,
            options=self._options,
            precision=precision,
            file=question,
            digest=digest_of(
                self._suite, provisioned.digest, numerics_of(environment), self._options.threads, question, self._code
            ),
        )
        return job.moved(environment)


def _detail(found: FileMeasurement, verdict: FileVerdict) -> str:
    """The names that belong to the code."""
    names = {
        FileCode.RANDOM: found.drawing,
        FileCode.INCOMPLETE_FILE: found.missing,
        FileCode.NOT_FINITE: found.not_finite,
        FileCode.COMPUTES: (*found.weights, *found.other_constants),
    }.get(verdict.code, ())
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
