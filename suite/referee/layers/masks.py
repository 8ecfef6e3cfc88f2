"""The masks of a call: which entries count. They come with the inputs, or as an argument "mask"."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.referee.definition import Call

Mask = NDArray[np.bool_]


def mask_of(asked: Call, index: int = 0) -> Mask | None:
    """The mask of one input, True where an entry counts; None if all count. The argument "mask" of the call goes first: a
    mask, or a list of masks, one for each input. Numbers above 1/2 mean True."""
    given = asked.arguments.get("mask")
    if given is None:
        given = asked.masks
    elif not isinstance(given, list | tuple):
        given = (given,)
    return boolean(given[index]) if index < len(given) else None


def boolean(mask: Any) -> Mask | None:
    """A mask as booleans; None stays None."""
    if mask is None:
        return None
    values = np.asarray(mask)
    return values if values.dtype == np.bool_ else values > 0.5
