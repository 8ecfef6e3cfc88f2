"""The smallest case that still departs, by trying simpler ones in rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from suite.records.zoo import Case, JudgedCase
from suite.zoo.simplifying import Step, size, steps

ROUNDS = 12  # each drops several things at once: the largest cases need about eight

# Runs cases on the environments that are named: (environment, case's id) -> what is said about the case.
Trial = Callable[[Mapping[str, Sequence[Case]]], Mapping[tuple[str, str], JudgedCase]]


@dataclass(kw_only=True)
class _Shrinking:
    """One case on its way down. `together`: the steps that worked alone in the last round, to be tried at once."""

    environment: str
    judged: JudgedCase
    together: Sequence[Step] = ()
    done: bool = False

    def candidates(self) -> list[tuple[tuple[Step, ...], Case]]:
        """The steps to each simpler case, and the case."""
        found: list[tuple[tuple[Step, ...], Case]]
        found = [((step,), step(self.judged.case)) for step in steps(self.judged.case)]
        if len(self.together) > 1:
            found.insert(0, (tuple(self.together), _after(self.together, self.judged.case)))
        return [(made, case) for made, case in found if size(case) < size(self.judged.case)]


def _after(made: Sequence[Step], case: Case) -> Case:
    for step in made:
        case = step(case)
    return case


def shrink(departing: Sequence[tuple[str, JudgedCase]], trial: Trial) -> list[JudgedCase]:
    """For each environment and case: the smallest case found of which the same is said there, in the same stage.

    All cases shrink together, so that every round is one run. A round tries each step alone; the steps that work alone
    are tried together in the next.
    """
    shrinking = [_Shrinking(environment=environment, judged=judged) for environment, judged in departing]
    for _ in range(ROUNDS):
        candidates = {id(one): one.candidates() for one in shrinking if not one.done}
        wanted: dict[str, dict[str, Case]] = {}
        for one in shrinking:
            for _, case in candidates.get(id(one), ()):
                wanted.setdefault(one.environment, {})[case.id] = case
        if not wanted:
            break
        judged = trial({environment: tuple(cases.values()) for environment, cases in wanted.items()})
        for one in shrinking:
            if not one.done:
                _advance(one, candidates[id(one)], judged)
    return [one.judged for one in shrinking]


def _advance(
    one: _Shrinking,
    candidates: Sequence[tuple[tuple[Step, ...], Case]],
    judged: Mapping[tuple[str, str], JudgedCase],
) -> None:
    """To the smallest candidate of which the same is said; done if there is none."""
    tried = [(made, judged.get((one.environment, case.id))) for made, case in candidates]
    fitting = [(made, found) for made, found in tried if found is not None and _same(one, found)]
    if not fitting:
        one.done = True
        return
    one.together = [step for made, _ in fitting if len(made) == 1 for step in made]
    one.judged = min((found for _, found in fitting), key=lambda found: size(found.case))


def _same(one: _Shrinking, found: JudgedCase) -> bool:
    """Whether both cases get the same word, in the same stage."""
    before, now = one.judged.of(one.environment), found.of(one.environment)
    return before is not None and now is not None and (now.word, now.stage) == (before.word, before.stage)
