"""What a worker tells of the memory that its job took."""

from __future__ import annotations

import pytest

from suite.runner import driver, gpu_memory
from tests.runner.frameworks import Machine, install


@pytest.mark.parametrize(("backend", "most"), [("tensorflow", 11), ("jax", 12), ("torch", 13), ("fake", 0)])
def test_the_allocator_of_the_backend_says_how_much_it_held(
    monkeypatch: pytest.MonkeyPatch, backend: str, most: int
) -> None:
    install(monkeypatch, Machine(gpus=1))
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(driver, "memory", lambda: (20, 30))
    assert gpu_memory.report() == {"reserved": most, "used": 20, "total": 30}


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_an_allocator_that_never_had_a_gpu_held_nothing(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    install(monkeypatch, Machine(gpus=0))
    assert gpu_memory.reserved(backend) == 0


def test_a_backend_that_was_not_imported_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "jax", raising=False)
    assert gpu_memory.reserved("jax") == 0


def test_a_job_without_a_gpu_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "memory", lambda: None)
    assert gpu_memory.report() is None
