"""What is asked of each framework on a device, with stand-ins for the frameworks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from suite.records import Environment, Job, Options
from suite.runner import numerics

Asked = list[tuple[str, Any]]


class Recorder:
    """A module whose functions and settings are recorded, whatever their names are."""

    _asked: Asked
    _name: str

    def __init__(self, asked: Asked, name: str = "") -> None:
        self.__dict__.update(_asked=asked, _name=name)

    def __getattr__(self, name: str) -> Recorder:
        return Recorder(self._asked, f"{self._name}.{name}".lstrip("."))

    def __setattr__(self, name: str, value: object) -> None:
        self._asked.append((f"{self._name}.{name}", value))

    def __call__(self, *arguments: object, **named: object) -> None:
        self._asked.append((self._name, (*arguments, *named.items())))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    found: Asked = []
    for name in ("torch", "jax", "tensorflow"):
        module = ModuleType(name)
        module.__getattr__ = Recorder(found).__getattr__  # type: ignore[method-assign]
        monkeypatch.setitem(sys.modules, name, module)
    yield found


def choose(backend: str, device: str, **environment: Any) -> None:
    numerics.choose(
        Job(
            kind="train",
            run_folder="/nowhere",
            environment=Environment(name="one", backend=backend, device=device, **environment),
            options=Options(device=device),
        )
    )


BACKENDS = ("torch", "jax", "tensorflow")


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_default_nothing_is_touched(asked: Asked, backend: str) -> None:
    for device in ("cpu", "gpu"):
        choose(backend, device, precision="default")
    assert asked == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_on_a_cpu_products_are_exact_already(asked: Asked, backend: str) -> None:
    choose(backend, "cpu", precision="exact")
    assert asked == []


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        (
            "torch",
            [
                ("set_float32_matmul_precision", ("highest",)),
                ("backends.cuda.matmul.allow_tf32", False),
                ("backends.cudnn.allow_tf32", False),
                ("backends.cuda.matmul.allow_fp16_reduced_precision_reduction", False),
                ("backends.cuda.matmul.allow_bf16_reduced_precision_reduction", False),
            ],
        ),
        ("jax", [("config.update", ("jax_default_matmul_precision", "highest"))]),
        ("tensorflow", [("config.experimental.enable_tensor_float_32_execution", (False,))]),
    ],
)
def test_on_a_gpu_exact_products_are_asked_for(asked: Asked, backend: str, settings: Asked) -> None:
    choose(backend, "gpu", precision="exact")
    assert asked == settings


@pytest.mark.parametrize(
    ("backend", "settings"),
    [
        (
            "torch",
            [("use_deterministic_algorithms", (True, ("warn_only", True))), ("backends.cudnn.benchmark", False)],
        ),
        ("jax", []),
        ("tensorflow", [("config.experimental.enable_op_determinism", ())]),
    ],
)
def test_deterministic_kernels_are_asked_for(asked: Asked, backend: str, settings: Asked) -> None:
    choose(backend, "gpu", deterministic=True)
    assert asked == settings


def test_the_stand_ins_record_what_is_asked_of_them(asked: Asked) -> None:
    import torch

    torch.backends.cudnn.benchmark = True
    assert asked == [("backends.cudnn.benchmark", True)]


@pytest.mark.parametrize(
    ("job", "flags"),
    [
        ({"precision": "float64"}, "--xla_gpu_autotune_level=0"),
        ({"precision": "float32", "strategy": "oracle"}, "--xla_gpu_autotune_level=0"),
        ({"precision": "float32"}, ""),
        ({"precision": "float64", "device": "cpu"}, ""),
        ({"precision": "float64", "backend": "torch"}, ""),
    ],
)
def test_xla_tries_no_kernels_where_all_of_them_round_alike(
    monkeypatch: pytest.MonkeyPatch, job: dict[str, str], flags: str
) -> None:
    monkeypatch.setenv("XLA_FLAGS", "")
    numerics.leave_untuned(of(**job))
    assert os.environ["XLA_FLAGS"] == flags


def test_a_level_that_the_environment_sets_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=4")
    numerics.leave_untuned(of(precision="float64"))
    assert os.environ["XLA_FLAGS"] == "--xla_gpu_autotune_level=4"


def of(*, backend: str = "jax", device: str = "gpu", precision: str = "float32", strategy: str = "single") -> Job:
    return Job(
        kind="train",
        run_folder="/nowhere",
        environment=Environment(name="one", backend=backend, device=device),
        options=Options(device=device),
        precision=precision,
        strategy=strategy,
    )
