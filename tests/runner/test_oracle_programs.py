"""What is compiled, and how often, with a stand-in for JAX."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from suite.runner.oracle.programs import Programs


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every function that was compiled."""
    found: list[object] = []

    def jit(function: object) -> object:
        found.append(function)
        return function

    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(jit=jit))
    return found


def test_one_key_is_compiled_once(compiled: list[object]) -> None:
    programs = Programs(compiles=True)
    first = programs.made("key", lambda: max)
    assert programs.made("key", lambda: min) is first is max
    assert programs.made("another", lambda: min) is min
    assert compiled == [max, min]


def test_a_jax_that_takes_options_leaves_out_what_gets_gradients_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def jit(function: object, compiler_options: object = None) -> object:
        told.append(compiler_options)
        return function

    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(jit=jit))
    assert Programs(compiles=True).made("key", lambda: max) is max
    assert told == [{"xla_disable_hlo_passes": "fusion"}]


def test_what_is_not_compiled_is_made_each_time(compiled: list[object]) -> None:
    programs = Programs()
    assert programs.made("key", lambda: max) is max
    assert programs.made("key", lambda: min) is min
    assert compiled == []
