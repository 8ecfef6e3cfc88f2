"""What all tests on the real backends have in common."""

from __future__ import annotations

import os

import pytest

REAL_BACKENDS = [
    pytest.mark.backends,
    pytest.mark.timeout(900),
    pytest.mark.skipif("PARITY_SKIP_BACKENDS" in os.environ, reason="PARITY_SKIP_BACKENDS is set"),
]
