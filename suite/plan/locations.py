"""Where the suite lies: the one definition of its folder, and of the checkout around it."""

from __future__ import annotations

from pathlib import Path

SUITE = Path(__file__).resolve().parents[1]
ROOT = SUITE.parent
