"""Distances as bytes: what a figure draws of them, and no more."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence

import numpy as np

DECADES = (-12, 3)  # what a figure's axis shows; float64 runs below 1e-12 lie on its foot
EQUAL, SMALLEST, LARGEST, MISSING, INVALID = 0, 1, 250, 254, 255
NOT_THERE = -1.0  # stands for MISSING in a list of distances: none is negative


def encode(values: Sequence[float]) -> bytes:
    """One byte each: 0 exactly equal, 1 to 250 on a log scale from 1e-12 to 1e3, 254 not there, 255 not finite."""
    found = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = (np.log10(found) - DECADES[0]) / (DECADES[1] - DECADES[0]) * (LARGEST - SMALLEST) + SMALLEST
    codes = np.clip(np.nan_to_num(np.round(scaled), nan=0.0, posinf=0.0, neginf=0.0), SMALLEST, LARGEST)
    codes[found == 0] = EQUAL
    codes[found < 0] = MISSING
    codes[~np.isfinite(found)] = INVALID
    return codes.astype(np.uint8).tobytes()


def decode(code: int) -> float:
    """The distance in the middle of what a code stands for; 3.5 % off at most."""
    if code == EQUAL:
        return 0.0
    share = (code - SMALLEST) / (LARGEST - SMALLEST)
    return float(10.0 ** (DECADES[0] + share * (DECADES[1] - DECADES[0])))


def text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def packed(content: bytes) -> str:
    """Gzip and base64, for a script element that nothing executes; the same bytes give the same text."""
    return text(gzip.compress(content, 6, mtime=0))
