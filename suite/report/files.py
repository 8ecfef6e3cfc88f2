"""What `parity check` found, in words: one sentence for each file, a table by environment, and JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from suite.records.files import CheckResults, FileCode, FileInEnvironment, FileResult, FileWord, PairOfPredictions, Side
from suite.records.formatting import number
from suite.report.effects import percent

HEADINGS = ("environment", "loads", "float32 error", "from the others", "largest change", "seconds")


def sentence(found: FileResult) -> str:
    """The answer for one file."""
    answer = SENTENCES[found.code](found)
    left = [one for one in found.environments if one.reason] if found.code is not FileCode.NOT_LOADED else []
    if not left:
        return f"{found.file}: {answer}."
    answer = answer.replace(f"{FileWord.SAFE.value}, ", "undecided: ", 1)  # where it was predicted
    reasons = "; ".join(f"{one.name} has no result: {one.reason.rstrip('.')}" for one in left)
    return f"{found.file}: {answer}; {reasons}."


# ---------------------------------------------------------------- safe


def _agrees(found: FileResult) -> str:
    names = _names([one.name for one in found.environments if not one.reason])
    double, single = _farthest(found, "float64"), _farthest(found, "float32")
    return (
        f"safe, predictions of {_rows(found)} agree to rounding in {names} (they differ by {number(double)} in float64, and "
        f"by {number(single)} in float32)"
    )


def _constants(found: FileResult) -> str:
    names = _names([one.name for one in found.environments if not one.reason])
    return (
        f"safe, predictions of {_rows(found)} agree to rounding in {names} ({number(_farthest(found, 'float32'))} in "
        f"float32; in float64, a constant that one of them rounds moves them by {number(_farthest(found, 'float64'))})"
    )


def _float32_inside(found: FileResult) -> str:
    names = _names([one.name for one in found.environments if not one.reason])
    return (
        f"safe, predictions of {_rows(found)} agree to float32 rounding in {names} ({number(_farthest(found, 'float32'))}); "
        f"less than {number(_farthest(found, 'float64'))} cannot be seen, because{_where(found, ' {} computes')} in float32 "
        "in float64 runs, too"
    )


# ---------------------------------------------------------------- different


def _computes(found: FileResult) -> str:
    return f"not safe, {_who(found)}: {_effect(found)}{_where(found, ', beginning in {}')}{_referee(found)}"


def _kernel(found: FileResult) -> str:
    errors = {one.name: one.error or 0.0 for one in found.environments}
    worst = found.odd or tuple(found.pair)
    sizes = ", ".join(f"{name} by {percent(errors[name])}" for name in worst)
    others = min((value for name, value in errors.items() if name not in found.odd and value), default=0.0)
    return (
        f"not safe, float32 predictions are inaccurate ({sizes} from the same file in float64; elsewhere by "
        f"{percent(others)}): {_effect(found)}{_where(found, ', beginning in {}')}{_referee(found)}"
    )


def _float64_only(found: FileResult) -> str:
    return (
        f"different in float64 only, by {percent(_farthest(found, 'float64'))}: {_who(found)}"
        f"{_where(found, ', beginning in {}')}; float32 predictions agree to {number(_farthest(found, 'float32'))}"
    )


def _evaluates(found: FileResult) -> str:
    far = max((pair.evaluation or 0.0 for pair in found.pairs), default=0.0)
    values = "; ".join(
        f"{one.name}: {', '.join(f'{name} {value:.6g}' for name, value in one.evaluation.items())}"
        for one in found.environments
        if one.evaluation
    )
    return f"not safe, predictions agree, and evaluate differs by {percent(far)} ({values})"


def _shapes(found: FileResult) -> str:
    return "not safe, the model's outputs have other names or shapes in some environments"


def _not_finite(found: FileResult) -> str:
    shares = {one.name: one.not_finite for one in found.environments if one.not_finite}
    names = _names(shares)
    where = _where(found, ", beginning in {}")
    where += f", because the file holds NaN or infinity in {found.detail}" if found.detail else ""
    who = f"in {names}" + ("" if found.odd else ", as everywhere")
    share = max(shares.values())
    return f"invalid, predictions of {percent(share)} of the rows are NaN or infinite {who}{where}{_referee(found)}"


# ---------------------------------------------------------------- undecided


def _random(found: FileResult) -> str:
    layers = f" ({found.detail})" if found.detail else ""
    return (
        f"undecided, the model draws random numbers when it predicts{layers}, so two predictions of the same rows differ in "
        "the same environment, too"
    )


def _alone(found: FileResult) -> str:
    names = _names([one.name for one in found.environments if not one.reason])
    return f"undecided, only {names} predicted, and there is nothing to compare with"


def _not_loaded(found: FileResult) -> str:
    reasons: dict[str, list[str]] = {}
    for one in found.environments:
        reasons.setdefault(one.reason.rstrip("."), []).append(one.name)
    said = found.detail or "; ".join(
        reason if len(reasons) == 1 else f"{_names(names)}: {reason}" for reason, names in reasons.items()
    )
    return f"cannot be checked, {said}"


def _no_float64(found: FileResult) -> str:
    reasons = "; ".join(f"{one.name}: {one.without_float64}" for one in found.environments if one.without_float64)
    return (
        f"undecided, float32 predictions differ by {number(_farthest(found, 'float32'))}, and without float64 ones it is "
        f"not known whether that is rounding ({reasons.rstrip('.')})"
    )


def _incomplete(found: FileResult) -> str:
    return f"undecided, the file does not hold the values of {found.detail}, which are random wherever it is loaded"


def _other_rows(found: FileResult) -> str:
    return "undecided, the environments did not draw the same rows: give them with --data"


SENTENCES: Mapping[FileCode, Callable[[FileResult], str]] = {
    FileCode.AGREES: _agrees,
    FileCode.CONSTANTS: _constants,
    FileCode.FLOAT32_INSIDE: _float32_inside,
    FileCode.COMPUTES: _computes,
    FileCode.KERNEL: _kernel,
    FileCode.FLOAT64_ONLY: _float64_only,
    FileCode.EVALUATES: _evaluates,
    FileCode.SHAPES: _shapes,
    FileCode.NOT_FINITE: _not_finite,
    FileCode.RANDOM: _random,
    FileCode.ALONE: _alone,
    FileCode.NOT_LOADED: _not_loaded,
    FileCode.NO_FLOAT64: _no_float64,
    FileCode.INCOMPLETE_FILE: _incomplete,
    FileCode.OTHER_ROWS: _other_rows,
}


# ---------------------------------------------------------------- parts of sentences


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}" if listed else "no environment"


def _rows(found: FileResult) -> str:
    drawn = "" if any(how.startswith("of the data") for _, how in found.inputs) else " drawn"
    return f"{found.rows}{drawn} rows"


def _farthest(found: FileResult, precision: str) -> float:
    return max((getattr(pair, precision) or 0.0 for pair in found.pairs), default=0.0)


def _who(found: FileResult) -> str:
    """Who predicts differently from whom."""
    loaded = [one.name for one in found.environments if not one.reason]
    others = [name for name in loaded if name not in found.odd]
    if not found.odd:
        return f"{_names(loaded)} predict differently"
    verb = "predicts" if len(found.odd) == 1 else "predict"
    agree = ", which agree" if len(others) > 1 else ""
    return f"{_names(found.odd)} {verb} differently from {_names(others)}{agree}"


def _effect(found: FileResult) -> str:
    """How far, for a user."""
    pairs = [pair for pair in found.pairs if not found.odd or {pair.a, pair.b} & set(found.odd)] or list(found.pairs)
    largest = max((pair.largest for pair in pairs), default=0.0)
    relative = max((pair.float32 or 0.0 for pair in pairs), default=0.0)
    shares = [pair.changed for pair in pairs if pair.changed is not None]
    if math.isinf(largest):
        return "some are NaN or infinite on one side only"
    if not shares:
        return f"a number changes by up to {number(largest)}, and the predictions as a whole by {percent(relative)}"
    return f"a probability changes by up to {percent(largest)}, and {percent(max(shares))} of the rows change class"


def _where(found: FileResult, words: str) -> str:
    """The words with the layer in them; empty where it is not known."""
    place = found.place
    if place is None:
        return "" if "computes" not in words else words.format("some layer")
    return words.format(
        f"layer {place.name} ({place.of})" if place.name else f"what is computed before layer {place.before}"
    )


def _referee(found: FileResult) -> str:
    """What the definition of the layer says; and that nothing is proven where there is none."""
    if found.place is None or not found.sides:
        return ""
    defined = [one for one in found.sides if one.size is not None]
    if not defined:
        return f"; which side is right is not known, because there is no independent definition ({found.sides[0].undefined})"
    off = [one for one in defined if not _is_right(one)]
    if not off:
        return "; each computes what its definition says from what it was given"
    known = "".join(f", known defect {name}" for name in dict.fromkeys(one.known for one in off if one.known))
    sizes = ", ".join(f"{one.environment} by {percent(one.size or 0.0)}" for one in off)
    return f"; there, off from the independent definition of {found.place.of}: {sizes}{known}"


RIGHT = 1e-6  # a call that is nearer to its definition computes what it says, in float32 too


def _is_right(side: Side) -> bool:
    return side.size is not None and side.size < RIGHT


# ---------------------------------------------------------------- a table


def lines(found: FileResult) -> list[str]:
    """The table by environment, for a file or a program, and what else a reader should know."""
    return ["  ".join(cell for cell in row) for row in ([HEADINGS, *table(found)] if found.environments else [])]


def table(found: FileResult) -> list[tuple[str, ...]]:
    """One row for each environment, in the columns of HEADINGS."""
    return [_row(found, one) for one in found.environments]


def _row(found: FileResult, one: FileInEnvironment) -> tuple[str, ...]:
    if one.reason:
        return one.name, "no", "-", "-", "-", "-"
    if one.not_finite:
        return one.name, "yes", "NaN", "NaN", "NaN", f"{one.seconds:.1f}"
    pairs = [pair for pair in found.pairs if one.name in (pair.a, pair.b)]
    error = number(one.error) if one.error is not None else "not known"
    return (one.name, "yes", error, _nearest(pairs), _change(pairs), f"{one.seconds:.1f}")


def _nearest(pairs: Sequence[PairOfPredictions]) -> str:
    """In float64, from the environment that is nearest: who is odd is far from all."""
    known = [pair.float64 for pair in pairs if pair.float64 is not None]
    return number(min(known)) if known else "-"


def _change(pairs: Sequence[PairOfPredictions]) -> str:
    return number(min(pair.largest for pair in pairs)) if pairs else "-"


def notes(found: FileResult) -> list[str]:
    """What else a reader should know: how the rows were drawn, and what they cannot show."""
    said = [f"rows of {name}: {how}" for name, how in found.inputs if not how.startswith("of the data")]
    if found.alike:
        said.append("all rows have the same predictions, so they show little: give rows of your own with --data")
    without = {one.without_evaluation for one in found.environments if one.without_evaluation}
    said += [f"nothing was evaluated: {reason}" for reason in sorted(without)]
    if found.detail and found.word is FileWord.DIFFERENT:
        said.append(f"not loaded alike: {found.detail}")
    return said


def markdown(results: CheckResults) -> str:
    """Every file's sentence and table."""
    text = ["# Checked files", ""]
    for one in results.files:
        text += [sentence(one), ""]
        if one.environments:
            text += [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
            text += [f"| {' | '.join(row)} |" for row in table(one)]
            text += [""]
        text += [f"- {note}" for note in notes(one)] + [""]
    return "\n".join(text)
