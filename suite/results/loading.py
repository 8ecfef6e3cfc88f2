"""What the environments said that loaded a run's file elsewhere: how it is compiled there."""

from __future__ import annotations

from dataclasses import replace

from suite.artifacts import names
from suite.compare.run_folder import RunFolder
from suite.records import COMPILE_FALSE, JIT_KEPT, RunRow, Status


def told(folder: RunFolder, row: RunRow) -> RunRow:
    """The row of a run, with the facts COMPILE_FALSE and JIT_KEPT if there are such. Line by line: the environments, and
    what is so there."""
    if row.status is not Status.COMPLETE or row.run.variation != "plain":
        return row
    found: dict[str, dict[str, list[str]]] = {COMPILE_FALSE: {}, JIT_KEPT: {}}
    for name in sorted(one.environment.name for one in folder.session.environments):
        manifest = folder.store.reload(row.run, name, names.KERAS_FILE).manifest()
        for fact, what in found.items():
            if manifest and fact in manifest.facts:
                what.setdefault(manifest.facts[fact], []).append(name)
    said = {
        fact: "\n".join(f"{' and '.join(where)}: {one}" for one, where in what.items())
        for fact, what in found.items()
        if what
    }
    return replace(row, facts={**row.facts, **said}) if said else row
