"""What strategies declare to compute, and the difference of two declarations in words."""

from __future__ import annotations

from dataclasses import fields

from suite.records import Semantics

OTHERWISE = "declared otherwise"


def difference(a: Semantics, b: Semantics) -> str:
    """In words, the same for (a, b) and (b, a); empty if both declare the same."""
    apart = [
        f"{field.name.replace('_', ' ')}: {' or '.join(sorted((getattr(a, field.name), getattr(b, field.name))))}"
        for field in fields(Semantics)
        if getattr(a, field.name) != getattr(b, field.name)
    ]
    return f"{OTHERWISE} ({'; '.join(apart)})" if apart else ""


def within(semantics: Semantics, kind: str) -> str:
    """Why two checks of one run may differ by declaration: live against saved, or replica against replica."""
    if kind == "saved" and semantics.live_predictions != Semantics().live_predictions:
        return (
            f"{OTHERWISE} (the live model predicts with the {semantics.live_predictions}; "
            f"the file holds those of the {semantics.saved})"
        )
    if kind == "replica" and semantics.moving_statistics == "per replica":
        return f"{OTHERWISE} (moving statistics: per replica)"
    return ""
