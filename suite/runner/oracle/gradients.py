"""The gradient of a loss that is computed eagerly, on any backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def value_and_gradients(loss: Callable[[], Any], variables: Sequence[Any], state: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The value of `loss()`, a scalar tensor, and its gradient for each of `variables`, a tensor of that shape and
    dtype. Where the loss does not depend on a variable: zeros on JAX and None elsewhere, as in the backends' training.

    `loss` may assign `state` variables, as a forward pass does; the assignments are there afterwards.
    """
    import keras

    return BACKENDS[keras.backend.backend()](loss, variables, state)


def dense(gradient: Any) -> Any:
    """The same as one tensor: rows that occur twice are added."""
    if not hasattr(gradient, "dense_shape"):
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _torch(loss: Callable[[], Any], variables: Sequence[Any], state: Sequence[Any]) -> tuple[Any, list[Any]]:
    import torch

    with torch.enable_grad():
        value = loss()
    if not variables or not value.requires_grad:  # nothing is trained, or nothing that the loss depends on
        return value.detach(), [None] * len(variables)
    gradients = torch.autograd.grad(value, [variable.value for variable in variables], allow_unused=True)
    return value.detach(), list(gradients)


def _tensorflow(loss: Callable[[], Any], variables: Sequence[Any], state: Sequence[Any]) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = loss()
    return value, tape.gradient(value, [variable.value for variable in variables])


def _jax(loss: Callable[[], Any], variables: Sequence[Any], state: Sequence[Any]) -> tuple[Any, list[Any]]:
    import jax
    from keras import StatelessScope

    def stateless(values: list[Any]) -> tuple[Any, list[Any]]:
        mapping = [*zip(variables, values, strict=True), *((variable, variable.value) for variable in state)]
        with StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            value = loss()
        return value, [scope.get_current_value(variable) for variable in state]

    start = [variable.value for variable in variables]
    (value, after), gradients = jax.value_and_grad(stateless, has_aux=True)(start)
    for variable, moved in zip(state, after, strict=True):
        variable.assign(moved)
    return value, gradients


def changed(gradient: Any, change: Callable[[Any], Any]) -> Any:
    """The gradient with `change` made to its numbers; `change` is linear. None stays None."""
    if _is_sparse(gradient):
        return type(gradient)(change(gradient.values), gradient.indices, gradient.dense_shape)
    return None if gradient is None else change(gradient)


def total(gradients: Sequence[Any]) -> Any:
    """The sum of gradients of one variable; None if there is none. Sparse ones, as TensorFlow has of embeddings, are put one
    behind the other, as its strategies do: an optimizer may treat rows that appear twice in its own way."""
    import keras

    given = [gradient for gradient in gradients if gradient is not None]
    if given and all(map(_is_sparse, given)):
        values, indices = (keras.ops.concatenate([getattr(one, name) for one in given]) for name in ("values", "indices"))
        return type(given[0])(values, indices, given[0].dense_shape)
    return sum(given[1:], given[0]) if given else None


def _is_sparse(gradient: Any) -> bool:
    return hasattr(gradient, "dense_shape")


BACKENDS = {"torch": _torch, "tensorflow": _tensorflow, "jax": _jax}
