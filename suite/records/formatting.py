"""How distances, sizes on disk and times are written for a person, everywhere."""

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


UNITS = ("bytes", "KB", "MB", "GB", "TB")


def size(count: float) -> str:
    """A number of bytes for a person: 999 bytes, 1.2 GB."""
    unit = 0
    while count >= 999.5 and unit < len(UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.2g} {UNITS[unit]}" if count < 9.95 and unit else f"{count:.0f} {UNITS[unit]}"
