"""The gradient of a loss, on any backend, and of gradients what all backends need."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from suite.runner.oracle.programs import Programs

Loss = Callable[[Any], tuple[Any, Any]]  # what is given -> the loss, a scalar tensor, and other tensors that are wanted
Found = tuple[Any, Any, list[Any]]  # the loss, those tensors, and the gradients


def value_and_gradients(
    loss: Loss,
    given: Any,
    variables: Sequence[Any],
    state: Sequence[Any],
    *,
    programs: Programs | None = None,
    key: Hashable = None,
) -> Found:
    """`loss(given)`, and its gradient for each of `variables`, a tensor of that shape and dtype. Where the loss does not
    depend on a variable: zeros on JAX and None elsewhere, as in the backends' training.

    `loss` may assign `state` variables, as a forward pass does; the assignments are there afterwards. `given`: arrays in
    any structure. With `programs`, JAX compiles the whole once for each `key`; else, and on other backends, it is eager.
    """
    import keras

    if keras.backend.backend() == "jax":
        return _jax(loss, given, variables, state, programs or Programs(), key)
    return (_torch if keras.backend.backend() == "torch" else _tensorflow)(loss, given, variables)


def dense(gradient: Any) -> Any:
    """The same as one tensor: rows that occur twice are added."""
    if not hasattr(gradient, "dense_shape"):
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _torch(loss: Loss, given: Any, variables: Sequence[Any]) -> Found:
    import torch

    with torch.enable_grad():
        value, more = loss(given)
    if not variables or not value.requires_grad:  # nothing is trained, or nothing that the loss depends on
        return value.detach(), more, [None] * len(variables)
    gradients = torch.autograd.grad(value, [variable.value for variable in variables], allow_unused=True)
    return value.detach(), more, list(gradients)


def _tensorflow(loss: Loss, given: Any, variables: Sequence[Any]) -> Found:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value, more = loss(given)
    return value, more, tape.gradient(value, [variable.value for variable in variables])


def _jax(loss: Loss, given: Any, variables: Sequence[Any], state: Sequence[Any], programs: Programs, key: Hashable) -> Found:
    import jax
    from keras import StatelessScope

    def stateless(values: list[Any], states: list[Any], given: Any) -> tuple[Any, tuple[Any, list[Any]]]:
        mapping = [*zip(variables, values, strict=True), *zip(state, states, strict=True)]
        with StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            value, more = loss(given)
        return value, (more, [scope.get_current_value(variable) for variable in state])

    program = programs.made(key, lambda: jax.value_and_grad(stateless, has_aux=True))
    start = [variable.value for variable in variables]
    (value, (more, after)), gradients = program(start, [variable.value for variable in state], given)
    for variable, moved in zip(state, after, strict=True):
        variable.assign(moved)
    return value, more, gradients


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
