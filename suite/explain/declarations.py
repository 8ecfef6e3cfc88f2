"""What strategies declare to compute, and where two declarations differ."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from suite.records import Place, Semantics

Difference = dict[str, str]  # field of the declaration -> its value

AFTER_LAYERS = ("loss", "gradient", "update", "optimizer state")  # stages of a step


def difference(declared: Semantics) -> Difference:
    """What it declares differently from one device; empty if nothing."""
    one = Semantics()
    return {
        field.name.replace("_", " "): getattr(declared, field.name)
        for field in fields(Semantics)
        if getattr(declared, field.name) != getattr(one, field.name)
    }


def effective(declared: Semantics, place: Place | None, normalizing: Collection[str]) -> Difference:
    """What of that can make a difference, by the place where it begins: in the loss or after it, the reduction. Before, the
    statistics of a batch normalization (`normalizing`: their names), or a layer that computes on each replica's own rows.
    Where no place is known, statistics in a model that has some."""
    found = difference(declared)
    reduction = {name: value for name, value in found.items() if name == "gradients"}
    statistics = {name: value for name, value in found.items() if name != "gradients"}
    if place is None:
        return (statistics if normalizing else reduction) or found
    if place.stage in AFTER_LAYERS:
        return reduction or found
    layer = place.tensor.partition("#")[0]
    if place.stage == "forward" and not (statistics and _has_one_of(layer, normalizing)):
        return {"layer": layer, "rows": "each replica's own"}
    return statistics or found


def _has_one_of(layer: str, normalizing: Collection[str]) -> bool:
    return any(norm == layer or norm.startswith(f"{layer}/") for norm in normalizing)


def within(semantics: Semantics, kind: str, normalizes: bool = True) -> Difference:
    """Why two states of one run may differ by declaration: live against saved, or replica against replica. Without batch
    normalization, the live model still evaluates replica by replica, and reduces the losses as it does in training."""
    if kind == "saved" and semantics.live_predictions != Semantics().live_predictions:
        if not normalizes:
            return {"live evaluation": semantics.gradients}
        return {"live predictions": semantics.live_predictions, "saved": semantics.saved}
    if kind == "replica" and semantics.moving_statistics == "per replica":
        return {"moving statistics": semantics.moving_statistics}
    return {}
