"""The scenarios of a run folder, shared out: several are judged at once, each share in a process that keeps what it has
measured.

A process that ends (the system kills it for its memory, say) costs time and no verdict: its share is judged in this one.
"""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection
from typing import Any, Literal, Protocol

from suite.artifacts.store import Store
from suite.compare.run_folder import RunFolder
from suite.records import Plan, Run, Session
from suite.results.judging import Judging, Verdicts

Question = Literal["further_runs", "verdicts"]
FOR_EACH = 2  # shares for each process that may measure at once: they take different times, and the last one ends alone


class Share(Protocol):
    """Scenarios that are judged one after the other. Ask all shares before you wait for the answer of one."""

    def renew(self, session: Session) -> None:
        """Takes a later session of the same plan."""

    def ask(self, question: Question) -> None: ...

    def answer(self) -> Any: ...


def shares(folder: RunFolder, processes: int) -> list[Share]:
    """`processes`: how many may measure at once. With one, or for one scenario, all is measured in this process."""
    scenarios = folder.scenarios()
    count = min(FOR_EACH * processes, len(scenarios)) if processes > 1 else 1
    if count < 2:
        return [Here(folder.store, folder.plan, folder.session, folder.settled)]
    others = (set(folder.planned()).difference(scenarios[first::count]) for first in range(count))
    return [Apart(folder.store, folder.plan, folder.session, settled) for settled in others]


def further_runs(shares: Sequence[Share]) -> list[list[Run]]:
    """What each share asks for, to decide or explain what is open."""
    return _answers(shares, "further_runs")


def verdicts(shares: Sequence[Share]) -> list[Verdicts]:
    """What was judged in each share."""
    return _answers(shares, "verdicts")


def _answers(shares: Sequence[Share], question: Question) -> list[Any]:
    for share in shares:
        share.ask(question)
    return [share.answer() for share in shares]


class Here:
    """A share in this process, with a `RunFolder` of its own. `settled`: the scenarios that are not in it."""

    def __init__(self, store: Store, plan: Plan, session: Session, settled: Collection[str]) -> None:
        self._judging = Judging(RunFolder(store, plan, session, settled))
        self._question: Question = "verdicts"

    def renew(self, session: Session) -> None:
        self._judging.renew(session)

    def ask(self, question: Question) -> None:
        self._question = question

    def answer(self) -> Any:
        return getattr(self._judging, self._question)()


class Apart:
    """A share in a process of its own, which ends with this one."""

    def __init__(self, store: Store, plan: Plan, session: Session, settled: Collection[str]) -> None:
        self._store, self._plan, self._session, self._settled = store, plan, session, settled
        self._question: Question = "verdicts"
        self._here: Here | None = None  # once the process has ended
        # Not by a plain fork: it would share the run folder's lock, and the pipes of the hosts.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, store.folder, plan, session, settled), daemon=True, name="judging"
        )
        self._process.start()
        theirs.close()

    def renew(self, session: Session) -> None:
        self._session = session
        if self._here is not None:
            self._here.renew(session)
        else:
            self._send(session)

    def ask(self, question: Question) -> None:
        self._question = question
        if self._here is not None:
            self._here.ask(question)
        else:
            self._send(question)

    def answer(self) -> Any:
        if self._here is None:
            try:
                return self._pipe.recv()
            except (EOFError, OSError):
                self._here = self._in_this_process()
                self._here.ask(self._question)
        return self._here.answer()

    def _send(self, message: Session | Question) -> None:
        try:
            self._pipe.send(message)
        except OSError:  # it has ended: `answer` says so
            return

    def _in_this_process(self) -> Here:
        self._pipe.close()  # where it is still there, this ends it
        self._process.join()
        warnings.warn(
            f"a process that judged scenarios has ended (exit code {self._process.exitcode}): they are judged in this one",
            stacklevel=2,
        )
        return Here(self._store, self._plan, self._session, self._settled)


def _serve(pipe: Connection, folder: Any, plan: Plan, session: Session, settled: Collection[str]) -> None:
    """Judges until nobody asks any more. An error ends it: whoever asked judges again, and meets the error itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends this process
    share = Here(Store(folder), plan, session, settled)
    while True:
        try:
            message = pipe.recv()
        except EOFError:
            return
        if isinstance(message, Session):
            share.renew(message)
        else:
            share.ask(message)
            pipe.send(share.answer())
