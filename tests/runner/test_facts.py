"""Facts of a GPU: the driver as the kernel or nvidia-smi gives it, CUDA as it is installed. Here nvidia-smi is a script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from suite.records import OUTSIDE, Environment, Job, Options
from suite.runner import facts, models


def job(device: str, **environment: object) -> Job:
    return Job(
        kind="train",
        run_folder="/nowhere",
        environment=Environment(name="one", backend="torch", device=device, **environment),  # type: ignore[arg-type]
        options=Options(device=device),
    )


KERNEL = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build\nGCC 12.2.0\n"


@pytest.fixture(autouse=True)
def unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kernel that says nothing, and nobody has asked."""
    monkeypatch.setattr(facts, "DRIVER", tmp_path / "version")
    facts.driver_version.cache_clear()
    yield
    facts.driver_version.cache_clear()


class Weight:
    """A variable, with the parameter that torch would keep."""

    def __init__(self) -> None:
        self.value = object()


def test_trained_weights_that_torch_does_not_know_of_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, late, frozen = Weight(), Weight(), Weight()
    model = SimpleNamespace(parameters=lambda: [kernel.value], trainable_variables=[kernel, late])
    monkeypatch.setattr(models, "variables", lambda _: {"a/kernel": kernel, "a/late": late, "a/frozen": frozen})
    for backend, told in (("torch", {OUTSIDE: "a/late"}), ("jax", {})):
        keras = SimpleNamespace(backend=SimpleNamespace(backend=lambda name=backend: name))
        monkeypatch.setitem(sys.modules, "keras", keras)
        assert facts.outside(model) == told
    model.parameters = lambda: [kernel.value, late.value]
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda: "torch")))
    assert facts.outside(model) == {}


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_the_driver_is_a_fact_of_runs_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, '[ "$1" = --query-gpu=driver_version ] || exit 2\nprintf "570.86.15\\n570.86.15\\n"')
    installed = {"nvidia-cudnn-cu13": "9.13.0", "nvidia-cuda-runtime-cu12": "12.8.90"}
    monkeypatch.setattr(facts, "_version", lambda name: installed.get(name, ""))
    assert facts._driver(job("gpu")) == {"driver": "570.86.15", "cuda package": "12.8.90", "cudnn package": "9.13.0"}
    assert facts._driver(job("cpu")) == {}


def test_the_kernel_says_which_driver_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "echo 1.2.3")
    (tmp_path / "version").write_text(KERNEL)
    assert facts.driver_version() == "580.159.04"


@pytest.mark.parametrize("script", ["exit 9", "true"])
def test_a_driver_that_does_not_answer_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    driver(tmp_path, monkeypatch, script)
    assert facts.driver_version() == "unknown"


def test_a_machine_without_nvidia_smi_has_an_unknown_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.driver_version() == "unknown"


def test_what_is_asked_of_the_framework_is_a_fact() -> None:
    assert facts.asked(job("gpu", precision="exact", deterministic=True)) == {
        "precision": "exact",
        "deterministic kernels": "asked for",
    }
    assert facts.asked(job("cpu", precision="default"))["deterministic kernels"] == "not asked for"


def test_a_distribution_that_is_not_installed_has_no_version() -> None:
    assert facts._version("no-such-package") == ""
    assert facts._version("numpy")
