"""What else was seen, beside differences: what `fit` and `evaluate` say, files, and layers that training changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from suite.records import ALTERED, MEMORY, PREDICT_MOVES, Results
from suite.report import lagging, loading
from suite.report.answer import listed
from suite.report.causes import some


def sentences(results: Results) -> Iterator[str]:
    """One for each thing that was seen."""
    yield from lagging.sentences(results)
    yield from loading.sentences(results)
    yield from altered(results)
    yield from remembered(results)
    yield from moved(results)


def remembered(results: Results) -> Iterator[str]:
    """One for each scenario with layers that go on from one batch to the next."""
    for scenario, layers in _told(results, MEMORY).items():
        yield (
            f"{scenario}: no file holds what {layers} kept from the last batch. A loaded model begins anew, as after "
            "reset_state(), and so does the live model in every comparison with its file."
        )


def moved(results: Results) -> Iterator[str]:
    """One for each scenario whose model is another one after it has predicted."""
    for scenario, variables in _told(results, PREDICT_MOVES).items():
        moving = (row.run.configuration for row in results.runs if PREDICT_MOVES in row.facts)
        where = dict.fromkeys(one.environment for one in moving if one.scenario == scenario)
        what = some(variables.split(", "), ", ")
        yield (
            f"{scenario}: predict changes {what} on {listed(list(where))}. So predicting twice may give other numbers, and "
            "a file that is saved afterwards holds another model. What is compared here was made from the model as training "
            "left it."
        )


def altered(results: Results) -> Iterator[str]:
    """One for each scenario whose training sets attributes of layers, as a callback that lowers a temperature does."""
    for scenario, what in _told(results, ALTERED).items():
        yield (
            f"{scenario}: training sets {what}. A compiled training step keeps the number that it was compiled with, as on "
            "tensorflow and jax: only what is a variable changes there."
        )


def _told(results: Results, fact: str) -> Mapping[str, str]:
    """What the first run of each scenario that has the fact tells."""
    return {row.run.configuration.scenario: row.facts[fact] for row in reversed(results.runs) if fact in row.facts}
