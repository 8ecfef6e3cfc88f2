"""Which layer feeds which, found by calling the model on symbolic tensors: groups of variables, and what BN can fold into.

Sequential, Functional, subclassed and nested models are all walked the same way: every model inside is opened up, every
other layer is a node. What happens inside a custom layer stays unseen; its variables get the safe groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.records import SEED, BatchNorm, Tensor, TensorGroup
from suite.runner import keras_versions, models
from suite.runner.layer_calls import layer_calls

# Layers that a constant added to each channel passes through unchanged, so that a batch normalization behind removes it.
TRANSPARENT = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D",
               "AveragePooling3D", "Identity", "Permute", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
               "GlobalMaxPooling1D", "GlobalMaxPooling2D")  # fmt: skip
# Layers that call another one, and return what it returns: its bias is to a batch normalization what it is without them.
WRAPPERS = ("SpectralNormalization", "TimeDistributed")

# Layers with a kernel whose last axis is the channel that the batch normalization normalizes.
FOLDABLE = ("Dense", "Conv1D", "Conv2D", "Conv3D")

NORM_ATTRIBUTES = {
    TensorGroup.SCALE_OR_SHIFT: ("gamma", "beta"),
    TensorGroup.MOVING_MEAN: ("moving_mean",),
    TensorGroup.MOVING_VARIANCE: ("moving_variance",),
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """One call of a layer: the identities of the symbolic tensors that went in and came out, and how many axes the first of
    each has."""

    layer: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ranks: tuple[int, int] = (0, 0)


def walk(model: Any, inputs: Any) -> tuple[list[Node], tuple[int, ...]]:
    """The calls in a forward pass of a built model, in order, and the identities of the model's outputs. `inputs`: arrays
    (rows, ...) as training takes them."""
    return walk_symbolic(model, symbolic(inputs))


def walk_symbolic(model: Any, inputs: Any) -> tuple[list[Node], tuple[int, ...]]:
    """The same from symbolic inputs, whose identities the first nodes have."""
    import keras

    tree = keras_versions.tree()
    nodes: list[Node] = []
    alive: list[Any] = []  # identities are only unique among living objects

    def tensors(value: Any) -> list[Any]:
        return [leaf for leaf in tree.flatten(value) if isinstance(leaf, keras.KerasTensor)]

    def ids(value: Any) -> tuple[int, ...]:
        alive.extend(tensors(value))
        return tuple(id(tensor) for tensor in tensors(value))

    def noted(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(layer, keras.Model):
            return layer.call(*args, **_without_none(kwargs))
        outputs = proceed(layer, *args, **kwargs)
        if (fed := ids((args, kwargs))) and (made := ids(outputs)):
            ranks = (len(tensors((args, kwargs))[0].shape), len(tensors(outputs)[0].shape))
            nodes.append(Node(layer=layer, inputs=fed, outputs=made, ranks=ranks))
        return outputs

    with layer_calls(noted, symbolic=True):
        outputs = model.call(inputs)
    return nodes, ids(outputs)


def _without_none(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if value is not None}


def symbolic(inputs: Any) -> Any:
    """Symbolic inputs, with any number of rows, in place of arrays (rows, ...)."""
    import keras

    def tensor(array: np.ndarray) -> Any:
        dtype = keras.config.floatx() if array.dtype.kind == "f" else str(array.dtype)
        return keras.KerasTensor((None, *array.shape[1:]), dtype)

    return keras_versions.tree().map_structure(tensor, inputs)


def describe(model: Any, inputs: Any) -> tuple[tuple[Tensor, ...], tuple[BatchNorm, ...], tuple[str, ...]]:
    """The model's variables in their groups, its batch normalizations, and the names of layers that draw random numbers.
    `inputs`: arrays (rows, ...) as training takes them."""
    try:
        nodes, outputs = walk(model, inputs)
    except Exception as error:  # any model may refuse symbolic calls: then groups are coarser, and say so by being empty
        print(f"the graph of {model.name} cannot be walked ({type(error).__name__}: {error}); groups are coarser")
        nodes, outputs = [], ()
    names = {id(variable): name for name, variable in models.variables(model).items()}
    norms = models.batch_norm_layers(model)
    feeding = {id(norm): _feeding(norm, nodes) for norm in norms}
    silent = {id(layer.bias) for norm in norms for layer in feeding[id(norm)] if norm.trainable and _has_bias(layer)}
    silent |= {id(bias) for layer in models.layers_of(model) if (bias := key_bias(layer)) is not None}
    heads = {id(layer) for layer in _heads(nodes, outputs)}
    owners = {id(variable): layer for layer in models.layers_of(model) for variable in layer._trainable_variables}
    tensors = tuple(
        Tensor(
            name=path,
            shape=tuple(variable.shape),
            dtype=str(variable.dtype),
            group=_group(variable, owners.get(id(variable)), norms, silent, heads),
            layer=path.rsplit("/", 1)[0],
        )
        for path, variable in models.variables(model).items()
    )
    idle = {
        names.get(id(state)) for layer in models.layers_of(model) if not draws(layer) for state in models.seed_states(layer)
    }
    seeds = [one for one in tensors if one.name.endswith(SEED) and one.name not in idle]
    drawing = tuple(sorted(one.layer for one in seeds))
    return tensors, tuple(_batch_norm(norm, feeding[id(norm)], names) for norm in norms if norm.built), drawing


def draws(layer: Any) -> bool:
    """Whether a layer with a seed draws random numbers in training: not if all that it would draw for is dropout at a rate
    of zero, as in most recurrent and attention layers."""
    try:
        settings = layer.get_config()
    except NotImplementedError:  # Keras cannot say what the settings of such a class are
        return True
    rates = [settings[name] for name in ("dropout", "recurrent_dropout") if name in settings]
    return not rates or any(rates)


def _group(variable: Any, owner: Any, norms: list[Any], silent: set[int], heads: set[int]) -> TensorGroup:
    for norm in norms:
        for group, attributes in NORM_ATTRIBUTES.items():
            if any(getattr(norm, attribute, None) is variable for attribute in attributes):
                return group
    if not variable.trainable:
        return TensorGroup.OTHER
    if id(variable) in silent:
        return TensorGroup.NEUTRAL_BIAS
    return TensorGroup.OUTPUT_LAYER if id(owner) in heads else TensorGroup.KERNEL


def key_bias(layer: Any) -> Any:
    """The bias of an attention's keys, whose exact gradient is zero: it adds the same to the score of every key, which the
    softmax over keys takes away again. None where there is none, or where a penalty gives it a gradient."""
    keys = getattr(layer, "_key_dense", None)  # private: Keras has no other name for it
    return None if getattr(keys, "bias_regularizer", None) is not None else getattr(keys, "bias", None)


def _feeding(norm: Any, nodes: list[Node]) -> list[Any]:
    """The linear layers whose output goes into this batch normalization and nowhere else, with the axis of their channels
    where it normalizes."""
    feeding: list[Any] = []
    for node in nodes:
        if node.layer is norm:
            axis, source = norm.axis % node.ranks[0], _producer(node.inputs[:1], nodes)
            while source is not None and type(source.layer).__name__ in TRANSPARENT and _used_once(source, nodes):
                axis, source = _before(source, axis), _producer(source.inputs[:1], nodes)
            if source is None or not _linear(layer := _within(source.layer)) or not _used_once(source, nodes):
                continue
            if axis == _channels(layer, source.ranks[1]):
                feeding.append(layer)
    return feeding


def _before(node: Node, axis: int) -> int:
    """The axis of what went into a layer of `TRANSPARENT` that is this axis of what came out."""
    kind, (before, after) = type(node.layer).__name__, node.ranks
    if kind == "Permute" and axis:
        return int(node.layer.dims[axis - 1])
    return _channels(node.layer, before) if kind.startswith("Global") and after < before else axis


def _channels(layer: Any, rank: int) -> int:
    """The axis of a layer's channels, of so many axes."""
    return 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1


def _producer(tensors: tuple[int, ...], nodes: list[Node]) -> Node | None:
    return next((node for node in nodes if set(tensors) & set(node.outputs)), None)


def _used_once(node: Node, nodes: list[Node]) -> bool:
    uses = sum(len(set(other.inputs) & set(node.outputs)) for other in nodes)
    calls = sum(other.layer is node.layer for other in nodes)
    return uses == 1 and calls == 1


def _within(layer: Any) -> Any:
    """The layer that a wrapper calls, with its output unchanged."""
    while type(layer).__name__ in WRAPPERS:
        layer = layer.layer
    return layer


def _linear(layer: Any) -> bool:
    import keras

    return getattr(layer, "activation", None) is keras.activations.linear and hasattr(layer, "kernel")


def _has_bias(layer: Any) -> bool:
    return getattr(layer, "bias", None) is not None


def _heads(nodes: list[Node], outputs: tuple[int, ...]) -> list[Any]:
    """The last layers with trained weights on the way to each output."""
    heads, todo, seen = [], list(outputs), set()
    while todo:
        node = _producer((todo.pop(),), nodes)
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if getattr(node.layer, "trainable_weights", None):
            heads.append(node.layer)
        else:
            todo.extend(node.inputs)
    return heads


def _batch_norm(norm: Any, feeding: list[Any], names: dict[int, str]) -> BatchNorm:
    layer = feeding[0] if len(feeding) == 1 and type(feeding[0]).__name__ in FOLDABLE else None
    if layer is not None and id(layer.kernel) not in names:  # computed from several variables, as with LoRA
        layer = None

    def name(variable: Any) -> str:
        return names[id(variable)] if variable is not None else ""

    return BatchNorm(
        name=name(norm.moving_mean).rpartition("/")[0],
        mean=name(norm.moving_mean),
        variance=name(norm.moving_variance),
        gamma=name(norm.gamma),
        beta=name(norm.beta),
        epsilon=float(norm.epsilon),
        kernel=name(layer.kernel) if layer else "",
        bias=name(layer.bias) if layer and _has_bias(layer) else "",
        axis=-1,
        trainable=bool(norm.trainable),
    )
