"""Which layers draw random numbers, as far as their settings say it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from suite.runner import layer_graph
from suite.runner.layer_graph import Node, draws, key_bias


class Layer:
    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def get_config(self) -> dict[str, Any]:
        return self.settings


@pytest.mark.parametrize(
    ("settings", "drawing"),
    [
        ({"dropout": 0.0, "recurrent_dropout": 0.0}, False),
        ({"dropout": 0}, False),
        ({"dropout": 0.0, "recurrent_dropout": 0.2}, True),
        ({"dropout": 0.1}, True),
        ({"rate": 0.5}, True),
        ({}, True),
    ],
)
def test_a_layer_draws_unless_all_that_it_would_draw_for_is_dropout_at_a_rate_of_zero(
    settings: dict[str, Any], drawing: bool
) -> None:
    assert draws(Layer(**settings)) is drawing


def test_a_layer_that_cannot_say_its_settings_may_draw() -> None:
    class Own(Layer):
        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError

    assert draws(Own(dropout=0.0))


def test_the_bias_of_an_attentions_keys_has_no_gradient_unless_it_is_penalized() -> None:
    keys = SimpleNamespace(bias="bias", bias_regularizer=None)
    assert key_bias(SimpleNamespace(_key_dense=keys)) == "bias"
    assert key_bias(SimpleNamespace(_key_dense=SimpleNamespace(bias="bias", bias_regularizer="l2"))) is None
    assert key_bias(SimpleNamespace(_key_dense=SimpleNamespace(bias=None, bias_regularizer=None))) is None
    assert key_bias(SimpleNamespace(bias="of a dense layer")) is None


def call(layer: Any, place: int, before: int, after: int) -> Node:
    """A call of a layer from the tensor `place` to the next one, with so many axes."""
    return Node(layer=layer, inputs=(place,), outputs=(place + 1,), ranks=(before, after))


def named(kind: str, **fields: Any) -> Any:
    return type(kind, (SimpleNamespace,), {})(**fields)


@pytest.mark.parametrize(
    ("conv", "between", "axis", "feeds"),
    [
        ("channels_last", [], -1, True),
        ("channels_last", [], 1, False),
        ("channels_first", [], 1, True),
        ("channels_first", [], -1, False),
        ("channels_first", [named("Permute", dims=(2, 3, 1))], -1, True),
        ("channels_last", [named("Permute", dims=(3, 1, 2))], 1, True),
        ("channels_last", [named("Permute", dims=(2, 1, 3))], -1, True),
        ("channels_last", [named("Permute", dims=(1, 3, 2))], -1, False),
        ("channels_first", [named("GlobalAveragePooling2D", data_format="channels_first")], -1, True),
        ("channels_first", [named("GlobalAveragePooling2D", data_format="channels_last")], -1, False),
    ],
)
def test_a_bias_is_taken_away_where_the_normalized_axis_is_that_of_its_channels(
    conv: str, between: list[Any], axis: int, feeds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_graph, "_linear", lambda layer: hasattr(layer, "kernel"))
    layer, norm = SimpleNamespace(kernel="kernel", data_format=conv), SimpleNamespace(axis=axis)
    last = 2 if between and type(between[0]).__name__.startswith("Global") else 4
    nodes = [call(layer, 1, 4, 4), *(call(one, 2, 4, last) for one in between)]
    nodes.append(call(norm, len(nodes) + 1, last, last))
    assert layer_graph._feeding(norm, nodes) == ([layer] if feeds else [])


@pytest.mark.parametrize("wrappers", [(), ("SpectralNormalization",), ("TimeDistributed", "SpectralNormalization")])
def test_the_layer_that_feeds_a_batch_normalization_is_found_inside_of_wrappers(
    wrappers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_graph, "_linear", lambda layer: hasattr(layer, "kernel"))
    dense, norm = SimpleNamespace(kernel="kernel", bias="bias"), SimpleNamespace(axis=-1)
    outer: Any = dense
    for name in reversed(wrappers):
        outer = type(name, (SimpleNamespace,), {})(layer=outer)
    nodes = [call(outer, 1, 2, 2), call(norm, 2, 2, 2)]
    assert layer_graph._feeding(norm, nodes) == [dense]
    other = type("Bidirectional", (SimpleNamespace,), {})(layer=dense)
    nodes = [call(other, 1, 2, 2), call(norm, 2, 2, 2)]
    assert layer_graph._feeding(norm, nodes) == []


@pytest.mark.parametrize(("computed", "kernel"), [(False, "dense/kernel"), (True, "")])
def test_a_kernel_that_is_computed_from_several_variables_is_not_folded(computed: bool, kernel: str) -> None:
    """As with LoRA: `kernel` is no variable of the model then."""
    weight, mean, variance = (SimpleNamespace() for _ in range(3))
    dense = type("Dense", (), {"kernel": SimpleNamespace() if computed else weight, "bias": None})()
    names = {id(weight): "dense/kernel", id(mean): "norm/moving_mean", id(variance): "norm/moving_variance"}
    norm = SimpleNamespace(moving_mean=mean, moving_variance=variance, gamma=None, beta=None, epsilon=0.001, trainable=True)
    assert layer_graph._batch_norm(norm, [dense], names).kernel == kernel
