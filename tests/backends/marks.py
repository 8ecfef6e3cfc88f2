"""What tests on the real backends have in common."""

from __future__ import annotations

import os

import pytest

# The first test of a file waits for all that the file trains: on a busy machine with two cores that is many minutes.
REAL_BACKENDS = [
    pytest.mark.backends,
    pytest.mark.timeout(3600),
    pytest.mark.skipif("PARITY_SKIP_BACKENDS" in os.environ, reason="PARITY_SKIP_BACKENDS is set"),
]
# Left out of the gate, which must end on a slow machine, too: `nox -s tests-long` runs them.
LONG = [*REAL_BACKENDS, pytest.mark.long]
