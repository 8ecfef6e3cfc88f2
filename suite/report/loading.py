"""Files that are not compiled elsewhere as where they were saved: only with compile=False, or with another jit_compile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suite.records import COMPILE_FALSE, JIT_KEPT, Results
from suite.report.answer import listed

OF_A_BACKEND = "keras.src.backend."  # in what Keras says: the module of a class that one backend has


@dataclass(frozen=True)
class _Told:
    """What is so where a file is loaded: the environment that saved it, the scenario, and those that loaded it."""

    saved: str
    scenario: str
    where: tuple[str, ...]
    what: str


def sentences(results: Results) -> Iterator[str]:
    """One for each known defect, and for each environment that saves and each other reason."""
    refused = _told(results, COMPILE_FALSE)
    if of_a_backend := [one for one in refused if OF_A_BACKEND in one.what]:  # whatever the scenario
        save, elsewhere = _ends(of_a_backend)
        yield (
            f"What {save} loads in {elsewhere} only with compile=False: the file names an optimizer's class that one "
            "backend has (known defect K-73)."
        )
    for one in refused:
        if one not in of_a_backend:
            what = f"{one.scenario}: what {one.saved} saves loads in {' and '.join(one.where)} only with compile=False"
            yield f"{what}: {one.what.rstrip('.')}."
    if kept := _told(results, JIT_KEPT):
        held = 'A file holds what jit_compile="auto" became where it was saved (known defect K-74)'
        runs = []
        for setting in dict.fromkeys(one.what for one in kept):
            save, elsewhere = _ends([one for one in kept if one.what == setting])
            runs.append(f"what {save} runs in {elsewhere} with {setting}")
        yield f"{held}: {', and '.join(runs)}. Compile what is loaded anew."


def _ends(told: Sequence[_Told]) -> tuple[str, str]:
    """Who saves, with the verb, and where it was seen to be loaded so."""
    savers = list(dict.fromkeys(one.saved for one in told))
    elsewhere = list(dict.fromkeys(name for one in told for name in one.where))
    return f"{listed(savers)} {'saves' if len(savers) == 1 else 'save'}", listed(elsewhere)


def _told(results: Results, fact: str) -> list[_Told]:
    """What is so of each run's file, once each."""
    found: dict[_Told, None] = {}
    for row in results.runs:
        one = row.run.configuration
        for line in row.facts.get(fact, "").splitlines():
            where, _, what = line.partition(": ")
            found[_Told(one.environment, one.scenario, tuple(where.split(" and ")), what)] = None
    return list(found)
