"""What every test on the real backends finds in its environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def kernels_of_channels_first() -> Iterator[None]:
    """Without oneDNN, TensorFlow has no gradient of channels-first convolutions on a CPU. It is on by default on CPUs with
    VNNI alone."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
        patched.setenv("PARITY_INHERIT", "TF_ENABLE_ONEDNN_OPTS")
        yield
