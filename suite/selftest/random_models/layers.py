"""Layers that can follow a shape: what is drawn of each, and the shape that it makes.

Each function takes a `Draw` and the shape of what comes in, (features,), (steps, features), (height, width, channels) or
(depth, height, width, channels), and gives a `Step`; None where the layer does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping

from suite.selftest.random_models.choices import Draw, activation, given, no_bias, of_kernel
from suite.selftest.random_models.recipe import Made, Shape, size
from suite.selftest.random_models.steps import MOST, WIDTHS, Drawer, Step, alike
from suite.selftest.random_models.windows import (
    adaptive_pooling,
    border,
    convolution,
    convolutional_recurrence,
    depthwise_convolution,
    pooling,
    separable_convolution,
    transposed_convolution,
    upsampling,
)

# ---------------------------------------------------------------- any shape


def dense(draw: Draw, shape: Shape) -> Step | None:
    units = draw.of(*WIDTHS)
    arguments = given(units=units, activation=activation(draw), use_bias=no_bias(draw)) + of_kernel(draw)
    return Step(kind="Dense", arguments=arguments, shape=(*shape[:-1], units))


def einsum_dense(draw: Draw, shape: Shape) -> Step | None:
    if len(shape) > 2:
        return None
    units = draw.of(*WIDTHS)
    letters = "ab" if len(shape) == 1 else "abc"
    equation = f"{letters},{letters[-1]}z->{letters[:-1]}z"
    out = (*shape[:-1], units)
    arguments = given(
        equation=equation, output_shape=out if len(out) > 1 else units, bias_axes="z", activation=activation(draw)
    )
    return Step(kind="EinsumDense", arguments=arguments, shape=out)


def activation_layer(draw: Draw, shape: Shape) -> Step | None:
    slope = draw.of(None, 0.1, 0.25, 0.3)
    return draw.of(
        alike("Activation", shape, activation=activation(draw) or "tanh"),
        alike("LeakyReLU", shape, negative_slope=slope),
        alike("ELU", shape, alpha=draw.of(None, 0.5, 1.5)),
        alike("ReLU", shape, negative_slope=slope, max_value=draw.of(None, 1.5), threshold=draw.of(None, 0.1)),
        alike("PReLU", shape, shared_axes=tuple(range(1, len(shape))) or None, alpha_initializer=_quarter(draw)),
        *([alike("Softmax", shape, axis=draw.of(None, 1) if len(shape) > 1 else None)] if min(shape) > 1 else []),
    )


def _quarter(draw: Draw) -> Made | None:
    return Made(of="initializers.Constant", arguments=(("value", 0.25),)) if draw.chance(0.7) else None


def row_normalization(draw: Draw, shape: Shape) -> Step | None:
    """Normalizes each row by itself; the axis is the last one, as users have it. One or two features would leave signs."""
    if shape[-1] < 3:
        return None
    epsilon = draw.of(None, 1e-5, 0.01)
    choices = [
        alike("LayerNormalization", shape, epsilon=epsilon, center=draw.of(None, False), scale=draw.of(None, None, False)),
        alike("RMSNormalization", shape, epsilon=draw.of(None, 1e-5, 0.01)),
    ]
    choices.append(alike("UnitNormalization", shape))
    groups = [count for count in (2, 3, 4, -1) if count == -1 or shape[-1] % count == 0]
    if len(shape) > 1:
        choices.append(alike("GroupNormalization", shape, groups=draw.of(*groups), epsilon=epsilon))
    return draw.of(*choices)


def batch_normalization(draw: Draw, shape: Shape) -> Step | None:
    # A momentum whose dyadic neighbour is 0.875 would be what a fault sets it to.
    return alike(
        "BatchNormalization",
        shape,
        momentum=draw.of(None, None, 0.8, 0.95),
        epsilon=draw.of(None, None, 1e-5, 0.01),
        center=draw.of(None, None, None, False),
        scale=draw.of(None, None, None, False),
    )


def noise(draw: Draw, shape: Shape) -> Step | None:
    rate, seed = draw.of(0.1, 0.25, 0.4), draw.seed()
    choices = [
        alike("Dropout", shape, rate=rate, seed=seed),
        alike("Dropout", shape, rate=rate, seed=seed),
        alike("GaussianNoise", shape, stddev=0.1, seed=seed),
        alike("GaussianDropout", shape, rate=rate, seed=seed),
        alike("AlphaDropout", shape, rate=rate, seed=seed),
    ]
    if len(shape) in (2, 3):
        choices.append(alike(f"SpatialDropout{len(shape) - 1}D", shape, rate=rate, seed=seed))
    return draw.of(*choices)


def penalty(draw: Draw, shape: Shape) -> Step | None:
    return alike("ActivityRegularization", shape, l2=0.01, l1=draw.of(None, 0.005))


def rescaling(draw: Draw, shape: Shape) -> Step | None:
    return alike("Rescaling", shape, scale=draw.of(0.5, 2.0, 0.3), offset=draw.of(None, 0.1, -0.25))


# ---------------------------------------------------------------- sequences


def recurrence(draw: Draw, shape: Shape) -> Step | None:
    units, whole = draw.of(3, 4, 6), draw.of(None, True)
    kind = draw.of("LSTM", "GRU", "SimpleRNN")
    arguments = given(
        units=units,
        return_sequences=whole,
        go_backwards=True if draw.chance(0.15) else None,
        activation=draw.of(None, None, "relu", "softsign") if kind != "LSTM" else None,
        use_bias=no_bias(draw),
        reset_after=draw.of(None, False) if kind == "GRU" else None,
        recurrent_activation=draw.of(None, "hard_sigmoid") if kind != "SimpleRNN" else None,
    )
    if "go_backwards" in dict(arguments) or not draw.chance(0.35):
        return Step(kind=kind, arguments=arguments + of_kernel(draw), shape=((shape[0], units) if whole else (units,)))
    merge = draw.of("concat", "sum", "mul", "ave")
    inner = Made(of=f"layers.{kind}", arguments=(*arguments, ("name", "one_way")))
    width = 2 * units if merge == "concat" else units
    both = given(layer=inner, merge_mode=merge)
    return Step(kind="Bidirectional", arguments=both, shape=((shape[0], width) if whole else (width,)))


def attention(draw: Draw, shape: Shape) -> Step | None:
    width = draw.of(2, 4)
    choices = [
        Step(
            kind="MultiHeadAttention",
            arguments=given(num_heads=draw.of(1, 2), key_dim=width, use_bias=no_bias(draw)),
            shape=shape,
            passed="each",
        ),
        Step(
            kind="GroupQueryAttention",
            arguments=given(head_dim=width, num_query_heads=4, num_key_value_heads=draw.of(1, 2)),
            shape=shape,
            passed="each",
        ),
        Step(kind="Attention", arguments=given(use_scale=draw.of(None, True)), shape=shape, passed="list"),
        Step(kind="AdditiveAttention", arguments=given(use_scale=draw.of(None, False)), shape=shape, passed="list"),
    ]
    return draw.of(*choices)


def permutation(draw: Draw, shape: Shape) -> Step | None:
    return Step(kind="Permute", arguments=given(dims=(2, 1)), shape=shape[::-1])


# ---------------------------------------------------------------- from one rank to another


def to_vector(draw: Draw, shape: Shape) -> Step:
    """Ends the places: an average, a maximum or all of them; for a sequence also its last state."""
    rank = len(shape) - 1
    whole = Step(kind="Flatten", shape=(size(shape),))
    pooled = [
        Step(kind=f"Global{kind}Pooling{rank}D", arguments=given(keepdims=None), shape=shape[-1:])
        for kind in ("Average", "Max")
    ]
    choices = [*pooled, *([whole] if size(shape) <= 128 else [])]
    return draw.of(*choices)


def repetition(draw: Draw, shape: Shape) -> Step | None:
    count = draw.of(2, 3)
    return Step(kind="RepeatVector", arguments=given(n=count), shape=(count, *shape)) if size(shape) < 40 else None


def reshaping(draw: Draw, shape: Shape) -> Step | None:
    """A vector as a sequence, an image as a sequence, a sequence as an image of one channel."""
    if len(shape) == 1:
        parts = [count for count in (2, 3, 4) if shape[0] % count == 0 and shape[0] > count]
        target: Shape | None = (draw.of(*parts), -1) if parts else None
    elif len(shape) == 3:
        target = (shape[0] * shape[1], shape[2])
    else:
        target = (*shape, 1) if len(shape) == 2 and min(shape) > 2 else None
    if target is None:
        return None
    known = size(shape) // -size(target) if -1 in target else 0
    after = tuple(known if one == -1 else one for one in target)
    return Step(kind="Reshape", arguments=given(target_shape=target), shape=after)


ANY: Mapping[Drawer, float] = {
    activation_layer: 2, row_normalization: 1.5, noise: 1, penalty: 0.3, rescaling: 0.3, dense: 1.5,
}  # fmt: skip
WINDOWS: Mapping[Drawer, float] = {
    convolution: 5, transposed_convolution: 1, depthwise_convolution: 1, separable_convolution: 1, pooling: 2,
    adaptive_pooling: 0.5, border: 0.7, upsampling: 0.6,
}  # fmt: skip
BY_RANK: Mapping[int, Mapping[Drawer, float]] = {
    1: {**ANY, dense: 6, einsum_dense: 0.5, repetition: 0.3, reshaping: 0.5},
    2: {**ANY, **WINDOWS, convolution: 3, recurrence: 4, attention: 2, permutation: 0.4, einsum_dense: 0.5, reshaping: 0.2},
    3: {**ANY, **WINDOWS, reshaping: 0.4},
    4: {**ANY, convolution: 4, pooling: 2, border: 0.5, upsampling: 0.3, convolutional_recurrence: 1.5,
        transposed_convolution: 0.5},
}  # fmt: skip


def following(draw: Draw, shape: Shape) -> Step:
    """Some layer that fits what comes in and makes no more of it than `MOST`."""
    while True:
        step = draw.weighted(BY_RANK[len(shape)])(draw, shape)
        if step is not None and size(step.shape) <= MOST:
            return step
