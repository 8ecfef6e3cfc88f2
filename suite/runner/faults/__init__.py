"""Faults to plant, one at a time, in real runs: the self-test of what the suite detects, names and locates.

A fault patches Keras, a backend or a strategy in one training process before its model is built, as a bug there would act:
in float32 runs, in their float64 twins and in lockstep alike. What each is, where it is planted and what must be said of it
is in `suite/selftest/faults.py`; a test holds both lists together.
"""

from __future__ import annotations

from typing import Any

from suite.records import Job, Scenario
from suite.runner.faults import batch_norm, layers, losses, replicas, rows, saving, updates, variants
from suite.runner.faults.site import Plant, Site

FAMILIES: tuple[dict[str, Plant], ...] = (
    batch_norm.PLANTS,
    replicas.PLANTS,
    rows.PLANTS,
    losses.PLANTS,
    updates.PLANTS,
    layers.PLANTS,
    saving.PLANTS,
    variants.PLANTS,
)
PLANTS: dict[str, Plant] = {name: plant for family in FAMILIES for name, plant in family.items()}


def plant(name: str, job: Job, drive: Any, scenario: Scenario) -> None:
    """Plants the fault in this process.

    Raises:
        ValueError: there is no such fault.
    """
    if name not in PLANTS:
        raise ValueError(f"no fault {name!r}; there are {', '.join(sorted(PLANTS))}")
    PLANTS[name](Site(job=job, drive=drive, scenario=scenario))
