"""What strategies declare to compute, and where two declarations differ."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from suite.records import QUANTITIES, Place, Semantics

Difference = dict[str, str]  # field of the declaration -> its value

STATISTICS, OTHER = QUANTITIES[1], QUANTITIES[5]
NAMED = 3  # variables: more are read by nobody
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


def saved(semantics: Semantics, statistics: bool, state: Sequence[str]) -> Difference:
    """Why a live model may differ from its file by declaration. `statistics`, `state`: what replicas were measured to have
    of their own and to predict with, moving statistics, and other variables by name. Where that is nothing, the live model
    still evaluates replica by replica, and reduces the losses as it does in training."""
    if semantics.live_predictions == Semantics().live_predictions:
        return {}
    if not (statistics or state):
        return {"live evaluation": semantics.gradients}
    if not state:
        return {"live predictions": semantics.live_predictions, "saved": semantics.saved}
    names = _named([STATISTICS] if statistics else [], state)
    return {"live state": "each replica's own", "saved": semantics.saved, "state": names}


def replicas(semantics: Semantics, quantity: str, state: Sequence[str]) -> Difference:
    """Why replicas may differ by declaration in moving statistics, or in other state: `state` names what was measured to be
    each replica's own of that."""
    if semantics.moving_statistics != "per replica":
        return {}
    if quantity != OTHER:
        return {"moving statistics": semantics.moving_statistics}
    return {"own state": "per replica", "state": _named([], state)} if state else {}


def _named(first: Sequence[str], others: Sequence[str]) -> str:
    every = [*first, *others]
    return ", ".join(every[:NAMED]) + (" …" if len(every) > NAMED else "")
