"""The page's style and script without the blanks that nobody reads. Strings, templates and expressions stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

QUOTES = "\"'"
BEFORE_REGEX = "(,=:[!&|?{};"  # behind one of these, a slash begins a regular expression


def style(text: str) -> str:
    return re.sub(r" *([{};,]) *|(:) +", r"\1\2", re.sub(r"\n +", "", text))


def script(text: str) -> str:
    """Without indentation, comments that have a line of their own, and blanks beside punctuation."""
    lines = [stripped for line in text.splitlines() if (stripped := line.strip()) and not stripped.startswith("//")]
    return "".join(_code("\n".join(lines)))


def _code(text: str) -> Iterator[str]:
    """Pieces: code without blanks, and strings, templates and regular expressions whole."""
    at, start = 0, 0
    while at < len(text):
        ends = _literal(text, at)
        if ends > at:
            yield _tight(text[start:at])
            yield text[at:ends]
            at = start = ends
        else:
            at += 1
    yield _tight(text[start:])


def _literal(text: str, at: int) -> int:
    """Where the literal ends that begins here; `at` if none does."""
    if text[at] in QUOTES:
        return _closing(text, at, text[at])
    if text[at] == "`":
        return _template(text, at)
    before = text[:at].rstrip()[-1:]
    if text[at] == "/" and before in BEFORE_REGEX:
        return _closing(text, at, "/")
    return at


def _closing(text: str, at: int, end: str) -> int:
    """Behind the next `end` that no backslash precedes."""
    at += 1
    while text[at] != end:
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _template(text: str, at: int) -> int:
    """Behind a template, in whose expressions there may be others."""
    at += 1
    depth = 0
    while depth or text[at] != "`":
        if depth and (ends := _literal(text, at)) > at:
            at = ends
            continue
        if text.startswith("${", at) and not depth:
            depth, at = 1, at + 2
            continue
        if depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _tight(code: str) -> str:
    """A blank stays between words, and where two signs would become one; a line ends only where a statement may."""
    code = re.sub(r"(?<=[;{,(\[?:&|=>])\n|\n(?=[)\].?:&|}])", "", code)
    return re.sub(r"(?<![\w$+-]) +| +(?![\w$+-])|(?<=[\w$]) +(?=[+-])|(?<=[+-]) +(?=[\w$])", "", code)
