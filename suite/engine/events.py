"""What the engine tells of its jobs."""

from __future__ import annotations

from dataclasses import dataclass

from suite.records import Job, Outcome


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that a person who waits wants to know. `kind`: "started", "ended" (then `outcome` is there), "noted" (a host
    said `note`), or "waiting" (about every second when nothing else happens). The last two have no `job`. `running`:
    ids of the jobs that run now; `done` of `total` jobs have ended, and `left` are those that have not. A job that crashed
    is "started" twice, the second time with `died`."""

    kind: str
    running: tuple[str, ...]
    done: int
    total: int
    job: Job | None = None
    outcome: Outcome | None = None
    note: str = ""
    left: tuple[Job, ...] = ()
