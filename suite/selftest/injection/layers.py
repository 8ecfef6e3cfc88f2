"""Faults of what other layers compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suite.runner import keras_versions
from suite.selftest.injection.site import Injection, Site

LOWER = {"float64": "float32", "float32": "bfloat16"}


def _called(kind: str, change: Callable[[Any, Any, Callable[..., Any]], Any], name: str = "") -> Injection:
    """`change(layer, inputs, call)` in place of `call` of layers of this kind (and name, or that of the target)."""

    def inject(site: Site) -> None:
        import keras

        layer = getattr(keras.layers, kind)
        call = layer.call

        wanted = site.target or name

        def called(self: Any, inputs: Any, training: bool | None = None) -> Any:
            if wanted and self.name != wanted:
                return call(self, inputs)
            return change(self, inputs, call)

        layer.call = called

    return inject


def _demoted(layer: Any, inputs: Any, call: Callable[..., Any]) -> Any:
    """The output passes through the next lower precision."""
    import keras

    made = call(layer, inputs)
    dtype = keras.backend.standardize_dtype(made.dtype)
    return keras.ops.cast(keras.ops.cast(made, LOWER[dtype]), dtype)


def _moved(layer: Any, inputs: Any, call: Callable[..., Any]) -> Any:
    """As if padding were one row off."""
    import keras

    return call(layer, keras.ops.roll(inputs, 1, axis=1))


def _biased(layer: Any, inputs: Any, call: Callable[..., Any]) -> Any:
    return call(layer, inputs) + layer.bias


def _leaky(site: Site) -> None:
    nn = keras_versions.backend_module("nn")
    nn.relu = lambda x: nn.leaky_relu(x, negative_slope=2.0**-6)


def _dropping(site: Site) -> None:
    """Dropout is active whatever the mode."""
    import keras

    call = keras.layers.Dropout.call
    keras.layers.Dropout.call = lambda self, inputs, training=False: call(self, inputs, training=True)


def _predicted_backwards(site: Site) -> None:
    """`predict` returns rows in reversed order."""
    import keras

    predict = keras.Model.predict
    keras.Model.predict = lambda self, *args, **kwargs: predict(self, *args, **kwargs)[::-1].copy()


INJECTIONS: dict[str, Injection] = {
    "dtype-demoted": _called("Dense", _demoted, name="hidden"),
    "padding-off-by-one": _called("Conv2D", _moved),
    "bias-twice": _called("Dense", _biased, name="middle"),
    "activation-leaky": _leaky,
    "dropout-in-prediction": _dropping,
    "predictions-reversed": _predicted_backwards,
}
