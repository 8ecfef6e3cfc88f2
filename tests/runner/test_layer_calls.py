"""One function sees every call of a layer, and afterwards nothing is patched. With a stand-in for Keras's two classes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from suite.runner.layer_calls import layer_calls, name_of_call


class Operation:
    def __call__(self, x: int) -> int:
        return x + 2

    def symbolic_call(self, x: int) -> int:
        return x + 1


class Layer(Operation):
    def __call__(self, x: int, *, factor: int = 2) -> int:
        return super().__call__(x) * factor - 2 * factor


class Data(Layer):
    """Converts what it is given, and then calls that of every layer."""

    def __call__(self, x: int, *, factor: int = 2) -> int:
        return super().__call__(10 * x, factor=factor)


class Rescaling(Data):
    pass


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    sys.modules["keras"].Layer = Layer  # type: ignore[attr-defined]
    sys.modules["keras"].Operation = Operation  # type: ignore[attr-defined]
    sys.modules["keras"].layers = SimpleNamespace(Rescaling=Rescaling)  # type: ignore[attr-defined]


def test_the_function_makes_the_call_and_decides_what_it_returns() -> None:
    layer, seen = Layer(), []

    def around(called: Any, proceed: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append((called, args, kwargs, proceed(called, *args, **kwargs)))
        return 7

    with layer_calls(around):
        assert layer(3, factor=5) == 7 and Operation().symbolic_call(1) == 2
    assert seen == [(layer, (3,), {"factor": 5}, 15)] and layer(3) == 6


@pytest.mark.parametrize(("symbolic", "called", "by_symbols"), [(False, 7, 2), (True, 3, 7)])
def test_an_operation_is_seen_as_it_is_called_there(symbolic: bool, called: int, by_symbols: int) -> None:
    with layer_calls(lambda *_: 7, symbolic=symbolic):
        assert (Operation()(1), Operation().symbolic_call(1), Layer()(1)) == (called, by_symbols, 7)
    assert (Operation()(1), Operation().symbolic_call(1), Layer()(1)) == (3, 2, 2)


def test_a_layer_which_is_an_operation_too_is_seen_once() -> None:
    seen = []

    def around(called: Any, proceed: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append(called)
        return proceed(called, *args, **kwargs)

    layer = Layer()
    with layer_calls(around):
        assert layer(1) == 2
    assert seen == [layer]


def test_of_a_layer_that_prepares_data_it_is_seen_what_it_is_given_and_once_by_each_that_looks() -> None:
    seen = []

    def looking(who: str) -> Callable[..., Any]:
        def around(called: Any, proceed: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            seen.append((who, called, args))
            return proceed(called, *args, **kwargs)

        return around

    layer = Rescaling()
    with layer_calls(looking("first")), layer_calls(looking("second")):
        assert layer(3) == 60
    assert seen == [("second", layer, (3,)), ("first", layer, (3,))]


def test_an_exception_leaves_nothing_patched() -> None:
    before = Layer.__call__, Data.__call__, Operation.symbolic_call
    with pytest.raises(ValueError, match="no"), layer_calls(lambda *_: 7, symbolic=True):
        raise ValueError("no")
    assert (Layer.__call__, Data.__call__, Operation.symbolic_call) == before


def test_watchers_may_be_nested() -> None:
    def doubled(layer: Any, proceed: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return 2 * proceed(layer, *args, **kwargs)

    with layer_calls(doubled), layer_calls(doubled):
        assert Layer()(1) == 8
    assert Layer()(1) == 2


def test_the_second_call_of_a_layer_has_a_name_of_its_own() -> None:
    assert [name_of_call("a/b", count) for count in (1, 2, 3)] == ["a/b", "a/b#2", "a/b#3"]
