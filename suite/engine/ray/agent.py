"""The actor on a node: it starts hosts there as the engine does on this machine, and passes on what they say.

It ends itself, and so its hosts, if the coordinator does not ask for messages any more. It knows nothing of Ray.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import msgspec

from suite.artifacts import names, places
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of, file_digest
from suite.engine import devices, provision, variables
from suite.engine.gpus import Gpus
from suite.engine.hosts import Answer, Warm
from suite.engine.local import ThisMachine
from suite.engine.ray.messages import Begin, Facts, Message, Order, Ready, Sent, Wanted
from suite.plan import digests, locations
from suite.records import Job, Status

LEASE_SECONDS = 30.0  # without a word of the coordinator while hosts are there: six questions of `MESSAGE_SECONDS`
MESSAGE_SECONDS = 5.0
LOOK_SECONDS = 0.5  # between two looks at what jobs have finished
NOBODY = -1  # no number of a host
UNSTARTED = 127  # the exit code that a shell gives for a command that it cannot start


class Agent:
    """See the module's docstring. Every method takes and returns what Ray passes by value: texts and bytes of JSON."""

    def __init__(self) -> None:
        self._root = tempfile.TemporaryDirectory(prefix="parity-node-", ignore_cleanup_errors=True)
        self._heard = time.monotonic()
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._tasks: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = queue.SimpleQueue()
        self._awake, self._wake = os.pipe()
        self._work: Work | None = None
        # Hosts end with the thread that started them: this one lives as long as the actor. Ray's own threads may not.
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    # -- what a node is

    def describe(self) -> bytes:
        """Its `Facts`."""
        gpus = devices.detect_gpus()
        found = Facts(
            suite=digests.suite_digest() + digests.injection_digest() + scenarios_digest(),
            version=locations.version(),
            gpus=gpus,
            visible=variables.gpu_names(len(gpus)),
            used=devices.used_memory() if gpus else (),
            is_exclusive=bool(gpus) and devices.forbids_sharing(),
            passed_over=devices.passed_over("auto", gpus),
            authenticated=os.environ.get("RAY_AUTH_MODE", "") == "token",
            scenarios=str(locations.SCENARIOS),
            folder=self._root.name,
        )
        return msgspec.json.encode(found)

    def shares(self, folder: str, token: str, answer: str) -> bool:
        """Whether the folder holds a token of the coordinator's; then it leaves its own beside it."""
        with contextlib.suppress(OSError):
            if (Path(folder) / token).read_text() == token:
                (Path(folder) / answer).write_text(answer)
                return True
        return False

    def provision(self, wanted: bytes) -> bytes:
        """Makes environments ready, under the locks that keep two commands of one machine apart. Returns `Ready`."""
        asked, lines = msgspec.json.decode(wanted, type=Wanted), list[str]()
        folder = _environments(asked.folder)
        made = provision.provision(
            asked.environments, folder=folder, device=asked.device, plugins=asked.plugins, report=lines.append
        )
        return msgspec.json.encode(Ready(provisioned=made, lines=tuple(lines)))

    def knows(self, gpu: str) -> bool:
        """Whether the driver still knows a GPU."""
        return devices.answers(gpu)

    # -- files

    def lacks(self, digests: Sequence[str]) -> list[str]:
        """Which of these files were never sent here."""
        return [digest for digest in digests if not self._kept(digest).exists()]

    def receive(self, digest: str, block: bytes, is_last: bool) -> None:
        """The next block of a file. Raises ValueError if the whole does not have its digest."""
        partial = self._kept(f"{digest}.partial")
        partial.parent.mkdir(exist_ok=True)
        with partial.open("ab") as stream:
            stream.write(block)
        if is_last:
            if file_digest(partial) != digest:
                partial.unlink()
                raise ValueError(f"a file arrived with another sha256 than {digest}")
            partial.replace(self._kept(digest))

    def put(self, placed: Sequence[tuple[str, str]]) -> None:
        """Files that were sent, at their places below the agent's folder: (digest, name)."""
        for digest, name in placed:
            path = places.safe(Path(self._root.name), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            places.unlink(path)
            os.link(self._kept(digest), path)

    def give(self, name: str, offset: int, size: int) -> bytes:
        """A part of a file of the run folder."""
        assert self._work is not None
        with places.safe(self._work.folder, name).open("rb") as stream:
            stream.seek(offset)
            return stream.read(size)

    def _kept(self, digest: str) -> Path:
        return places.safe(Path(self._root.name), f"kept/{digest}")

    # -- work

    def begin(self, begin: bytes) -> None:
        """An engine begins: nothing is left of the one before."""
        asked = msgspec.json.decode(begin, type=Begin)

        def begin_work() -> None:
            self._end_work()
            self._work, self._heard = Work(asked, Path(self._root.name)), time.monotonic()

        self._on_server(begin_work)

    def finish(self) -> None:
        """All hosts end, with their jobs."""
        self._on_server(self._end_work)
        self._messages.put(Message(host=NOBODY))  # so that whoever waits for messages does not wait any longer

    def order(self, order: bytes) -> None:
        """Does what an `Order` says."""
        asked = msgspec.json.decode(order, type=Order)
        self._on_server(lambda: self._say(self._work.obey(asked)) if self._work is not None else None)

    def messages(self) -> list[bytes]:
        """Every `Message` since the last call; waits for one, up to `MESSAGE_SECONDS`."""
        self._heard = time.monotonic()
        found = []
        with contextlib.suppress(queue.Empty):
            found.append(self._messages.get(timeout=MESSAGE_SECONDS))
            while True:
                found.append(self._messages.get_nowait())
        self._heard = time.monotonic()
        return [msgspec.json.encode(message) for message in found]

    def end(self) -> None:
        """Ends hosts, and removes the agent's folder."""
        self.finish()
        self._root.cleanup()

    def _end_work(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.close()

    def _on_server(self, task: Callable[[], None]) -> None:
        """Runs it in the thread that has the hosts, and waits until it is done."""
        done: Future[None] = Future()
        self._tasks.put((task, done))
        os.write(self._wake, b".")
        done.result()

    def _serve(self) -> None:
        try:
            self._serve_until_forgotten()
            self._end_work()
            self._root.cleanup()
        except BaseException:
            traceback.print_exc()
        os._exit(1)  # with this process its hosts end, and the coordinator hears that the node is lost

    def _serve_until_forgotten(self) -> None:
        while self._work is None or time.monotonic() - self._heard < LEASE_SECONDS:
            work = self._work
            readable, _, _ = select.select([self._awake, *(work.hosts.values() if work else ())], [], [], LOOK_SECONDS)
            if self._awake in readable:
                os.read(self._awake, 4096)
            for number, host in list(work.hosts.items()) if work else ():
                if work is not None and host in readable:
                    self._say(work.heard(number, host))
            if work is not None:
                self._say(work.looked())
            with contextlib.suppress(queue.Empty):
                while True:
                    task, done = self._tasks.get_nowait()
                    task()
                    done.set_result(None)

    def _say(self, messages: Iterator[Message]) -> None:
        for message in messages:
            self._messages.put(message)


class Work:
    """What an agent does for one engine. `hosts` by the coordinator's number."""

    def __init__(self, begin: Begin, root: Path) -> None:
        environments = _environments(begin.environments)
        self.folder = Path(begin.folder) if begin.is_shared else root / names.RUNS
        if not begin.is_shared:
            places.clear(self.folder)
        for name in (names.JOBS, names.LOGS):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._theirs, self._is_shared = begin.folder, begin.is_shared
        self._machine = ThisMachine(
            {},
            folder=self.folder,
            cores=1,
            gpus=Gpus(()),
            cache=environments / "compiled",
            imports=locations.import_folder(environments),
            entry=begin.entry,
            name=begin.name,
        )
        self.hosts: dict[int, Warm] = {}
        self._logs: dict[int, str] = {}
        self._running: dict[str, tuple[int, Job, str]] = {}  # by job file here: host, job, and the coordinator's file
        self._made: dict[str, object] = {}
        self._looked = 0.0

    def obey(self, order: Order) -> Iterator[Message]:
        """Does it, and says what came of it if that is known at once."""
        host = self.hosts.get(order.host)
        if order.kind == "open":
            yield from self._open(order)
        elif host is None:
            return
        elif order.kind == "start" and order.job is not None:
            job = replace(order.job, run_folder=str(self._here(order.job.run_folder)))
            file = self._here(order.file)
            self._running[str(file)] = order.host, job, order.file
            host.start(job, file, self._here(order.log), order.variables)
        elif order.kind == "stop":
            host.stop(self._here(order.file))
        else:
            host.close() if order.kind == "close" else host.kill()
            yield from self._gone(order.host)

    def heard(self, number: int, host: Warm) -> Iterator[Message]:
        """What a host said, with the coordinator's names, after what its jobs made."""
        answers = host.answers()
        if answers is None:
            yield from self._gone(number)
            return
        for answer in answers:
            if answer.ended in self._running:
                _, job, theirs = self._running.pop(answer.ended)
                self._made.pop(answer.ended, None)
                yield Message(host=number, answer=replace(answer, ended=theirs), files=self._all_of(job, answer))
            elif not answer.pid:
                yield Message(host=number, answer=answer)

    def looked(self) -> Iterator[Message]:
        """Which jobs have begun or finished a run since the last look."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for file, (number, job, theirs) in self._running.items():
            made = self._machine.made(job)
            if self._made.get(file, made) != made:
                yield Message(host=number, moved=theirs, files=self._finished_of(job))
            self._made[file] = made

    def close(self) -> None:
        for host in self.hosts.values():
            host.close()
        self.hosts.clear()

    def _open(self, order: Order) -> Iterator[Message]:
        assert order.environment is not None and order.options is not None
        log = self._here(order.log)
        self._logs[order.host] = f"{names.LOGS}/{log.name}"
        try:
            self.hosts[order.host] = self._machine.open(order.environment, order.options, order.python, log)
        except OSError as error:
            log.write_text(f"{order.python} cannot be started: {error}")
            yield Message(host=order.host, files=self._sent([log]), exitcode=UNSTARTED)

    def _gone(self, number: int) -> Iterator[Message]:
        host = self.hosts.pop(number)
        self._running = {file: one for file, one in self._running.items() if one[0] != number}
        yield Message(host=number, exitcode=host.kill(), files=self._sent([host.log]))

    def _all_of(self, job: Job, answer: Answer) -> tuple[Sent, ...]:
        """What a job that has ended leaves: its log, and all files of its artifacts, each with its manifest last."""
        made = [path for artifact in _artifacts(job) for path in _files(artifact.folder)]
        return self._sent([self.folder / names.LOGS / f"{Path(answer.ended).stem}.log", *made])

    def _finished_of(self, job: Job) -> tuple[Sent, ...]:
        finished = [artifact for artifact in _artifacts(job) if _is_complete(artifact)]
        return self._sent([path for artifact in finished for path in _files(artifact.folder)])

    def _sent(self, paths: Sequence[Path]) -> tuple[Sent, ...]:
        """Nothing where the folder is shared."""
        there = [path for path in paths if path.is_file()] if not self._is_shared else []
        return tuple(
            Sent(name=str(path.relative_to(self.folder)), digest=file_digest(path), size=path.stat().st_size)
            for path in there
        )

    def _here(self, path: str) -> Path:
        return self.folder / Path(path).relative_to(self._theirs)


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("*") if path.is_file()] if folder.is_dir() else []
    return sorted(found, key=lambda path: (path.name == names.MANIFEST, path.name))


def _artifacts(job: Job) -> list[Artifact]:
    return Store(job.run_folder).made_by(job)


def _is_complete(artifact: Artifact) -> bool:
    manifest = artifact.manifest()
    return manifest is not None and manifest.status is Status.COMPLETE


def _environments(folder: str) -> Path:
    return Path(folder) if folder else locations.environments_folder()


def scenarios_digest() -> str:
    """Changes with the built-in scenarios."""
    return digest_of([(path.name, file_digest(path)) for path in sorted(locations.SCENARIOS.rglob("*.py"))])
