"""How a command that has results ends: with what was before, the report, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from suite import report
from suite.commands import history as keeping
from suite.commands import listing
from suite.commands.options import HistoryOptions
from suite.plan import locations
from suite.records import Change, KeptRun, KnownDifference, Results
from suite.report import results_json
from suite.results import baseline, known_differences
from suite.results.study import Study
from suite.selftest import kept_rates


@dataclass(frozen=True, kw_only=True)
class History:
    """What was before: accepted differences, and a baseline with its file; a sentence if it is of another schema. `runs`:
    those that were kept in `folder`."""

    known: tuple[KnownDifference, ...]
    file: Path | None
    baseline: Results | str
    folder: Path | None
    runs: tuple[KeptRun, ...]


def history(options: HistoryOptions) -> History:
    """Read before anything runs: what cannot be read should not cost a run."""
    return History(
        known=(*(known_differences.read(options.known) if options.known else ()), *known_differences.shipped()),
        file=options.baseline,
        baseline=earlier(options.baseline) if options.baseline else "",
        folder=options.history,
        runs=keeping.read(options.history),
    )


def earlier(path: Path) -> Results | str:
    """Earlier results, or why they cannot be compared with."""
    try:
        return results_json.read(path)
    except results_json.OtherSchema as error:
        return str(error)


def since(path: Path, before: Results | str, now: Results) -> Change:
    if isinstance(before, str):
        return baseline.incomparable(str(path), before)
    return baseline.since(before, now, str(path))


@contextmanager
def output(*, json: bool) -> Iterator[TextIO | None]:
    """Where JSON goes: the standard output, which nothing else is written to meanwhile. None without it."""
    out = sys.stdout
    with redirect_stdout(sys.stderr) if json else nullcontext():
        yield out if json else None


def conclude(study: Study, history: History, *, split_assets: bool) -> Results:
    """Judges, and writes the report."""
    results = study.results(history.known)
    results = replace(results, known=known_differences.told(results.known))
    change = since(history.file, history.baseline, results) if history.file else None
    results = keeping.extended(quoting(replace(results, change=change)), history.runs, history.folder)
    report.render(results, study.folder.store.folder, split_assets=split_assets)
    return results


def tell(results: Results, folder: Path, json: TextIO | None = None) -> int:
    """Prints the answer, as JSON where `json` is. Returns the exit code."""
    if json is not None:
        json.write(report.answer_json(results, folder))
        return results.exit_code
    listing.say_all(report.terminal(results))
    listing.say_all([str(folder / "index.html")])
    return results.exit_code


def quoting(results: Results) -> Results:
    """With what the kept self-test says of them."""
    return replace(results, self_test=kept_rates.quoted(locations.KEPT_SELFTEST, results))
