"""Files that are not compiled elsewhere as where they were saved: only with compile=False, or with another jit_compile."""

from __future__ import annotations

from collections.abc import Iterator

from suite.records import COMPILE_FALSE, JIT_KEPT, Results

OF_A_BACKEND = "keras.src.backend."  # in what Keras says: the module of a class that one backend has


def sentences(results: Results) -> Iterator[str]:
    """One for each environment that saves, and each reason."""
    yield from dict.fromkeys(_refused(results))
    if kept := list(dict.fromkeys(_kept(results))):
        held = 'A file holds what jit_compile="auto" became where it was saved (known defect K-74)'
        yield f"{held}: {', and '.join(kept)}. Compile what is loaded anew."


def _refused(results: Results) -> Iterator[str]:
    for saved, scenario, where, reason in _told(results, COMPILE_FALSE):
        what = f"what {saved} saves loads in {where} only with compile=False"
        if OF_A_BACKEND in reason:  # whatever the scenario
            yield f"W{what[1:]}: the file names an optimizer's class that one backend has (known defect K-73)."
        else:
            yield f"{scenario}: {what}: {reason.rstrip('.')}."


def _kept(results: Results) -> Iterator[str]:
    for saved, _, where, setting in _told(results, JIT_KEPT):
        yield f"what {saved} saves runs in {where} with {setting}"


def _told(results: Results, fact: str) -> Iterator[tuple[str, str, str, str]]:
    """The environment that saved, the scenario, the environments that loaded, and what is so there."""
    for row in results.runs:
        for line in row.facts.get(fact, "").splitlines():
            where, _, what = line.partition(": ")
            yield row.run.configuration.environment, row.run.configuration.scenario, where, what
