"""What else was seen, beside differences: what `fit` and `evaluate` say, files, and layers that training changes."""

from __future__ import annotations

from collections.abc import Iterator

from suite.records import ALTERED, Results
from suite.report import lagging, loading


def sentences(results: Results) -> Iterator[str]:
    """One for each thing that was seen."""
    yield from lagging.sentences(results)
    yield from loading.sentences(results)
    yield from altered(results)


def altered(results: Results) -> Iterator[str]:
    """One for each scenario whose training sets attributes of layers, as a callback that lowers a temperature does."""
    told = {row.run.configuration.scenario: row.facts[ALTERED] for row in reversed(results.runs) if ALTERED in row.facts}
    for scenario, what in told.items():
        yield (
            f"{scenario}: training sets {what}. A compiled training step keeps the number that it was compiled with, as on "
            "tensorflow and jax: only what is a variable changes there."
        )
