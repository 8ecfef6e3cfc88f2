"""Which faults fit a model drawn at random, and what must be said of each: its cause, its stage and its tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from suite.selftest.catalogue import BY_NAME, EVERYWHERE
from suite.selftest.random_models.module import uses
from suite.selftest.random_models.recipe import CONVOLUTIONS, Layer, Made, Recipe, has_bias, weighted


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """A fault as it can be injected in a model. `target`: the layer or tensor that it is about; "" for what the fault is
    about anyway. `stage`, `tensor`: where it must be found, as patterns; those of `tensor` are alternatives. `everywhere`:
    whether a backend could have it in everything that it computes, emulations included."""

    fault: str
    target: str = ""
    cause: str
    stage: str
    tensor: str = "*"
    strategies: tuple[str, ...] = EVERYWHERE
    everywhere: bool = False


def fitting(recipe: Recipe) -> tuple[Fitting, ...]:
    """All of them, in a fixed order."""
    families = (_batch_norm, _replicas, _rows, _losses, _updates, _layers, _state)
    return tuple(one for family in families for one in family(recipe))


def _as_listed(name: str, tensor: str = "", *, target: str = "", everywhere: bool = False) -> Fitting:
    """A fault of the catalogue with its cause, its stage and its strategies."""
    fault = BY_NAME[name]
    return Fitting(
        fault=name,
        target=target,
        cause=fault.cause,
        stage=fault.stage,
        tensor=tensor or "*",
        strategies=fault.strategies,
        everywhere=everywhere,
    )


# ---------------------------------------------------------------- batch normalization

FORWARD_OF_NORM = (
    "bn-epsilon-small", "bn-epsilon-slightly", "bn-uncentred-variance", "bn-inference-in-training",
)  # fmt: skip
STATISTICS_OF_NORM = ("bn-momentum", "bn-momentum-complement", "bn-bessel", "bn-moving-skipped", "bn-moving-twice")
IN_PREDICTION = ("bn-epsilon-in-prediction", "predict-training-mode")


def _batch_norm(recipe: Recipe) -> Iterator[Fitting]:
    norms = recipe.of_kind("BatchNormalization")
    if not norms:
        return
    first = norms[0].name
    for name in FORWARD_OF_NORM:
        yield _as_listed(name, first)
    for name in STATISTICS_OF_NORM:
        yield _as_listed(name, f"{first}/*")
    yield _as_listed("bn-bessel-moving", f"{first}/moving_variance")
    for name in IN_PREDICTION:
        yield _as_listed(name)
    if before := _last_weighted(recipe, frozenset[str]().union(*(recipe.before(norm.name) for norm in norms))):
        yield _as_listed("bn-no-statistics-gradient", f"{before}/*")
    if all(_swappable(recipe, norm) for norm in norms):
        yield _as_listed("bn-axis", f"{first}/*")


def _swappable(recipe: Recipe, layer: Layer) -> bool:
    """Whether its first and last axes are of one size, so that one can be taken for the other."""
    return len(layer.shape) > 1 and layer.shape[0] == layer.shape[-1]


def _last_weighted(recipe: Recipe, among: frozenset[str]) -> str:
    """The one with weights that is called last of these, which comes first backwards; "" if none has weights."""
    return next((layer.name for layer in reversed(recipe.layers) if layer.name in among and weighted(layer)), "")


# ---------------------------------------------------------------- replicas, rows


def _replicas(recipe: Recipe) -> Iterator[Fitting]:
    for name in ("gradients-summed", "gradients-first", "gradients-unreduced", "gradients-uneven"):
        yield _as_listed(name)
    if "clipnorm" in dict(recipe.optimizer.arguments):
        yield _as_listed("clipping-per-replica")
    norms = recipe.of_kind("BatchNormalization")
    if not norms:
        return
    first = norms[0].name
    for name in ("predict-first-replica", "predict-averaged"):
        yield _as_listed(name)
    for name in ("moving-averaged", "moving-first-replica", "statistics-per-replica", "statistics-synchronized"):
        yield _as_listed(name, f"{first}/*")
    yield _as_listed("statistics-of-other-replica", first)


def _rows(recipe: Recipe) -> Iterator[Fitting]:
    yield _as_listed("labels-shifted")
    if recipe.last_batch:
        return  # these faults deal whole batches
    yield _as_listed("shard-repeated")
    for name in ("batch-order", "batch-repeated", "batch-dropped"):
        yield _as_listed(name)
    if recipe.of_kind("BatchNormalization"):  # else it is the same mean over the same rows
        for name in ("shards-strided", "rows-reversed"):
            yield _as_listed(name)


# ---------------------------------------------------------------- loss, gradient, update


def _losses(recipe: Recipe) -> Iterator[Fitting]:
    yield _as_listed("loss-summed")
    yield _as_listed("loss-times-replicas")
    if recipe.outputs == "probabilities":
        yield _as_listed("label-smoothing")
    if any(uses(recipe, name) for name in ("L1", "L2", "L1L2")) or recipe.of_kind("ActivityRegularization"):
        yield _as_listed("regularization-forgotten")
        yield _as_listed("regularization-twice")
    if not _scale_free(recipe.optimizer):
        yield _as_listed("gradient-scaled", everywhere=True)
        for layer in _with_kernel(recipe)[:2]:
            yield _as_listed(
                "gradient-of-one-tensor", f"{layer.name}/kernel", target=f"{layer.name}/kernel", everywhere=True
            )


def _scale_free(optimizer: Made) -> bool:
    """Whether a factor on the gradient makes no other step, or hardly: signs, normalized and clipped gradients."""
    clipped = {"clipnorm", "global_clipnorm", "clipvalue"} & dict(optimizer.arguments).keys()
    return bool(clipped) or optimizer.of.partition(".")[2] != "SGD"


def _with_kernel(recipe: Recipe) -> list[Layer]:
    """Layers with one kernel, the last one first."""
    return [layer for layer in reversed(recipe.layers) if layer.kind in ("Dense", "EinsumDense", *_PLAIN_CONVOLUTIONS)]


_PLAIN_CONVOLUTIONS = tuple(kind for kind in CONVOLUTIONS if kind.startswith("Conv") and kind != "ConvLSTM2D")


def _updates(recipe: Recipe) -> Iterator[Fitting]:
    kind, arguments = recipe.optimizer.of.partition(".")[2], dict(recipe.optimizer.arguments)
    yield _as_listed("learning-rate", everywhere=True)
    if isinstance(arguments["learning_rate"], Made):
        yield _as_listed("schedule-offset", everywhere=True)
    if kind in ("Adam", "AdamW"):
        yield _as_listed("adam-epsilon", everywhere=True)
        yield _as_listed("adam-beta-2", everywhere=True)
        yield _as_listed("adam-bias-correction", everywhere=True)
    if kind == "SGD" and "momentum" in arguments:
        yield _as_listed("slots-forgotten", everywhere=True)
        if "nesterov" not in arguments:
            yield _as_listed("nesterov", everywhere=True)
    if "weight_decay" in arguments or kind == "AdamW":
        yield _as_listed("weight-decay-twice", everywhere=True)
        yield _as_listed("weight-decay-missing", everywhere=True)
    if {"clipnorm", "clipvalue", "global_clipnorm"} & arguments.keys():
        yield _as_listed("clipping-missing", everywhere=True)
    yield _as_listed("output-bias-untrained", "output/bias", target="output/bias", everywhere=True)
    for norm in recipe.of_kind("BatchNormalization")[:1]:
        if norm.argument("scale") is not False:
            tensor = f"{norm.name}/gamma"
            yield _as_listed("gamma-untrained", tensor, target=tensor, everywhere=True)


# ---------------------------------------------------------------- layers

CONSTANTS = (
    "LayerNormalization", "GroupNormalization", "RMSNormalization", "LeakyReLU", "ELU", "Rescaling", "Dropout",
    "MultiHeadAttention",
)  # fmt: skip
SHIFTED = (*CONVOLUTIONS[:7], "MaxPooling", "AveragePooling", "ZeroPadding", "UpSampling")


def _layers(recipe: Recipe) -> Iterator[Fitting]:
    for layer in recipe.layers:
        for fault, fits in OF_ONE_LAYER.items():
            if fits(recipe, layer):
                yield _as_listed(fault, layer.name, target=layer.name, everywhere=True)
        before = _last_weighted(recipe, recipe.before(layer.name))
        if before and layer.passed == "one" and not recipe.feeds_normalization(recipe.by_name[before]):
            yield _as_listed("gradient-cut", f"{before}/*", target=layer.name, everywhere=True)
    if leaky := next((layer for layer in recipe.layers if _is_relu(layer)), None):
        yield _as_listed("activation-leaky", leaky.name, everywhere=True)
    if recipe.of_kind("Dropout"):
        yield _as_listed("dropout-in-prediction")
    yield _as_listed("predictions-reversed")


def _is_relu(layer: Layer) -> bool:
    plain = layer.kind == "ReLU" and not layer.arguments
    return plain or (layer.argument("activation") == "relu" and layer.kind not in ("SimpleRNN", "GRU"))


def _moved_bias(recipe: Recipe, layer: Layer) -> bool:
    """A bias that has an effect."""
    return layer.kind in ("Dense", *_PLAIN_CONVOLUTIONS) and has_bias(layer) and not recipe.feeds_normalization(layer)


def _is_square(recipe: Recipe, layer: Layer) -> bool:
    if layer.kind == "Dense":
        return recipe.shape_of(layer.inputs[0])[-1] == layer.shape[-1]
    return layer.kind in ("Conv2D", "Conv3D") and layer.argument("kernel_size") != 1


def _can_be_flipped(recipe: Recipe, layer: Layer) -> bool:
    return layer.kind in ("Conv1D", "Conv2D", "Conv3D") and layer.argument("kernel_size") != 1


def _other_axis_fits(recipe: Recipe, layer: Layer) -> bool:
    if len(layer.shape) < 2:
        return False
    if layer.kind in ("LayerNormalization", "RMSNormalization"):
        return _swappable(recipe, layer)
    return layer.kind == "UnitNormalization" or (layer.kind == "Softmax" and layer.argument("axis") is None)


OF_ONE_LAYER: dict[str, Callable[[Recipe, Layer], bool]] = {
    "dtype-demoted": lambda recipe, layer: layer.kind == "Dense",
    "layer-constant": lambda recipe, layer: layer.kind in CONSTANTS,
    "bias-skipped": _moved_bias,
    "bias-again": _moved_bias,
    "kernel-transposed": _is_square,
    "kernel-flipped": _can_be_flipped,
    "input-shifted": lambda recipe, layer: layer.kind.startswith(SHIFTED),
    "sequence-reversed": lambda recipe, layer: layer.kind in ("LSTM", "GRU", "SimpleRNN"),
    "axis-swapped": _other_axis_fits,
    "sum-averaged": lambda recipe, layer: layer.kind == "Add",
    "token-off-by-one": lambda recipe, layer: layer.kind == "Embedding",
    "pooling-largest": lambda recipe, layer: layer.kind.startswith("AveragePooling"),
}


# ---------------------------------------------------------------- state and files


def _state(recipe: Recipe) -> Iterator[Fitting]:
    kernels = _with_kernel(recipe)
    for layer in kernels[-1:]:
        tensor = f"{layer.name}/kernel"
        for name in ("initial-tensor-wrong", "initial-tensor-zero"):
            yield _as_listed(name, tensor, target=tensor)
    for a, b in _alike(recipe, kernels):
        yield _as_listed("save-swapped", f"{a}/*|{b}/*", target=f"{a}-{b}")
    for norm in recipe.of_kind("BatchNormalization")[:1]:
        tensor = f"{norm.name}/moving_variance"
        yield _as_listed("variance-not-saved", tensor, target=tensor)
        yield _as_listed("save-last-replica", f"{norm.name}/*")
    yield _as_listed("save-stale")
    if recipe.optimizer.of.partition(".")[2] in ("Adam", "AdamW"):
        yield _as_listed("slots-not-saved", "*/[mv]*")


def _alike(recipe: Recipe, layers: list[Layer]) -> Iterator[tuple[str, str]]:
    """The first two dense layers whose weights have the same shapes."""
    dense = [layer for layer in layers if layer.kind == "Dense" and has_bias(layer)]
    shapes = [(recipe.shape_of(layer.inputs[0])[-1], layer.shape[-1]) for layer in dense]
    for place, shape in enumerate(shapes):
        if shape in shapes[:place]:
            yield dense[shapes.index(shape)].name, dense[place].name
            return
