"""Whether a command would come to what the last one came to: then nothing is run, judged or rendered again.

What it would come to rests on the files of the run folder, on what was asked for, and on the suite's own code. The last
command left the digest of all of it, taken after its report was written. Files count by their inodes, sizes and times: so
nothing is read, and whatever is changed, mended or restored is judged anew.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from suite.artifacts import names, places, reading
from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of, write_record
from suite.commands import history as keeping
from suite.commands.choosing import Chosen
from suite.commands.conclusion import History
from suite.commands.execution import described, jobs_of
from suite.commands.options import CompareOptions
from suite.plan.locations import KEPT_SELFTEST, SUITE
from suite.records import DamagedArtifact, Plan, Results, Status
from suite.report import results_json

RESULTS = "results.json"
# What no report rests on.
BESIDE = (
    names.JUDGED, names.MEASURED, names.SIGNATURES, names.LOCK, names.TEMPORARY, names.JOBS, names.LOGS, names.KERAS,
)  # fmt: skip
FINAL = (Status.COMPLETE, Status.UNSUPPORTED)  # of a run: with any other status, it is tried again


@dataclass(frozen=True, kw_only=True)
class Judged:
    """`digest`: of everything that the report in the same folder rests on."""

    digest: str


def results(store: Store, plan: Plan, chosen: Chosen, options: CompareOptions, history: History) -> Results | None:
    """Those of the last command, if this one would come to the same; else None. A folder that is held against its
    signatures is judged anew: its report is not signed."""
    if options.running.rerun == "all" or options.signing.verify:
        return None
    try:
        kept = reading.record(store.folder / names.JUDGED, Judged)
        if kept.digest != _digest(store, plan, chosen, options, history):
            return None
        return results_json.read(store.folder / RESULTS)
    except DamagedArtifact:
        return None


def keep(store: Store, plan: Plan, chosen: Chosen, options: CompareOptions, history: History, found: Results) -> None:
    """Notes what a report rests on that was just written. Where something failed, the next command tries again."""
    if all(row.status in FINAL for row in found.runs) and not found.jobs and not found.broken:
        digest = _digest(store, plan, chosen, options, history)
        write_record(store.folder / names.JUDGED, Judged(digest=digest))


def _digest(store: Store, plan: Plan, chosen: Chosen, options: CompareOptions, history: History) -> str:
    """Of two command lines that ask for the same, it is the same. Raises DamagedArtifact where there is no session."""
    further = store.read_session(store.read_plan()).further
    files = [
        *places.signatures(str(store.folder), BESIDE),
        *(one for one in places.signatures(str(SUITE)) if "__pycache__" not in one[0]),
        *((str(file), places.signature(file)) for file in (KEPT_SELFTEST, history.file) if file),
    ]
    kept_runs = [file.name for file in keeping.files(history.folder)] if history.folder else None
    asked = (options.keep, options.split_assets, history.known, kept_runs, datetime.date.today())
    return digest_of(
        replace(plan, command=""),
        described(plan, chosen, jobs_of(store, plan, chosen, options.running), further),
        files,
        asked,
    )
