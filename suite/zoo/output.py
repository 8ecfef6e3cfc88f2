"""What the zoo found, as a table for the terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from suite.artifacts import names
from suite.artifacts.reading import record as read_record
from suite.artifacts.writing import write_record, write_text
from suite.records import showing
from suite.records.zoo import Word, ZooFinding, ZooResults

Accepts = Callable[[ZooFinding], bool]


def write(results: ZooResults, folder: Path) -> None:
    """zoo.json and zoo.md."""
    results = showing.clean(results)
    write_record(folder / names.ZOO_JSON, results)
    write_text(folder / names.ZOO_TABLE, markdown(results))


def read(folder: Path) -> ZooResults:
    """Raises DamagedArtifact if there is no such file."""
    return read_record(folder / names.ZOO_JSON, ZooResults)


# The sections, in the order in which they are shown: a heading, a sentence about what it means, and what belongs to it.
SECTIONS: tuple[tuple[str, str, Accepts], ...] = (
    (
        "New departures",
        "An environment does not compute what the independent definition says, and no known defect explains it. Where "
        "several do alike, the definition may be wrong.",
        lambda one: one.word.needs_an_explanation and not one.known,
    ),
    (
        "Known defects and documented differences",
        "Departures that a page explains.",
        lambda one: one.word.needs_an_explanation and bool(one.known),
    ),
    (
        "float32 inside float64",
        "In float64, the result is off by what float32 rounds. It is no defect of a float32 model.",
        lambda one: one.word is Word.INSIDE,
    ),
    (
        "Refused by some",
        "Calls, or gradients, that one environment refuses and another computes.",
        lambda one: one.word is Word.UNSUPPORTED,
    ),
)


def summary(results: ZooResults) -> list[str]:
    """What was done, and how it ended, in a few lines."""
    runs = results.cases * len(results.precisions)
    lines = [
        f"{results.cases} calls in {' and '.join(results.precisions)} ({runs} cases) on {len(results.packages)} "
        f"environments in {results.seconds / 60:.1f} minutes"
    ]
    for environment, counted in results.words.items():
        said = ", ".join(f"{count} {word}" for word, count in counted.items() if count)
        lines.append(f"{environment}: {said}")
    lines += [f"{environment} is missing: {reason}" for environment, reason in results.missing.items()]
    return lines


def table(results: ZooResults) -> str:
    """For the terminal."""
    lines = summary(results)
    for heading, _, accepts in SECTIONS:
        found = [one for one in results.findings if accepts(one)]
        if found:
            lines += ["", f"{heading} ({len(found)})", *_rows([_columns(one) for one in found])]
    if not any(one.word.needs_an_explanation and not one.known for one in results.findings):
        lines += ["", "Nothing is new."]
    return "\n".join(lines)


def _columns(one: ZooFinding) -> tuple[str, ...]:
    known = one.known or ("new" if one.word.needs_an_explanation else "-")
    return (one.environment, one.name, _what(one), _size(one), str(one.cases), known, one.line)


HEADINGS = ("environment", "class", "what", "off by", "cases", "known as", "smallest case")


def _rows(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of equal width; the last one as it is."""
    rows = [HEADINGS, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    return [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def _what(one: ZooFinding) -> str:
    stage = f"{one.stage}, {one.precision}" if one.stage and one.precision else one.stage or one.precision
    return f"{one.word.value}: {stage}{', several alike' if one.alike else ''}" if stage else one.word.value


def _size(one: ZooFinding) -> str:
    if one.word in (Word.UNSUPPORTED, Word.FAULTY) or one.stage in ("config", "process"):
        return "-"
    return f"{one.largest:.1e}" if one.largest < float("inf") else "NaN or shape"


def markdown(results: ZooResults) -> str:
    """zoo.md: the same, with details."""
    lines = ["# Zoo", "", *(f"- {line}" for line in summary(results))]
    for heading, meaning, accepts in SECTIONS:
        found = [one for one in results.findings if accepts(one)]
        if found:
            lines += ["", f"## {heading}", "", meaning, "", *_markdown_rows(found)]
    return "\n".join(lines) + "\n"


def _markdown_rows(found: Iterable[ZooFinding]) -> list[str]:
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    for one in found:
        cells = list(_columns(one))
        cells[-1] = f"`{cells[-1]}`"
        explained = one.title or one.detail
        if explained:
            cells[2] += f". {' '.join(explained.split())[:200]}"
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return lines
