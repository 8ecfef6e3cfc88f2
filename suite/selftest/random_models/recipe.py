"""The recipe of a model: every layer with its inputs and the shape of its output, the loss, the optimizer and the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

Shape = tuple[int, ...]  # without the rows
Arguments = tuple[tuple[str, object], ...]  # name -> None, a number, a text, a tuple of these, or something `Made`

INPUT, OUTPUT = "inputs", "output"  # what a model begins with, and the name of its last layer with weights

# Layers that pass a mask on; all others drop it.
KEEP_MASKS = frozenset(
    {
        "Activation", "ActivityRegularization", "BatchNormalization", "Bidirectional", "Dense", "Dropout", "ELU", "GRU",
        "GaussianDropout", "GaussianNoise", "Identity", "LSTM", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU",
        "SimpleRNN", "Softmax", "SpatialDropout1D", "AlphaDropout", "UnitNormalization", "Rescaling",
        "Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention", "GroupNormalization",
    }
)  # fmt: skip
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")
CONVOLUTIONS = (
    "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
    "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM2D",
)  # fmt: skip
ATTENTION = ("MultiHeadAttention", "GroupQueryAttention")
NORMALIZATIONS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")
WEIGHTED = frozenset({"Dense", "EinsumDense", "Embedding", "PReLU", *CONVOLUTIONS, *RECURRENT, *ATTENTION, *NORMALIZATIONS})
RANDOM = ("Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D")


@dataclass(frozen=True, kw_only=True)
class Made:
    """`keras.<of>(**arguments)`, such as `keras.regularizers.L2(l2=0.01)`."""

    of: str
    arguments: Arguments = ()


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One call of a layer. `kind`: its class in `keras.layers`; `inputs`: names of the layers before it, or INPUT; `passed`:
    "one", "list" (`layer([a, b])`) or "each" (`layer(a, b)`); `shape`: of its output; `masked`: whether that has a mask."""

    name: str
    kind: str
    arguments: Arguments = ()
    inputs: tuple[str, ...] = (INPUT,)
    passed: str = "one"
    shape: Shape
    masked: bool = False

    def argument(self, name: str) -> object:
        """None where it is not given."""
        return dict(self.arguments).get(name)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`kind`: "vectors", "sequences", "tokens", "images", "pixels" (0 to 255) or "volumes"; `vocabulary`: how many tokens
    there are, 0 of anything else. Token 0 is padding."""

    kind: str
    shape: Shape
    vocabulary: int = 0


@dataclass(frozen=True, kw_only=True)
class Targets:
    """`kind`: "classes" (integers), "one-hot", "binary" (0 or 1), "signs" (-1 or 1), "values" or "positive"; `units`: the
    width of the output."""

    kind: str
    units: int


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """`layers`: in an order in which each comes after its inputs; the last one is the model's output. `outputs`: as in a
    scenario. `loss`: a name, or what is made. `rows`: to train on; twice a batch is predicted."""

    seed: int
    inputs: Inputs
    layers: tuple[Layer, ...]
    outputs: str
    targets: Targets
    loss: str | Made
    optimizer: Made
    batch: int
    last_batch: int
    steps: int

    @property
    def name(self) -> str:
        return f"random-{self.seed}"

    @property
    def rows(self) -> int:
        return self.batch * min(self.steps, 5)

    # -- layers by name

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    def shape_of(self, name: str) -> Shape:
        return self.inputs.shape if name == INPUT else self.by_name[name].shape

    def of_kind(self, *kinds: str) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if layer.kind in kinds)

    def before(self, name: str) -> frozenset[str]:
        """The layers that what a layer gets is computed from."""
        found: set[str] = set()
        todo = [one for one in self.by_name[name].inputs if one != INPUT]
        while todo:
            if (one := todo.pop()) not in found:
                found.add(one)
                todo += [other for other in self.by_name[one].inputs if other != INPUT]
        return frozenset(found)

    def after(self, name: str) -> frozenset[str]:
        """The layers that are computed from it."""
        return frozenset(layer.name for layer in self.layers if name in self.before(layer.name))

    def consumers(self, name: str) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if name in layer.inputs)

    def trained(self) -> tuple[Layer, ...]:
        """Layers with weights that training moves."""
        return tuple(layer for layer in self.layers if weighted(layer))

    def feeds_normalization(self, layer: Layer) -> bool:
        """Whether its output goes into a batch normalization, on which its bias has no effect."""
        return any(one.kind == "BatchNormalization" for one in self.consumers(layer.name))


def weighted(layer: Layer) -> bool:
    if layer.kind in ("BatchNormalization", "LayerNormalization"):
        return layer.argument("scale") is not False or layer.argument("center") is not False
    if layer.kind in ("Attention", "AdditiveAttention"):
        return layer.argument("use_scale") is not (False if layer.kind == "AdditiveAttention" else None)
    return layer.kind in WEIGHTED


def has_bias(layer: Layer) -> bool:
    return layer.kind in ("Dense", *CONVOLUTIONS) and layer.argument("use_bias") is not False


def size(shape: Shape) -> int:
    return math.prod(shape)


def made_in(value: object) -> Iterator[Made]:
    """Everything made inside of a value."""
    if isinstance(value, Made):
        yield value
        for _, argument in value.arguments:
            yield from made_in(argument)
    elif isinstance(value, tuple):
        for one in value:
            yield from made_in(one)
