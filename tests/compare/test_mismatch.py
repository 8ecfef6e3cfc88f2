"""Why two sides cannot be compared, in words that fit what they are of."""

from __future__ import annotations

import numpy as np
import pytest

from suite.compare import EVALUATION, HISTORY, WEIGHTS
from suite.compare.measuring import mismatch

ONE = np.ones(1)


@pytest.mark.parametrize(
    ("quantity", "first", "second", "said"),
    [
        (WEIGHTS, "a", "ab", "1 tensor is on one side only: b"),
        (WEIGHTS, "abc", "a", "2 tensors are on one side only, the first: b"),
        (EVALUATION, "a", "abc", "evaluate gives b, c on one side only"),
        (HISTORY, "ab", "cd", "fit says a, b, c on one side only (and more)"),
        (EVALUATION, "ab", "ab", ""),
        (WEIGHTS, "", "a", "one side has nothing to compare"),
    ],
)
def test_names_on_one_side_are_said(quantity: str, first: str, second: str, said: str) -> None:
    one, other = (dict.fromkeys(names, ONE) for names in (first, second))
    assert mismatch(one, other, quantity) == mismatch(other, one, quantity) == said
