"""A whole command on a machine with one GPU, which is a script that plays nvidia-smi. The fake backend needs none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Parity

DRIVER = """#!/bin/sh
case "$1" in
--query-gpu=name) echo "NVIDIA H100 80GB HBM3" ;;
--query-gpu=memory.used) echo "4 MiB" ;;
--query-gpu=compute_mode) echo Default ;;
*) exit 2 ;;
esac
"""


@pytest.fixture
def on_gpu(parity: Parity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parity:
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(DRIVER)
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {}})
    return parity


def test_a_command_on_a_gpu(on_gpu: Parity) -> None:
    code, results = on_gpu.compare("--device", "auto", "--precision", "exact", "--devices", "1", "--jobs-per-gpu", "2")
    assert code == 0
    assert results["plan"]["options"]["device"] == "gpu"
    assert {run["status"] for run in results["runs"]} == {"complete"}


def test_several_devices_on_a_machine_with_one_gpu(on_gpu: Parity) -> None:
    code, results = on_gpu.compare("--precision", "exact", "--devices", "1,2")
    assert code == 2
    refused = {run["reason"] for run in results["runs"] if run["status"] == "no such devices"}
    assert refused == {
        f"needs 2 GPUs, 1 is there: choose --environment fake-{one}@cpu, which has 2 devices on the CPU" for one in "ab"
    }
    on_cpu = ["--environment", "fake-a", "--environment", "fake-a@cpu"]
    _, results = on_gpu.compare("--precision", "exact", "--devices", "2", *on_cpu)
    ran = {run["run"]["configuration"]["environment"] for run in results["runs"] if run["status"] == "complete"}
    assert ran == {"fake-a@cpu"}, "what was advised works"
