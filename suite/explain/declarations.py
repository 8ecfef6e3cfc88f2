"""What strategies declare to compute, and where two declarations differ."""

from __future__ import annotations

from dataclasses import fields

from suite.records import Place, Semantics

Difference = dict[str, str]  # field of the declaration -> its value


def difference(declared: Semantics) -> Difference:
    """What it declares differently from one device; empty if nothing."""
    one = Semantics()
    return {
        field.name.replace("_", " "): getattr(declared, field.name)
        for field in fields(Semantics)
        if getattr(declared, field.name) != getattr(one, field.name)
    }


def effective(declared: Semantics, place: Place | None, normalizes: bool) -> Difference:
    """What of that can make a difference: statistics only in a model that has some, and where it begins in the forward
    pass; the reduction only where it begins in the loss or after it."""
    found = difference(declared)
    backward = place is not None and place.stage in ("loss", "gradient", "update", "optimizer state")
    if backward or not normalizes:
        return {name: value for name, value in found.items() if name == "gradients"} or found
    return {name: value for name, value in found.items() if name != "gradients"} or found


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
