"""Student's t distribution: its distribution function and its quantiles, to about ten digits.

The distribution function is an incomplete beta function (NIST Digital Library of Mathematical Functions, 8.17 and 8.17.22):
P(T <= t) = 1 - I_x(n/2, 1/2) / 2 with x = n / (n + t²) for t >= 0. The continued fraction is evaluated by Lentz's method.
"""

from __future__ import annotations

import math

PRECISION = 1e-14
TERMS = 10_000  # of the continued fraction; about the root of the degrees of freedom are needed
TINY = 1e-300  # in place of a zero that would be divided by


def above(t: float, freedom: float) -> float:
    """P(T > t) for so many degrees of freedom, at least 1; the small one of the two tails has its relative precision."""
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    squared = t * t
    if squared < freedom:  # near the middle: what is left of one half, so that nothing cancels
        half = 0.5 * incomplete_beta(squared / (freedom + squared), 0.5, 0.5 * freedom)
        return 0.5 - math.copysign(half, t)
    tail = 0.5 * incomplete_beta(freedom / (freedom + squared), 0.5 * freedom, 0.5)
    return tail if t > 0 else 1.0 - tail


def quantile(share: float, freedom: float) -> float:
    """t with P(T > t) = `share`, for a share of more than 0 and at most one half; by bisection."""
    low, high = 0.0, 1.0
    while above(high, freedom) > share:
        low, high = high, 2.0 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if above(middle, freedom) > share else (low, middle)
    return 0.5 * (low + high)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), regularized, for 0 <= x <= 1 and positive a and b."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1.0) / (a + b + 2.0):  # where the fraction converges slowly: I_x(a, b) = 1 - I_(1-x)(b, a)
        return 1.0 - incomplete_beta(1.0 - x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)) with the coefficients of 8.17.23."""
    value = numerator = 1.0
    denominator = 0.0
    for index in range(1, TERMS):
        coefficient = _coefficient(index, x, a, b)
        denominator = 1.0 / (1.0 + coefficient * denominator or TINY)
        numerator = 1.0 + coefficient / numerator or TINY
        value *= numerator * denominator
        if abs(numerator * denominator - 1.0) < PRECISION:
            break
    return value


def _coefficient(index: int, x: float, a: float, b: float) -> float:
    half = index // 2
    if index % 2:
        return -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
    return half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
