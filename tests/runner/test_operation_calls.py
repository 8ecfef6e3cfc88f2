"""One function sees the calls of `keras.ops` by a user's code, and nothing is patched afterwards. With a stand-in for
Keras."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import pytest

from suite.runner.operation_calls import calls_of_model, function_of, operation_calls, widen

SUITE = "suite.runner.of_its_own"


class Operation:
    def __call__(self, x: Any) -> Any:
        return self.call(x)  # type: ignore[attr-defined]


class Layer(Operation):
    """It calls `ops.add` once."""

    def call(self, x: int) -> int:
        return int(sys.modules["keras"].ops.add(x))


class Model(Layer):
    """It calls an operation, a layer, and an operation again."""

    def call(self, x: int) -> int:
        ops = sys.modules["keras"].ops
        return int(ops.image.resize(Layer()(ops.add(x))))


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = {name: ModuleType(name) for name in ("keras", "keras.ops", "keras.ops.image", "keras.ops.numpy")}
    for name, module in made.items():
        monkeypatch.setitem(sys.modules, name, module)
    keras, ops, image, numpy = made.values()
    keras.ops, keras.Operation, keras.Layer, keras.Model = ops, Operation, Layer, Model  # type: ignore[attr-defined]
    ops.image, ops.numpy, ops.add, ops.cast = image, numpy, lambda x: x + 1, lambda x: x  # type: ignore[attr-defined]
    ops.map = lambda function, x: function(x)  # type: ignore[attr-defined]
    numpy.add, image.resize = ops.add, lambda x: 10 * x  # type: ignore[attr-defined]
    return keras


def named(seen: list[str]) -> Callable[..., Any]:
    def around(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append(name)
        return function(*args, **kwargs)

    return around


def test_each_call_is_seen_by_the_shortest_name_of_the_function(keras: Any) -> None:
    seen: list[str] = []
    with operation_calls(named(seen)):
        assert (keras.ops.add(1), keras.ops.numpy.add(2), keras.ops.image.resize(3)) == (2, 3, 30)
    assert seen == ["add", "add", "image.resize"]
    keras.ops.add(1)
    assert len(seen) == 3


def test_what_computes_nothing_and_what_a_function_is_given_to_call_are_not_seen(keras: Any) -> None:
    seen: list[str] = []
    with operation_calls(named(seen)):
        assert keras.ops.cast(1) == 1 and keras.ops.map(keras.ops.add, 1) == 2
        assert keras.ops.add(1) == 2
    assert seen == ["add"]


def test_calls_of_the_suite_itself_are_not_seen(keras: Any) -> None:
    seen: list[str] = []
    function = FunctionType((lambda: sys.modules["keras"].ops.add(1)).__code__, {"__name__": SUITE, "sys": sys})
    with operation_calls(named(seen)):
        assert function() == 2
    assert seen == []


def test_in_a_float64_run_what_a_user_casts_to_float32_is_float64(keras: Any) -> None:
    def cast(x: int, dtype: str = "float32") -> tuple[int, str]:
        return x, dtype

    keras.ops.cast, keras.ops.zeros = cast, lambda shape, dtype=None: (shape, dtype)
    keras.backend = ModuleType("keras.backend")
    keras.backend.standardize_dtype = lambda dtype: dtype
    widen()
    assert keras.ops.cast(1, "float32") == keras.ops.cast(1, dtype="float32") == (1, "float64")
    assert (keras.ops.cast(1, "int32"), keras.ops.zeros(2), keras.ops.add(1)) == ((1, "int32"), (2, None), 2)
    seen: list[str] = []
    with operation_calls(named(seen)):
        assert (keras.ops.cast(1, "float32"), keras.ops.zeros(2, "float32")) == ((1, "float64"), (2, "float64"))
    assert seen == ["zeros"]
    with operation_calls(named(seen)):
        assert keras.ops.cast(300, "uint8") == keras.ops.cast(300, dtype="uint8") == (300, "uint8")
    assert seen == ["zeros", "cast", "cast"], "what is out of range of an integer is not the same everywhere"
    code = (lambda: sys.modules["keras"].ops.cast(1, "float32")).__code__
    assert FunctionType(code, {"__name__": SUITE, "sys": sys})() == (1, "float32"), "the suite says what it means"


def test_an_exception_leaves_nothing_patched(keras: Any) -> None:
    before = keras.ops.add, keras.ops.image.resize
    with pytest.raises(ValueError, match="no"), operation_calls(named([])):
        raise ValueError("no")
    assert (keras.ops.add, keras.ops.image.resize) == before


def test_of_a_model_those_are_seen_that_it_makes_itself_in_its_call(keras: Any) -> None:
    seen: list[str] = []
    model = Model()
    with calls_of_model(model, named(seen)):
        keras.ops.add(1)
        assert model(1) == 30
        keras.ops.add(1)
    assert seen == ["add", "image.resize"] and "call" not in model.__dict__


@pytest.mark.parametrize(("kind", "name"), [("Cross", "cross"), ("ExpandDims", "expand_dims"), ("Relu6", "relu6")])
def test_an_operation_of_a_graph_is_named_like_its_function(kind: str, name: str) -> None:
    assert function_of(type(kind, (), {})()) == name
