"""Sentences about `evaluate` that says less than `fit` of the same rows, because moving statistics lag."""

from __future__ import annotations

from collections.abc import Iterator

from suite.records import Results, RunRow

# Facts of a run; `suite.runner.lagging` writes them.
FIT, EVALUATE = "fit says", "evaluate says"
SHARE, STEPS, MOMENTUM = "initial share of moving statistics", "steps until 1 %", "momentum for 1 %"
SLOW = "slow moving statistics"

FACTS = (FIT, EVALUATE, SHARE, STEPS, MOMENTUM, SLOW, "rows evaluated at a time")


def sentences(results: Results) -> Iterator[str]:
    """One for each scenario in which that shows, with what would cure it."""
    for scenario in dict.fromkeys(row.run.configuration.scenario for row in results.runs):
        rows = [row for row in results.runs if row.run.configuration.scenario == scenario and _alone(row)]
        lagging = [row for row in rows if FIT in row.facts]
        if lagging:
            yield _sentence(scenario, lagging, whole=len(lagging) == len(rows))


def _alone(row: RunRow) -> bool:
    """Whether it is a complete run as a user would run it, on one device."""
    run = row.run
    return run.variation == "plain" and run.precision == "float32" and run.configuration.devices == 1 and bool(row.facts)


def _sentence(scenario: str, rows: list[RunRow], *, whole: bool) -> str:
    first = rows[0]
    names = ", ".join(dict.fromkeys(row.run.configuration.environment for row in rows))
    where = "on every backend" if whole and len(rows) > 1 else f"on {names}"
    facts = first.facts
    return (
        f"{scenario}: of the rows that it trained on last, fit says {facts[FIT]} and evaluate says {facts[EVALUATE]} "
        f"(numbers of {first.run.configuration.environment}; it shows {where}). Batch normalization evaluates with moving "
        f"statistics, and {facts[SHARE]} of {f'those of {facts[SLOW]}' if SLOW in facts else 'these'} is still what they "
        f"began with. {facts[STEPS]} steps, or momentum {facts[MOMENTUM]}, leave 1 %."
    )
