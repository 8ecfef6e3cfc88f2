"""The folder of --history: a small file for each run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from suite.artifacts import reading
from suite.artifacts.writing import digest_of, write_record
from suite.commands.streams import say
from suite.records import DamagedArtifact, KeptRun, Results, UsageError
from suite.report import effects
from suite.results import trends


def read(folder: Path | None) -> tuple[KeptRun, ...]:
    """The runs that are kept there. A file that is none is left out, with a sentence.

    Raises:
        UsageError: there is something else than a folder.
    """
    if folder is None or not folder.exists():
        return ()
    if not folder.is_dir():
        raise UsageError(f"--history {folder} is no folder: give one, or a name that is free")
    found = []
    for file in files(folder):
        try:
            found.append(reading.record(file, KeptRun))
        except DamagedArtifact as error:
            say(f"left out of the history: {error}")
    return tuple(found)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def extended(results: Results, earlier: Sequence[KeptRun], folder: Path | None) -> Results:
    """With each finding over time; keeps these results in the folder."""
    if folder is None:
        return results
    sizes = {
        finding.fingerprint: effects.size(finding.members, finding.verdict)
        for finding in results.findings
        if finding.fingerprint
    }
    now = trends.kept(results, sizes)
    folder.mkdir(parents=True, exist_ok=True)
    day = re.sub(r"[^0-9]+", "-", results.generated).strip("-")
    write_record(folder / f"{day}-{digest_of(now)[:12]}.json", now)
    return replace(results, trends=trends.trends(now, earlier, results.findings))
