"""Where one word about a case ends and the next begins. Each number carries its reason."""

from __future__ import annotations

# float64. Single calls of equal semantics differ by 1e-16 to 1e-13 of their largest element (measured over all cases and
# backends). Semantic differences begin at 1e-5.
ROUNDING = 1e-11
# A float32 constant or kernel inside a float64 call shows as one or a few units of float32's roundoff, 6e-8.
INSIDE = 2e-6
# In an optimizer, what is left of a decay rate near 1 is what a float32 constant loses of it: 1 - 0.999 is off by 5e-5.
INSIDE_UPDATES = 1e-4
# A derivative along a direction cannot be seen more sharply than its own uncertainty; rounding of the terms that it sums
# adds some 1e-12 of their absolute sum.
UNCERTAINTIES = 4.0
SLOPE = 1e-9
# float32. Only gross departures count: sums that cancel lose several digits on every backend, equally.
FLOAT32 = 2e-3
FLOAT32_TERMS = 64.0  # how many roundings may add up where a sum cancels
