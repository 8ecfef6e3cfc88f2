"""The shared stream is a known hash, by operators that integers of every backend have."""

from __future__ import annotations

import numpy as np
import pytest

from suite.runner.random_streams import MASK, _mixed


def finalizer(value: int) -> int:
    """MurmurHash3's, as its author gives it (fmix32), in Python's integers."""
    value &= MASK
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & MASK
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & MASK
    return value ^ (value >> 16)


def test_the_hash_is_that_of_murmurhash3() -> None:
    assert finalizer(1) == 0x514E28B7, "as published"
    values = [0, 1, 2, 2**16, 2**31, 2**32 - 1, 2**32, 2**40 + 12345, 2**62 + 7]
    assert [_mixed(value) for value in values] == [finalizer(value) for value in values]


@pytest.mark.filterwarnings("ignore:overflow")
def test_integers_of_64_bits_hold_it_also_where_products_overflow() -> None:
    values = np.array([1, 2**31, 2**32 - 1, -5, 2**62 + 7], np.int64)
    assert _mixed(values).tolist() == [finalizer(int(value)) for value in values]
