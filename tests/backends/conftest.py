"""What every test on the real backends finds in its environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.engine import provision
from suite.plan.environments import environments
from suite.plan.locations import ROOT


@pytest.fixture(scope="session", autouse=True)
def kernels_of_channels_first() -> Iterator[None]:
    """Without oneDNN, TensorFlow has no gradient of channels-first convolutions on a CPU. It is on by default on CPUs with
    VNNI alone."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
        patched.setenv("PARITY_INHERIT", "TF_ENABLE_ONEDNN_OPTS")
        yield


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that torch saved."""
    made = tmp_path_factory.mktemp("files")
    ready = provision.provision(environments(), folder=ROOT / ".environments", device="cpu")["torch"]
    variables = {**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [ready.python, "-m", "tests.backends.files.make", str(made)]
    done = subprocess.run(command, env=variables, cwd=made, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return made
