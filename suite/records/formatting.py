"""How a distance is written for a person, everywhere."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """A distance for a person: 0 is exactly 0, and everything else has two digits and never rounds to it."""
    if value == 0.0:
        return "0"
    if not math.isfinite(value):
        return str(value)
    if 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"
