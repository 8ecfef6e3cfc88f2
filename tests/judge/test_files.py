"""Which predictions of a file are safe, and which environment is odd."""

from __future__ import annotations

from typing import Any

import pytest

from suite.judge import files
from suite.records.files import (
    FileCode,
    FileInEnvironment,
    FileMeasurement,
    FileWord,
    LayerPlace,
    PairOfPredictions,
)


def pair(a: str, b: str, float64: float | None = 1e-15, float32: float = 2e-7, **more: float) -> PairOfPredictions:
    return PairOfPredictions(a=a, b=b, float32=float32, float64=float64, **more)


def measured(*pairs: PairOfPredictions, errors: dict[str, float | None] | None = None, **more: Any) -> FileMeasurement:
    names = dict.fromkeys(name for one in pairs for name in (one.a, one.b))
    known = dict.fromkeys(names, 1e-7) | (errors or {})
    environments = tuple(FileInEnvironment(name=name, error=error) for name, error in known.items())
    return FileMeasurement(environments=environments, pairs=pairs, **more)


def triple(float64: float, float32: float = 2e-7) -> tuple[PairOfPredictions, ...]:
    """a and b agree; c is so far from both."""
    return pair("a", "b"), pair("a", "c", float64, float32), pair("b", "c", float64, float32)


def test_equal_in_float64_is_safe() -> None:
    verdict = files.judge(measured(*triple(1e-12)))
    assert (verdict.word, verdict.code, verdict.odd) == (FileWord.SAFE, FileCode.AGREES, ())


@pytest.mark.parametrize("far", [1e-9, 1e-6, 0.3])
def test_who_differs_from_all_others_is_odd(far: float) -> None:
    verdict = files.judge(measured(*triple(far, max(far, 1e-4))))
    assert (verdict.word, verdict.code, verdict.odd) == (FileWord.DIFFERENT, FileCode.COMPUTES, ("c",))
    assert "c" in verdict.pair


def test_of_two_nobody_is_odd_and_of_three_that_all_differ_neither() -> None:
    assert files.judge(measured(pair("a", "b", 0.1, 0.1))).odd == ()
    assert files.judge(measured(*(pair(a, b, 0.1, 0.1) for a, b in (("a", "b"), ("a", "c"), ("b", "c"))))).odd == ()


def test_constants_that_one_backend_rounds_are_no_difference_unless_they_differ() -> None:
    rounded = pair("a", "b", 1e-8, dyadic=1e-15)
    assert files.needs_dyadic(measured(pair("a", "b", 1e-8)))
    assert files.judge(measured(rounded)).code is FileCode.CONSTANTS
    assert files.judge(measured(rounded, other_constants=("norm/epsilon",))).word is FileWord.DIFFERENT


def test_a_gap_that_float32_explains_is_safe_where_it_begins_in_a_layer_and_grows_no_wider() -> None:
    gap = measured(pair("a", "b", 3e-7, dyadic=3e-7))
    narrow = LayerPlace(name="resize", of="Resizing", gap=3e-7, narrow=True)
    wide = LayerPlace(name="pool", of="AveragePooling2D", gap=3e-3)
    assert files.judge(gap, narrow).code is FileCode.FLOAT32_INSIDE
    hidden = measured(pair("a", "b", 4e-6, 4e-7, dyadic=4e-6), errors={"a": 4e-7, "b": 4e-6})
    assert files.judge(hidden, narrow).code is FileCode.FLOAT32_INSIDE
    assert files.judge(hidden, wide).word is FileWord.DIFFERENT
    assert files.judge(gap, wide).word is FileWord.DIFFERENT
    assert files.judge(measured(pair("a", "b", 3e-5, 3e-5)), narrow).word is FileWord.DIFFERENT


def test_one_side_that_rounds_far_more_is_inaccurate() -> None:
    found = measured(*triple(1e-15, 1e-2), errors={"c": 1e-2})
    assert (files.judge(found).code, files.judge(found).odd) == (FileCode.KERNEL, ("c",))
    assert files.judge(measured(pair("a", "b", 1e-15, 1e-2), errors={"b": 1e-2})).odd == ("b",)
    both = measured(*triple(1e-15, 1e-2), errors={"a": 1e-2, "b": 5e-3, "c": 1e-2})
    assert files.judge(both).word is FileWord.SAFE


def test_only_in_float64_is_said() -> None:
    assert files.judge(measured(pair("a", "b", 0.1, 1e-7))).code is FileCode.FLOAT64_ONLY


def test_without_float64_only_a_large_difference_is_known() -> None:
    for far, code in ((0.2, FileCode.COMPUTES), (1e-5, FileCode.NO_FLOAT64)):
        assert files.judge(measured(pair("a", "b", None, far), errors={"b": None})).code is code


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ({"missing": ("kernel",)}, FileCode.INCOMPLETE_FILE, FileWord.UNDECIDED),
        ({"drawing": ("dropout",)}, FileCode.RANDOM, FileWord.UNDECIDED),
        ({"other_rows": True}, FileCode.OTHER_ROWS, FileWord.UNDECIDED),
        ({"other_shapes": True}, FileCode.SHAPES, FileWord.DIFFERENT),
    ],
)
def test_what_was_not_compared_is_never_safe(more: dict[str, Any], code: FileCode, word: FileWord) -> None:
    verdict = files.judge(measured(pair("a", "b"), **more))
    assert (verdict.code, verdict.word) == (code, word)
    assert not files.needs_dyadic(measured(pair("a", "b", 0.1), **more))


def test_evaluations_that_differ_are_different_although_predictions_agree() -> None:
    assert files.judge(measured(pair("a", "b", evaluation=0.01))).code is FileCode.EVALUATES
    assert files.judge(measured(pair("a", "b", evaluation=1e-12))).code is FileCode.AGREES


def test_nothing_loaded_and_one_alone_are_undecided() -> None:
    broken = FileInEnvironment(name="a", reason="it does not load")
    assert files.judge(FileMeasurement(environments=(broken,))).code is FileCode.NOT_LOADED
    one = FileInEnvironment(name="b", error=1e-7)
    assert files.judge(FileMeasurement(environments=(broken, one))).code is FileCode.ALONE
    infinite = FileInEnvironment(name="b", not_finite=0.5)
    assert files.judge(FileMeasurement(environments=(broken, infinite))).word is FileWord.INVALID
