"""As much of each framework as the worker asks for devices and memory, on a machine with GPUs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest


@dataclass(kw_only=True)
class Machine:
    """`gpus`: how many a framework sees. What it was told is in the other fields."""

    gpus: int
    threads: list[int] = field(default_factory=list)
    logical: dict[str, list[Any]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    current: list[int] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)


def install(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    """From now on, importing a framework gives the fake one."""
    fakes = {"tensorflow": tensorflow(machine), "jax": jax(machine)} | torch(machine)
    for name, module in fakes.items():
        monkeypatch.setitem(__import__("sys").modules, name, module)


def tensorflow(machine: Machine) -> Any:
    physical = {"GPU": [f"GPU:{index}" for index in range(machine.gpus)], "CPU": ["CPU:0"]}
    config = SimpleNamespace(
        list_physical_devices=lambda kind: physical[kind],
        list_logical_devices=lambda kind: physical[kind],
        set_visible_devices=lambda devices, kind: machine.hidden.append(kind),
        set_logical_device_configuration=lambda device, parts: machine.logical.update({device: parts}),
        LogicalDeviceConfiguration=lambda memory_limit=None: memory_limit,
        threading=SimpleNamespace(
            set_intra_op_parallelism_threads=machine.threads.append,
            set_inter_op_parallelism_threads=machine.threads.append,
        ),
        experimental=SimpleNamespace(get_memory_info=lambda device: {"current": 1, "peak": 11}),
    )
    return SimpleNamespace(config=config)


def jax(machine: Machine) -> Any:
    def device(kind: str) -> Any:
        return SimpleNamespace(platform=kind, memory_stats=lambda: {"peak_bytes_in_use": 5, "peak_pool_bytes": 12})

    devices = [device("gpu") for _ in range(machine.gpus)] or [device("cpu")]
    return SimpleNamespace(
        __version_info__=(0, 5, 3),
        devices=lambda: devices,
        local_devices=lambda: devices,
        config=SimpleNamespace(update=machine.config.__setitem__),
    )


def torch(machine: Machine) -> dict[str, Any]:
    distributed = SimpleNamespace(
        init_process_group=lambda backend, **settings: machine.groups.append({"backend": backend} | settings),
        barrier=lambda: None,
        destroy_process_group=lambda: None,
    )
    cuda = SimpleNamespace(
        device_count=lambda: machine.gpus,
        set_device=machine.current.append,
        is_initialized=lambda: machine.gpus > 0,
        max_memory_reserved=lambda: 13,
    )
    module = SimpleNamespace(cuda=cuda, set_num_threads=machine.threads.append, distributed=distributed)
    return {"torch": module, "torch.cuda": cuda, "torch.distributed": distributed}
