"""Layers that move a window over places, or change how many there are: drawn as in `layers`."""

from __future__ import annotations

import math

from suite.selftest.random_models.choices import Draw, activation, given, no_bias, of_kernel
from suite.selftest.random_models.recipe import Shape, size
from suite.selftest.random_models.steps import MOST, Step


def _out(places: int, window: int, stride: int, padding: str, dilation: int = 1) -> int:
    """How many places a window has."""
    if padding in ("same", "causal"):
        return math.ceil(places / stride)
    return (places - dilation * (window - 1) - 1) // stride + 1


def convolution(draw: Draw, shape: Shape) -> Step | None:
    rank, channels = len(shape) - 1, shape[-1]
    window = draw.of(1, 2, 3, 3)
    padding = draw.of("valid", "same", "same", *(["causal"] if rank == 1 else []))
    stride = draw.of(1, 1, 2)
    dilation = draw.of(1, 1, 2) if stride == 1 else 1
    filters = draw.of(3, 4, 6, 8)
    places = tuple(_out(one, window, stride, padding, dilation) for one in shape[:-1])
    if min(places) < 1:
        return None
    divides = channels % 2 == 0 and filters % 2 == 0
    arguments = given(
        filters=filters,
        kernel_size=window,
        strides=stride if stride > 1 else None,
        padding=padding,
        dilation_rate=dilation if dilation > 1 else None,
        groups=2 if divides and rank < 3 and dilation == 1 and draw.chance(0.15) else None,
        activation=activation(draw),
        use_bias=no_bias(draw),
    )
    return Step(kind=f"Conv{rank}D", arguments=arguments + of_kernel(draw), shape=(*places, filters))


def transposed_convolution(draw: Draw, shape: Shape) -> Step | None:
    rank = len(shape) - 1
    window, stride, padding, filters = draw.of(2, 3), draw.of(1, 2), draw.of("valid", "same"), draw.of(3, 4)
    places = tuple(one * stride if padding == "same" else one * stride + max(window - stride, 0) for one in shape[:-1])
    if size((*places, filters)) > MOST:
        return None
    arguments = given(
        filters=filters,
        kernel_size=window,
        strides=stride if stride > 1 else None,
        padding=padding,
        activation=activation(draw),
    )
    return Step(kind=f"Conv{rank}DTranspose", arguments=arguments + of_kernel(draw), shape=(*places, filters))


def depthwise_convolution(draw: Draw, shape: Shape) -> Step | None:
    rank, channels = len(shape) - 1, shape[-1]
    window, stride, padding, each = draw.of(2, 3), draw.of(1, 1, 2), draw.of("valid", "same"), draw.of(1, 1, 2)
    places = tuple(_out(one, window, stride, padding) for one in shape[:-1])
    if rank > 2 or min(places) < 1:
        return None
    arguments = given(
        kernel_size=window,
        strides=stride if stride > 1 else None,
        padding=padding,
        depth_multiplier=each if each > 1 else None,
        activation=activation(draw),
        use_bias=no_bias(draw),
    )
    return Step(kind=f"DepthwiseConv{rank}D", arguments=arguments, shape=(*places, channels * each))


def separable_convolution(draw: Draw, shape: Shape) -> Step | None:
    rank = len(shape) - 1
    window, padding, filters = draw.of(2, 3), draw.of("valid", "same"), draw.of(3, 4, 6)
    places = tuple(_out(one, window, 1, padding) for one in shape[:-1])
    if rank > 2 or min(places) < 1:
        return None
    arguments = given(filters=filters, kernel_size=window, padding=padding, activation=activation(draw))
    return Step(kind=f"SeparableConv{rank}D", arguments=arguments, shape=(*places, filters))


def pooling(draw: Draw, shape: Shape) -> Step | None:
    rank = len(shape) - 1
    kind, window, padding = draw.of("Max", "Average"), draw.of(2, 2, 3), draw.of("valid", "valid", "same")
    stride = draw.of(None, None, 1)
    places = tuple(_out(one, window, stride or window, padding) for one in shape[:-1])
    if min(places) < 1:
        return None
    arguments = given(pool_size=window, strides=stride, padding=padding)
    return Step(kind=f"{kind}Pooling{rank}D", arguments=arguments, shape=(*places, shape[-1]))


def adaptive_pooling(draw: Draw, shape: Shape) -> Step | None:
    rank = len(shape) - 1
    target = draw.of(1, 2, 3)
    if min(shape[:-1]) < target:
        return None
    kind = draw.of("Max", "Average")
    arguments = given(output_size=target if rank == 1 else (target,) * rank)
    return Step(kind=f"Adaptive{kind}Pooling{rank}D", arguments=arguments, shape=(*((target,) * rank), shape[-1]))


def border(draw: Draw, shape: Shape) -> Step | None:
    """Padding or cropping."""
    rank = len(shape) - 1
    if draw.chance(0.5) or min(shape[:-1]) < 4:
        places = tuple(one + 2 for one in shape[:-1])
        step = Step(kind=f"ZeroPadding{rank}D", arguments=given(padding=1), shape=(*places, shape[-1]))
    else:
        places = tuple(one - 2 for one in shape[:-1])
        step = Step(kind=f"Cropping{rank}D", arguments=given(cropping=1), shape=(*places, shape[-1]))
    return step if size(step.shape) <= MOST else None


def upsampling(draw: Draw, shape: Shape) -> Step | None:
    rank = len(shape) - 1
    places = tuple(2 * one for one in shape[:-1])
    if size((*places, shape[-1])) > MOST:
        return None
    interpolation = draw.of(None, "bilinear") if rank == 2 else None
    arguments = given(size=2 if rank == 1 else (2,) * rank, interpolation=interpolation)
    return Step(kind=f"UpSampling{rank}D", arguments=arguments, shape=(*places, shape[-1]))


def convolutional_recurrence(draw: Draw, shape: Shape) -> Step | None:
    """Over the first axis of a volume, as over the frames of a film."""
    filters = draw.of(2, 3)
    arguments = given(filters=filters, kernel_size=draw.of(2, 3), padding="same", return_sequences=draw.of(None, True))
    frames = shape[:1] if dict(arguments).get("return_sequences") else ()
    return Step(kind="ConvLSTM2D", arguments=arguments, shape=(*frames, *shape[1:3], filters))
