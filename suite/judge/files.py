"""What the predictions of one file in several environments say: safe, different, invalid, or undecided.

Two environments agree if their float64 predictions are equal: then what their float32 ones differ by is rounding, unless one
of them rounds far more than the other. What float64 cannot show is never called equal.
"""

from __future__ import annotations

import math
from dataclasses import replace

from suite.judge.equivalence import ENVELOPE_FACTOR, OTHER_SEMANTICS, SAME_SEMANTICS
from suite.judge.limits import UNSTABLE_FLOORS, UNSTABLE_RATIO
from suite.records import FLOAT32
from suite.records.files import FileCode, FileMeasurement, FileVerdict, FileWord, LayerPlace, PairOfPredictions

FLOOR = 5e-7  # what equal float32 kernels differ by in a layer or two, relative: the floor of a forward pass
# Without float64 predictions: where float32 ones differ for a reason. Deep models with equal kernels stayed below 1e-4.
FLOAT32_ALONE = 1e-3
REPEATS = 1e-6  # a second prediction of the same rows, on a GPU whose kernels sum in any order, stays below


def judge(found: FileMeasurement, place: LayerPlace | None = None) -> FileVerdict:
    """The answer. `place`: where the layers' outputs part, if that was looked for. Nothing is safe that was not predicted in
    every environment."""
    verdict = _unusable(found) or _of_pairs(found, place)
    left_out = any(one.reason for one in found.environments)
    return replace(verdict, word=FileWord.UNDECIDED) if verdict.word is FileWord.SAFE and left_out else verdict


def _unusable(found: FileMeasurement) -> FileVerdict | None:
    """The answer where predictions are not to be compared at all; None where they are."""
    loaded = [one.name for one in found.loaded]
    if not loaded:
        return FileVerdict(word=FileWord.UNDECIDED, code=FileCode.NOT_LOADED)
    if found.missing:
        return FileVerdict(word=FileWord.UNDECIDED, code=FileCode.INCOMPLETE_FILE)
    if broken := tuple(one.name for one in found.loaded if one.not_finite):
        odd = broken if len(broken) < len(loaded) else ()
        return FileVerdict(word=FileWord.INVALID, code=FileCode.NOT_FINITE, odd=odd, pair=(broken[0], loaded[0]))
    if found.drawing or any(one.repeat > REPEATS * max(1.0, found.roundoff / FLOAT32) for one in found.loaded):
        return FileVerdict(word=FileWord.UNDECIDED, code=FileCode.RANDOM)
    if len(loaded) < 2:
        return FileVerdict(word=FileWord.UNDECIDED, code=FileCode.ALONE)
    if found.other_shapes:
        return FileVerdict(word=FileWord.DIFFERENT, code=FileCode.SHAPES)
    if found.other_rows:
        return FileVerdict(word=FileWord.UNDECIDED, code=FileCode.OTHER_ROWS)
    return None


def _of_pairs(found: FileMeasurement, place: LayerPlace | None) -> FileVerdict:
    """The worst of all pairs, and who is odd."""
    codes = {(pair.a, pair.b): _code(pair, found, place) for pair in found.pairs}
    worst = max(codes.values(), key=RANKS.index)
    if WORDS[worst] is FileWord.SAFE:
        return FileVerdict(word=FileWord.SAFE, code=worst, pair=_farthest(found, codes, worst))
    agreeing = [pair for pair, code in codes.items() if WORDS[code] is FileWord.SAFE]
    names = [one.name for one in found.loaded]
    groups = _groups(names, agreeing)
    largest = max(groups, key=len)
    alone = sum(len(group) == len(largest) for group in groups) == 1
    odd = tuple(name for name in names if name not in largest) if alone else ()
    if worst is FileCode.KERNEL and len(names) == 2:
        odd = (max(found.loaded, key=lambda one: one.error or 0.0).name,)
    pair = _farthest(found, {pair: code for pair, code in codes.items() if not odd or set(pair) & set(odd)}, worst)
    return FileVerdict(word=WORDS[worst], code=worst, odd=odd, pair=pair)


RANKS = (
    FileCode.AGREES,
    FileCode.CONSTANTS,
    FileCode.FLOAT32_INSIDE,
    FileCode.NO_FLOAT64,
    FileCode.EVALUATES,
    FileCode.FLOAT64_ONLY,
    FileCode.KERNEL,
    FileCode.COMPUTES,
)
WORDS = {
    FileCode.AGREES: FileWord.SAFE,
    FileCode.CONSTANTS: FileWord.SAFE,
    FileCode.FLOAT32_INSIDE: FileWord.SAFE,
    FileCode.NO_FLOAT64: FileWord.UNDECIDED,
    FileCode.EVALUATES: FileWord.DIFFERENT,
    FileCode.FLOAT64_ONLY: FileWord.DIFFERENT,
    FileCode.KERNEL: FileWord.DIFFERENT,
    FileCode.COMPUTES: FileWord.DIFFERENT,
}


def _farthest(
    found: FileMeasurement, codes: dict[tuple[str, str], FileCode], worst: FileCode
) -> tuple[str, str] | tuple[()]:
    """Of the pairs with the worst code, the one that is farthest apart."""
    pairs = [pair for pair in found.pairs if codes.get((pair.a, pair.b)) is worst]
    if not pairs:
        return ()
    farthest = max(pairs, key=lambda one: (one.float64 or 0.0, one.float32 or 0.0))
    return farthest.a, farthest.b


def _groups(names: list[str], agreeing: list[tuple[str, str]]) -> list[set[str]]:
    """The environments that agree with each other."""
    groups = [{name} for name in names]
    for a, b in agreeing:
        first, second = (next(group for group in groups if name in group) for name in (a, b))
        if first is not second:
            groups.remove(second)
            first |= second
    return groups


def _code(pair: PairOfPredictions, found: FileMeasurement, place: LayerPlace | None) -> FileCode:
    scale = max(1.0, found.roundoff / FLOAT32)
    errors = [found.of(name).error for name in (pair.a, pair.b)]
    known = [error for error in errors if error is not None]
    if pair.float64 is None or len(known) < 2:
        far = pair.float32 is not None and pair.float32 > FLOAT32_ALONE * scale
        return FileCode.COMPUTES if far else FileCode.NO_FLOAT64
    if pair.evaluation is not None and pair.evaluation > OTHER_SEMANTICS and pair.float64 < SAME_SEMANTICS:
        return FileCode.EVALUATES
    if pair.float64 < SAME_SEMANTICS:
        return FileCode.KERNEL if _rounds_more(known, scale) else FileCode.AGREES
    if pair.dyadic is not None and pair.dyadic < SAME_SEMANTICS and not found.other_constants:
        return FileCode.KERNEL if _rounds_more(known, scale) else FileCode.CONSTANTS
    rounding = ENVELOPE_FACTOR * max(min(known), FLOOR * scale)
    # The side that computes in float32 hides its error from itself: its float64 predictions have it, too.
    inside = ENVELOPE_FACTOR * max(*known, FLOOR * scale)
    if (pair.float32 or 0.0) <= rounding and place is not None and place.narrow and pair.float64 <= inside:
        return FileCode.FLOAT32_INSIDE
    if pair.float32 is not None and pair.float32 <= rounding < pair.float64:
        return FileCode.FLOAT64_ONLY
    return FileCode.COMPUTES


def _rounds_more(errors: list[float], scale: float) -> bool:
    """Whether one side's float32 predictions are much farther from its own float64 ones than the other's."""
    low, high = min(errors), max(errors)
    return not math.isfinite(high) or (high > UNSTABLE_FLOORS * FLOOR * scale and high > UNSTABLE_RATIO * low)


def needs_dyadic(found: FileMeasurement) -> bool:
    """Whether float64 predictions with constants that nobody rounds would decide."""
    if _unusable(found) is not None or found.other_constants:
        return False
    return any(pair.float64 is not None and pair.float64 >= SAME_SEMANTICS for pair in found.pairs)


def needs_place(verdict: FileVerdict) -> bool:
    """Whether it is worth looking for the layer."""
    return verdict.code in (*BY_A_LAYER, FileCode.NOT_FINITE)


def needs_sides(verdict: FileVerdict) -> bool:
    """Whether the layer's definition can say which side is off."""
    return verdict.code in BY_A_LAYER or (verdict.code is FileCode.NOT_FINITE and bool(verdict.odd))


BY_A_LAYER = (FileCode.COMPUTES, FileCode.KERNEL, FileCode.FLOAT64_ONLY)
