"""A worker takes the devices that it was given, and no others."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from suite.records import Environment, Job, Options, Status
from suite.runner import devices, driver
from suite.runner.outcome import NoDevices
from tests.runner.frameworks import Machine, install

BACKENDS = ("tensorflow", "jax", "torch")


def job(backend: str, *, count: int = 1, gpus: int = 0, device: str = "gpu", **options: Any) -> Job:
    return Job(
        kind="train",
        run_folder="/run",
        environment=Environment(name=backend, backend=backend),
        options=Options(device=device, threads=3, **options),
        devices=count,
        gpus=gpus,
    )


@pytest.fixture(autouse=True)
def works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that works, with a card of 16 GiB."""
    monkeypatch.setattr(driver, "spoiled", lambda: "")
    monkeypatch.setattr(driver, "total_memory", lambda: 16 << 30)


def claimed(monkeypatch: pytest.MonkeyPatch, one: Job, *, sees: int) -> Machine:
    machine = Machine(gpus=sees)
    install(monkeypatch, machine)
    devices.claim(one)
    return machine


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("given", "sees"), [(1, 0), (2, 1), (1, 2), (2, 8)])
def test_a_worker_that_sees_other_gpus_than_it_was_given_says_so(
    monkeypatch: pytest.MonkeyPatch, backend: str, given: int, sees: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(NoDevices) as error:
        claimed(monkeypatch, job(backend, count=given, gpus=given), sees=sees)
    assert error.value.status is Status.NO_DEVICES
    said = str(error.value)
    assert f" sees {sees} GPU(s), but this job was given {given} (CUDA_VISIBLE_DEVICES: 4,5): check the driver" in said


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_that_sees_what_it_was_given_goes_on(monkeypatch: pytest.MonkeyPatch, backend: str, count: int) -> None:
    machine = claimed(monkeypatch, job(backend, count=count, gpus=count), sees=count)
    assert (machine.logical, machine.hidden) == ({}, [])


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_threads_are_pinned_on_gpus_too(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """JAX takes its threads from a variable of the host."""
    for backend, expected in (("torch", [3]), ("tensorflow", [3, 3])):
        assert claimed(monkeypatch, job(backend, device=device, gpus=1), sees=1).threads == expected


def test_several_devices_of_the_cpu_hide_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = claimed(monkeypatch, job("tensorflow", count=2, device="cpu"), sees=1)
    assert (machine.hidden, machine.logical) == (["GPU"], {"CPU:0": [None, None]})
    assert claimed(monkeypatch, job("jax", count=2, device="cpu"), sees=1).config == {
        "jax_platforms": "cpu", "jax_num_cpu_devices": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [("", ""), ("--xla_cpu_x=1", "--xla_cpu_x=1 ")])
def test_several_devices_of_a_jax_that_has_no_setting_for_them(
    monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    """JAX before 0.5: XLA reads a flag when the devices are made."""
    machine = Machine(gpus=0)
    install(monkeypatch, machine)

    def update(name: str, value: object) -> None:
        if name == "jax_num_cpu_devices":
            raise AttributeError(f"Unrecognized config option: {name}")
        machine.config[name] = value

    monkeypatch.setattr(sys.modules["jax"].config, "update", update)
    monkeypatch.setenv("XLA_FLAGS", before)
    devices.claim(job("jax", count=2, device="cpu"))
    assert os.environ["XLA_FLAGS"] == f"{after}--xla_force_host_platform_device_count=2"
    assert machine.config == {"jax_platforms": "cpu"}


@pytest.mark.parametrize(
    ("version", "count", "before", "after"),
    [
        ((0, 10, 2), 2, "", f"{devices.PATIENCE}=600"),
        ((0, 10, 2), 2, "--xla_x=1", f"--xla_x=1 {devices.PATIENCE}=600"),
        ((0, 10, 2), 2, f"{devices.PATIENCE}=9", f"{devices.PATIENCE}=9"),
        ((0, 10, 2), 1, "", ""),
        ((0, 5, 3), 2, "", ""),
    ],
)
def test_devices_of_a_busy_machine_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], count: int, before: str, after: str
) -> None:
    install(monkeypatch, Machine(gpus=0))
    monkeypatch.setattr(sys.modules["jax"], "__version_info__", version, raising=False)
    monkeypatch.setenv("XLA_FLAGS", before)
    devices.claim(job("jax", count=count, device="cpu"))
    assert os.environ["XLA_FLAGS"] == after


def test_virtual_devices_of_tensorflow_divide_the_memory_of_one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    two = job("tensorflow", count=2, gpus=1, virtual_devices=True)
    assert claimed(monkeypatch, two, sees=1).logical == {"GPU:0": [6553, 6553]}  # 0.8 x 16384 MiB / 2
    monkeypatch.setattr(driver, "total_memory", lambda: 0)
    assert claimed(monkeypatch, two, sees=1).logical == {"GPU:0": [2048, 2048]}


def test_jax_cannot_divide_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoDevices, match="JAX cannot have 2 devices on 1 GPU: give it as many GPUs as devices"):
        claimed(monkeypatch, job("jax", count=2, gpus=1, virtual_devices=True), sees=1)


def test_devices_are_virtual_where_a_job_has_fewer_gpus_than_devices() -> None:
    assert devices.are_virtual(job("torch", count=2, gpus=1))
    assert not devices.are_virtual(job("torch", count=2, gpus=2))
    assert not devices.are_virtual(job("torch", count=2, device="cpu"))
    assert not devices.are_virtual(job("torch", count=2)), "nobody said how many it was given"
