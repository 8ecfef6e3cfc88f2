"""What strategies declare to compute, and where two declarations differ."""

from __future__ import annotations

from dataclasses import fields

from suite.records import Semantics

Difference = dict[str, str]  # field of the declaration -> both values


def difference(a: Semantics, b: Semantics) -> Difference:
    """The same for (a, b) and (b, a); empty if both declare the same."""
    return {
        field.name.replace("_", " "): " or ".join(sorted((getattr(a, field.name), getattr(b, field.name))))
        for field in fields(Semantics)
        if getattr(a, field.name) != getattr(b, field.name)
    }


def within(semantics: Semantics, kind: str) -> Difference:
    """Why two states of one run may differ by declaration: live against saved, or replica against replica."""
    if kind == "saved" and semantics.live_predictions != Semantics().live_predictions:
        return {"live predictions": semantics.live_predictions, "saved": semantics.saved}
    if kind == "replica" and semantics.moving_statistics == "per replica":
        return {"moving statistics": semantics.moving_statistics}
    return {}
