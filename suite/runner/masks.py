"""How a tensor carries a mask from a layer to the next, or to the loss."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def carry(tensor: Any, mask: Any) -> None:
    """Has the tensor carry this mask, as if a layer before had set it."""
    # Private, hence looked for: older versions set the attribute themselves, where the type of the tensor lets them.
    try:
        from keras.src.backend.common.masking import set_keras_mask
    except ImportError:
        with suppress(AttributeError):
            tensor._keras_mask = mask
    else:
        set_keras_mask(tensor, mask)
