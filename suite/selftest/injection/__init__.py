"""Faults to inject, one at a time, in real runs: the self-test of what the suite detects, names and locates.

A fault patches Keras, a backend or a strategy in one training process before its model is built, as a bug there would act:
in float32 runs, in their float64 runs and in single-step comparison alike. What each is, where it is injected and what must
be said of it is in `suite/selftest/catalogue.py`; a test holds both lists together.
"""

from __future__ import annotations

from typing import Any

from suite.records import Job, Scenario
from suite.selftest.injection import batch_norm, layers, losses, one_layer, replicas, rows, saving, updates, variants
from suite.selftest.injection.site import Injection, Site

FAMILIES: tuple[dict[str, Injection], ...] = (
    batch_norm.INJECTIONS,
    replicas.INJECTIONS,
    rows.INJECTIONS,
    losses.INJECTIONS,
    updates.INJECTIONS,
    layers.INJECTIONS,
    one_layer.INJECTIONS,
    saving.INJECTIONS,
    variants.INJECTIONS,
)
INJECTIONS: dict[str, Injection] = {name: inject for family in FAMILIES for name, inject in family.items()}


def inject(name: str, job: Job, drive: Any, scenario: Scenario) -> None:
    """Injects a fault in this process. `name`: the fault's, or "fault@target" for a layer or a tensor of this name.

    Raises:
        ValueError: there is no such fault.
    """
    fault, _, target = name.partition("@")
    if fault not in INJECTIONS:
        raise ValueError(f"no fault {fault!r}; there are {', '.join(sorted(INJECTIONS))}")
    INJECTIONS[fault](Site(job=job, drive=drive, scenario=scenario, target=target))
