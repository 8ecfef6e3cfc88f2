"""Where a file of a run loads only with compile=False, as the environments said that loaded it."""

from __future__ import annotations

from dataclasses import replace

from suite.artifacts import names
from suite.compare.run_folder import RunFolder
from suite.records import COMPILE_FALSE, RunRow, Status


def told(folder: RunFolder, row: RunRow) -> RunRow:
    """The row of a run, with the fact COMPILE_FALSE if that is so. Line by line: the environments, and what Keras says
    there."""
    if row.status is not Status.COMPLETE or row.run.variation != "plain":
        return row
    refused: dict[str, list[str]] = {}
    for name in sorted(one.environment.name for one in folder.session.environments):
        manifest = folder.store.reload(row.run, name, names.KERAS_FILE).manifest()
        if manifest and (reason := manifest.facts.get(COMPILE_FALSE)):
            refused.setdefault(reason, []).append(name)
    if not refused:
        return row
    said = "\n".join(f"{' and '.join(where)}: {reason}" for reason, where in refused.items())
    return replace(row, facts={**row.facts, COMPILE_FALSE: said})
