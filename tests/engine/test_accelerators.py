"""Accelerators that are not supported yet are named, and never mistaken for a machine without any."""

from __future__ import annotations

import importlib
import platform
from pathlib import Path

import pytest

from suite.engine import accelerators
from suite.engine.devices import passed_over, resolve
from suite.records import UnavailableDevice


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any accelerator; its /dev is a folder."""
    monkeypatch.setattr(accelerators, "DEVICES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in accelerators.TPU_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def refused() -> str:
    """What "auto" says; "gpu" must be refused with the same reason, and neither is taken for a GPU."""
    line = passed_over("auto", ())
    reason = line.removeprefix("--device auto takes the CPU: ")
    with pytest.raises(UnavailableDevice) as error:
        resolve("gpu", ())
    assert str(error.value) == f"--device gpu, but {reason}: give --device cpu"
    assert resolve("auto", ()) == "cpu"
    return line


def test_a_machine_without_accelerators_has_nothing_to_say() -> None:
    assert accelerators.unsupported() == ""
    assert passed_over("auto", ()) == ""


@pytest.mark.parametrize("name", ["rocm-smi", "amd-smi"])
def test_an_amd_gpu_is_refused(bare: Path, name: str) -> None:
    (bare / "kfd").touch()
    program(bare, name, "exit 0")
    assert refused() == (f"--device auto takes the CPU: {name} shows an AMD GPU (ROCm), which is not supported yet")


@pytest.mark.parametrize(("has_driver", "script"), [(False, "exit 0"), (True, "exit 1")])
def test_rocm_without_a_gpu_is_none(bare: Path, has_driver: bool, script: str) -> None:
    """The program alone comes with every image that has ROCm."""
    if has_driver:
        (bare / "kfd").touch()
    program(bare, "rocm-smi", script)
    assert accelerators.unsupported() == ""


def test_an_apple_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert "an Apple processor, whose GPU needs Metal (MPS), which is not supported yet" in refused()


def test_an_older_apple_computer_has_no_such_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert accelerators.unsupported() == ""


def test_a_tpu_is_refused(bare: Path) -> None:
    (bare / "accel").mkdir()  # the kernel's folder for other accelerators
    assert accelerators.unsupported() == ""
    (bare / "accel0").touch()
    assert "/dev/accel0 is a TPU, which is not supported yet" in refused()


def test_a_newer_tpu_is_a_device_of_vfio_where_libtpu_is_installed(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(bare / "site"))
    (bare / "site").mkdir()
    (bare / "site" / "libtpu.py").touch()
    assert accelerators.unsupported() == ""
    (bare / "vfio").mkdir()
    (bare / "vfio" / "vfio").touch()
    assert accelerators.unsupported() == ""
    (bare / "vfio" / "0").touch()
    assert "/dev/vfio/0 is a TPU, which is not supported yet" in refused()
    (bare / "site" / "libtpu.py").unlink()
    importlib.invalidate_caches()
    assert accelerators.unsupported() == "", "it could be any other hardware"


def test_a_tpu_machine_is_known_by_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPU_NAME", "local")
    assert "TPU_NAME is set, as on a machine with a TPU, which is not supported yet" in refused()


def test_beside_an_nvidia_gpu_or_where_the_cpu_was_asked_for_nothing_is_said(bare: Path) -> None:
    (bare / "accel0").touch()
    assert passed_over("auto", ("NVIDIA H100",)) == passed_over("cpu", ()) == ""
    assert resolve("gpu", ("NVIDIA H100",)) == "gpu"
