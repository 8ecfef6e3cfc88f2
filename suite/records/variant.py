"""A scenario with something changed, as data: the worker applies it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ScenarioVariant:
    """What a variant changes of its scenario. `name` and `description` are the variant's own.

    `normalization`: "per replica" (as each strategy does it), "synchronized", or "none" (batch normalizations do nothing).
    `last_batch`: the rows of the run's last batch; 0 for a full one. `order`: the seed of a different order of the
    first `rows` rows, which are those that a run uses; None for the scenario's order. `seed`: of different initial
    weights; None for the scenario's own.
    """

    name: str
    description: str
    normalization: str = "per replica"
    last_batch: int = 0
    order: int | None = None
    rows: int = 0
    seed: int | None = None
