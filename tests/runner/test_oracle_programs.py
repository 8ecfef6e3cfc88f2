"""What is compiled, and how often, with a stand-in for JAX."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from suite.runner.oracle import programs
from suite.runner.oracle.programs import Programs


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every function that was compiled, by a JAX that can be told nothing."""
    found: list[object] = []

    def jit(function: object) -> object:
        found.append(function)
        return function

    use(monkeypatch, jit)
    return found


def use(monkeypatch: pytest.MonkeyPatch, jit: object) -> None:
    programs.told.cache_clear()
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(jit=jit))


def test_one_key_is_compiled_once(compiled: list[object]) -> None:
    made = Programs(compiles=True)
    first = made.made("key", lambda: max)
    assert made.made("key", lambda: min) is first is max
    assert made.made("another", lambda: min) is min
    assert compiled == [max, min]


@pytest.mark.parametrize("lists", [True, False])
def test_what_gets_gradients_wrong_is_left_out_if_jax_can_be_told_so(monkeypatch: pytest.MonkeyPatch, lists: bool) -> None:
    made: list[object] = []

    def jit(function: object, compiler_options: object = None) -> object:
        def call() -> None:
            if compiler_options and not lists:  # as JAX 0.5
                raise RuntimeError("Field is repeated; the method requires a singular field.")

        made.append(compiler_options)
        return call

    use(monkeypatch, jit)
    Programs(compiles=True).made("key", lambda: max)
    assert made[-1] == ({"xla_disable_hlo_passes": "fusion"} if lists else None)


def test_what_is_not_compiled_is_made_each_time(compiled: list[object]) -> None:
    made = Programs()
    assert made.made("key", lambda: max) is max
    assert made.made("key", lambda: min) is min
    assert compiled == []
