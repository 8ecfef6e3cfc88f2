"""What was said about all cases, put together: the same about one class on one environment is one finding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from suite.records import Provisioned
from suite.records.zoo import JudgedCase, Word, ZooFinding, ZooVerdict
from suite.referee.defects.matching import known
from suite.referee.defects.records import KnownDefect, Sighting
from suite.zoo.plain_keras import line
from suite.zoo.simplifying import size

Environments = Mapping[str, Provisioned]
REFUSED = "refused"  # the stage of a call that some environments refuse and others make


@dataclass(frozen=True, kw_only=True)
class Group:
    """The cases of one finding. `known`: what explains them, if anything does."""

    environment: str
    verdict: ZooVerdict
    members: Sequence[JudgedCase]
    known: KnownDefect | None

    @property
    def smallest(self) -> JudgedCase:
        return min(self.members, key=lambda one: size(one.case))

    @property
    def is_new(self) -> bool:
        """Whether it needs an explanation, and has none."""
        return self.verdict.word.needs_an_explanation and self.known is None


def groups(judged: Iterable[JudgedCase], environments: Environments) -> list[Group]:
    """One group for each environment, class, word, stage and known defect, in the order in which they first occur."""
    found: dict[tuple[object, ...], list[tuple[JudgedCase, ZooVerdict, KnownDefect | None]]] = {}
    for one in judged:
        for verdict in _worth_telling(one):
            told = verdict.word.needs_an_explanation or verdict.word is Word.UNSUPPORTED
            explained = known(sighting(one, verdict, environments[verdict.environment])) if told else None
            name = explained.id if explained else ""
            key = (verdict.environment, one.case.kind, one.case.name, verdict.word, verdict.stage, name)
            found.setdefault(key, []).append((one, verdict, explained))
    return [
        Group(
            environment=members[0][1].environment,
            verdict=max((verdict for _, verdict, _ in members), key=lambda verdict: verdict.distance),
            members=[one for one, _, _ in members],
            known=members[0][2],
        )
        for members in found.values()
    ]


def _worth_telling(one: JudgedCase) -> Iterator[ZooVerdict]:
    """Everything but agreement, and what every environment refuses."""
    everywhere = all(verdict.word is Word.UNSUPPORTED for verdict in one.verdicts)
    for verdict in one.verdicts:
        silent = verdict.word in (Word.AGREES, Word.UNDEFINED) or (verdict.word is Word.UNSUPPORTED and everywhere)
        if not silent:
            yield verdict


def sighting(one: JudgedCase, verdict: ZooVerdict, environment: Provisioned) -> Sighting:
    """What known defects are matched with."""
    return Sighting(
        kind=one.case.kind,
        name=one.case.name,
        backend=environment.environment.backend,
        stage=REFUSED if verdict.word is Word.UNSUPPORTED else verdict.stage,
        config={**json.loads(one.case.arguments), **json.loads(one.case.call)},
        shapes=[values.shape for values in one.case.inputs],
        packages=environment.packages,
        part=verdict.part,
        precision=verdict.precision,
        training=one.case.training,
        masked=any(one.case.masks),
        rows=any(values.holds == "rows" for values in one.case.inputs),
        detail=verdict.detail,
    )


def finding(group: Group, smallest: JudgedCase | None = None) -> ZooFinding:
    """The group as a record; `smallest`: what its smallest case shrank to."""
    shown = (smallest or group.smallest).case
    return ZooFinding(
        environment=group.environment,
        kind=shown.kind,
        name=shown.name,
        word=group.verdict.word,
        stage=group.verdict.stage,
        precision=group.verdict.precision,
        cases=len(group.members),
        largest=group.verdict.distance,
        smallest=shown,
        line=line(shown),
        alike=any(one.alike for one in group.members),
        known=group.known.id if group.known else "",
        title=group.known.title if group.known else "",
        detail=group.verdict.detail,
    )


def words(judged: Iterable[JudgedCase]) -> dict[str, dict[str, int]]:
    """How often each word was said, by environment."""
    counted: dict[str, dict[str, int]] = {}
    for one in judged:
        for verdict in one.verdicts:
            of_environment = counted.setdefault(verdict.environment, {word.value: 0 for word in Word})
            of_environment[verdict.word.value] += 1
    return counted


def to_shrink(found: Sequence[Group]) -> list[Group]:
    """New groups, one for each class and stage: where several environments have it, the last by name, for what JAX
    compiles takes longest. A case that kills its process is left as it is: each trial would kill one."""
    chosen: dict[tuple[str, str, str], Group] = {}
    for group in found:
        if group.is_new and group.verdict.stage != "process":
            case = group.smallest.case
            key = (case.kind, case.name, group.verdict.stage)
            if key not in chosen or group.environment > chosen[key].environment:
                chosen[key] = group
    return list(chosen.values())
