"""Faults of one named layer of any model: its constants, its weights, what it gets, and the gradient that it passes on.

The name of the layer is the site's target. Its class is patched, and does its own work in every other layer of that class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from suite.selftest.injection.site import Injection, Site

# (layer, its first input, what makes the call with an input in its place) -> what the call returns
Change = Callable[[Any, Any, Callable[[Any], Any]], Any]

# A constant by the class of the layer, and what it is multiplied by. Dyadic factors keep dyadic constants dyadic.
CONSTANTS = {
    "LayerNormalization": ("epsilon", 32.0),
    "GroupNormalization": ("epsilon", 32.0),
    "RMSNormalization": ("epsilon", 2.0**12),
    "LeakyReLU": ("negative_slope", 1.5),
    "ELU": ("alpha", 0.75),
    "Rescaling": ("scale", 1.125),
    "Dropout": ("rate", 0.75),
    "MultiHeadAttention": ("_inverse_sqrt_key_dim", 1.25),
}


def _called(change: Change) -> Injection:
    """`change` in place of what the target's `call` computes."""

    def inject(site: Site) -> None:
        import keras

        for kind in _classes(keras.layers):
            if "call" in vars(kind):
                kind.call = _changed(kind.call, site.target, change)

    return inject


def _classes(namespace: Any) -> list[Any]:
    """Every class of layers, and those that they inherit `call` from, each once."""
    import keras

    found = [one for one in vars(namespace).values() if isinstance(one, type) and issubclass(one, keras.Layer)]
    return list(dict.fromkeys(base for one in found for base in one.__mro__ if issubclass(base, keras.Layer)))


def _changed(call: Callable[..., Any], target: str, change: Change) -> Callable[..., Any]:
    @wraps(call)  # Keras reads the signature
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.name != target or getattr(self, "_fault_inside", False):
            return call(self, *args, **kwargs)
        first, *rest = args

        def proceed(inputs: Any) -> Any:
            # A class may call the `call` of the one that it inherits from, which is patched as well.
            self.__dict__["_fault_inside"] = True
            try:
                return call(self, inputs, *rest, **kwargs)
            finally:
                del self.__dict__["_fault_inside"]

        return change(self, first, proceed)

    return called


@contextmanager
def _with(layer: Any, name: str, value: Any) -> Iterator[None]:
    """The attribute has this value. Straight into the instance: Keras tracks what is set as an attribute."""
    before = layer.__dict__[name]
    layer.__dict__[name] = value
    try:
        yield
    finally:
        layer.__dict__[name] = before


def _constant(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """A constant is another one."""
    name, factor = CONSTANTS[type(layer).__name__]
    with _with(layer, name, layer.__dict__[name] * factor):
        return call(inputs)


def _no_bias(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """The bias is not added."""
    with _with(layer, "bias", None), _with(layer, "use_bias", False):
        return call(inputs)


def _transposed(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """Rows and columns of the kernel are swapped; those of the window, for a convolution."""
    from keras import ops

    kernel = ops.convert_to_tensor(layer.kernel)
    axes = list(range(len(kernel.shape)))
    axes[0], axes[1] = axes[1], axes[0]
    with _with(layer, "_kernel", ops.transpose(kernel, axes)):
        return call(inputs)


def _flipped(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """The window is turned round, as in a convolution of mathematics."""
    from keras import ops

    with _with(layer, "_kernel", ops.flip(ops.convert_to_tensor(layer.kernel), axis=0)):
        return call(inputs)


def _rolled(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """What comes in is one place off, as if padding were on the other side."""
    from keras import ops

    return call(ops.roll(inputs, 1, axis=1))


def _backwards(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """A sequence is read from its end."""
    from keras import ops

    return call(ops.flip(inputs, axis=1))


def _other_axis(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """The layer works along the first axis after the rows in place of the last one."""
    from keras import ops

    axes = list(range(len(inputs.shape)))
    axes[1], axes[-1] = axes[-1], axes[1]
    return ops.transpose(call(ops.transpose(inputs, axes)), axes)


def _cut(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """No gradient goes on to the layers before it: it is zero, and not missing."""
    from keras import ops

    return call(ops.stop_gradient(inputs) + 0.0 * inputs)


def _averaged(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """A sum is divided by how many there are."""
    return call(inputs) / len(inputs)


def _next_token(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """Each token gets the row of the next one."""
    from keras import ops

    return call(ops.mod(inputs + 1, layer.input_dim))


def _largest(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    """The largest in a window in place of the average."""
    from keras import ops

    return ops.max_pool(inputs, layer.pool_size, layer.strides, layer.padding, layer.data_format)


def _bias_again(layer: Any, inputs: Any, call: Callable[[Any], Any]) -> Any:
    return call(inputs) + layer.bias


INJECTIONS: dict[str, Injection] = {
    "layer-constant": _called(_constant),
    "bias-skipped": _called(_no_bias),
    "bias-again": _called(_bias_again),
    "kernel-transposed": _called(_transposed),
    "kernel-flipped": _called(_flipped),
    "input-shifted": _called(_rolled),
    "sequence-reversed": _called(_backwards),
    "axis-swapped": _called(_other_axis),
    "gradient-cut": _called(_cut),
    "sum-averaged": _called(_averaged),
    "token-off-by-one": _called(_next_token),
    "pooling-largest": _called(_largest),
}
