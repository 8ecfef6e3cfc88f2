"""Files that are not compiled elsewhere as where they were saved: only with compile=False, or with another jit_compile."""

from __future__ import annotations

from collections.abc import Iterator
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
        savers = list(dict.fromkeys(one.saved for one in of_a_backend))
        elsewhere = list(dict.fromkeys(name for one in of_a_backend for name in one.where))
        yield (
            f"What {listed(savers)} {'saves' if len(savers) == 1 else 'save'} loads in {listed(elsewhere)} only with "
            "compile=False: the file names an optimizer's class that one backend has (known defect K-73)."
        )
    for one in refused:
        if one not in of_a_backend:
            what = f"{one.scenario}: what {one.saved} saves loads in {' and '.join(one.where)} only with compile=False"
            yield f"{what}: {one.what.rstrip('.')}."
    if kept := dict.fromkeys(
        f"what {one.saved} saves runs in {' and '.join(one.where)} with {one.what}" for one in _told(results, JIT_KEPT)
    ):
        held = 'A file holds what jit_compile="auto" became where it was saved (known defect K-74)'
        yield f"{held}: {', and '.join(kept)}. Compile what is loaded anew."


def _told(results: Results, fact: str) -> list[_Told]:
    """What is so of each run's file, once each."""
    found: dict[_Told, None] = {}
    for row in results.runs:
        one = row.run.configuration
        for line in row.facts.get(fact, "").splitlines():
            where, _, what = line.partition(": ")
            found[_Told(one.environment, one.scenario, tuple(where.split(" and ")), what)] = None
    return list(found)
