"""Has PyTorch compute products of float32 numbers as a GPU does in TF32: operands keep 10 bits of their fraction.

An environment of the tests has this folder first on its path, so that Python imports it at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

DROPPED = 23 - 10


class _Rounded(torch.autograd.Function):  # type: ignore[misc]
    """To the nearest, ties away from zero. Its gradient is that of the identity: a backward product has operands of its
    own."""

    @staticmethod
    def forward(context: Any, values: Any) -> Any:
        words = values.contiguous().view(torch.int32) + (1 << (DROPPED - 1))
        return (words & ~((1 << DROPPED) - 1)).view(torch.float32)

    @staticmethod
    def backward(context: Any, gradient: Any) -> Any:
        return gradient


def _rounding(product: Callable[..., Any]) -> Callable[..., Any]:
    def computed(a: Any, b: Any, *rest: Any, **more: Any) -> Any:
        if a.dtype == b.dtype == torch.float32:
            a, b = _Rounded.apply(a), _Rounded.apply(b)
        return product(a, b, *rest, **more)

    return computed


torch.matmul = _rounding(torch.matmul)
torch.nn.functional.conv2d = _rounding(torch.nn.functional.conv2d)
