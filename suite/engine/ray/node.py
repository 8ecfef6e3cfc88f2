"""The coordinator's side of a node: to the schedule it is a machine like this one, and its hosts are like local ones."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import msgspec

from suite.engine.gpus import Gpus
from suite.engine.hosts import Answer, Lines
from suite.engine.ray.link import START_SECONDS, TALKING, Link, NodeLost
from suite.engine.ray.messages import Begin, Facts, Message, Order
from suite.engine.ray.transfer import Transfer
from suite.records import Environment, Job, Options, Provisioned

ANSWER_SECONDS = 60.0  # for a question that waits for messages up to 5 s: after this, the network is cut
CLOSE_SECONDS = 10.0  # for a host and its jobs to end; then its agent ends it with itself
KILLED = -9
RENEWALS = 3  # an agent that died more often on one machine is not started there again


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an engine asks of its nodes. `begin.name` is each node's own. `is_shared`: whether nodes have a path, too."""

    begin: Begin
    is_shared: Callable[[Path], bool]
    cores: int
    jobs_per_gpu: int


@final
class RayNode:
    """A node for one engine. `facts`: what its agent said of it. `renewals`: how often its agent was started again. `opened`
    gets every node that takes the place of this one."""

    def __init__(
        self,
        link: Link,
        facts: Facts,
        provisioned: Mapping[str, Provisioned],
        settings: Settings,
        *,
        name: str,
        opened: list[RayNode],
        renewals: int = 0,
    ) -> None:
        self.name, self.provisioned = name, provisioned
        self.cores = min(settings.cores or link.cores, link.cores)
        jobs_per_gpu = 1 if facts.is_exclusive else settings.jobs_per_gpu
        self.gpus = Gpus(facts.visible, used=() if jobs_per_gpu else facts.used, jobs_per_gpu=jobs_per_gpu)
        self._link, self._facts, self._settings = link, facts, settings
        self._opened, self._renewals = opened, renewals
        self._lost = ""
        self._closed = threading.Event()
        self._numbers = itertools.count()
        self._hosts: dict[int, RemoteHost] = {}
        self._moved: dict[str, int] = {}  # by job file: how often it was heard to have begun or finished a run
        self._files: dict[str, str] = {}  # by job: its file
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_new = renewals > 0
        self._transfer: Transfer | None = None
        opened.append(self)
        self._threads = [threading.Thread(target=self._send, daemon=True)]
        self._threads[0].start()

    # -- as the schedule sees it

    @property
    def lost(self) -> str:
        """Why its agent does not answer; empty while it does."""
        return self._lost

    def open(self, environment: Environment, options: Options, python: str, log: Path) -> RemoteHost:
        """Orders a host. That it cannot be started is heard later."""
        number = next(self._numbers)
        host = RemoteHost(self, number, log)
        self._hosts[number] = host
        own = self.provisioned[environment.name].environment
        self.order(Order(kind="open", host=number, environment=own, options=options, python=python, log=str(log)))
        if self._lost:
            host.finish(KILLED)
        return host

    def made(self, job: Job) -> object:
        """How often the job was heard to have begun or finished a run."""
        return self._moved.get(self._files.get(job.id, ""), 0)

    def knows(self, gpu: str) -> bool:
        """Asks the driver there; True if nobody can be asked."""
        try:
            return bool(self._link.call("knows", gpu, seconds=ANSWER_SECONDS))
        except NodeLost:
            return True

    def renewed(self) -> RayNode | None:
        """The same machine with a new agent."""
        if self._renewals >= RENEWALS or not self._link.is_there():
            return None
        self._link.end()
        self._link.start()
        return RayNode(
            self._link,
            self._facts,
            self.provisioned,
            self._settings,
            name=self.name,
            opened=self._opened,
            renewals=self._renewals + 1,
        )

    # -- what its hosts use

    def order(self, order: Order) -> None:
        """Sends it, after those before it."""
        self._orders.put(lambda: self._sent(order))

    def start(self, order: Order, job: Job) -> None:
        """Sends a job with what it reads."""
        self._files[job.id] = order.file
        self._orders.put(lambda: self._sent(self._with(order, job)))

    def _with(self, order: Order, job: Job) -> Order:
        assert self._transfer is not None
        return replace(order, job=self._transfer.prepared(job).shown())

    def _sent(self, order: Order) -> None:
        self._link.call("order", msgspec.json.encode(order), seconds=ANSWER_SECONDS)

    def close(self) -> None:
        """All its hosts end. The agent stays, for the next engine."""
        self._closed.set()
        self._orders.put(None)
        if not self._lost:
            try:
                self._link.call("finish", seconds=CLOSE_SECONDS)
            except NodeLost:
                self._link.end()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS)

    # -- its threads

    def _send(self) -> None:
        try:
            self._begin()
            while (task := self._orders.get()) is not None:
                task()
        except (NodeLost, OSError) as error:
            self._lose(str(error))

    def _begin(self) -> None:
        facts = self._facts
        if self._is_new:
            facts = msgspec.json.decode(self._link.call("describe", seconds=START_SECONDS), type=Facts)
        self._transfer = Transfer(
            link=self._link,
            folder=Path(self._settings.begin.folder),
            there=facts.folder,
            scenarios=facts.scenarios,
            is_shared=self._settings.is_shared,
        )
        begin = replace(self._settings.begin, name=self.name)
        self._link.call("begin", msgspec.json.encode(begin), seconds=ANSWER_SECONDS)
        receiver = threading.Thread(target=self._receive, daemon=True)
        self._threads.append(receiver)
        receiver.start()

    def _receive(self) -> None:
        try:
            while not self._closed.is_set():
                for message in self._link.call("messages", seconds=ANSWER_SECONDS, group=TALKING):
                    self._take(msgspec.json.decode(message, type=Message))
        except (NodeLost, OSError) as error:
            self._lose(str(error))

    def _take(self, message: Message) -> None:
        assert self._transfer is not None
        self._transfer.fetch(message.files)
        if message.moved:
            self._moved[message.moved] = self._moved.get(message.moved, 0) + 1
        host = self._hosts.get(message.host)
        if host is not None and message.answer is not None:
            host.say(message.answer)
        if host is not None and message.exitcode is not None:
            host.finish(message.exitcode)

    def _lose(self, why: str) -> None:
        if self._closed.is_set():
            return
        self._lost = self._lost or why
        for host in list(self._hosts.values()):
            host.finish(KILLED)


@final
class RemoteHost:
    """A host on a node; see `hosts.Warm`, of which it has the members."""

    def __init__(self, node: RayNode, number: int, log: Path) -> None:
        self.log, self.ready, self.began = log, False, time.monotonic()
        self._node, self._number, self._lines = node, number, Lines()
        self._reading, self._writing = os.pipe()
        self._is_closed, self._lock = False, threading.Lock()
        self._ended = threading.Event()
        self._exitcode = KILLED

    @property
    def gone(self) -> bool:
        """Whether it has ended, as far as is known here."""
        return self._ended.is_set()

    def fileno(self) -> int:
        return self._reading

    def start(self, job: Job, job_file: Path, log: Path, variables: Mapping[str, str]) -> None:
        """Has the job started there."""
        order = Order(kind="start", host=self._number, file=str(job_file), log=str(log), variables=variables)
        self._node.start(order, job)

    def stop(self, job_file: Path) -> None:
        """Has the job ended there."""
        self._node.order(Order(kind="stop", host=self._number, file=str(job_file)))

    def answers(self) -> list[Answer] | None:
        """What it said since the last call (call when readable); None when it has ended."""
        read = os.read(self._reading, 65536)
        if not read:
            return None
        answers = self._lines.answers(read)
        self.ready = self.ready or any(answer.ready for answer in answers)
        return answers

    def close(self) -> None:
        """Ends it and all its jobs."""
        if not self.gone:
            self._node.order(Order(kind="close", host=self._number))
            self._ended.wait(CLOSE_SECONDS)
        self._shut()

    def kill(self) -> int:
        """Ends it and all its jobs by force. Returns its exit code, as far as it is known."""
        if not self.gone:
            self._node.order(Order(kind="kill", host=self._number))
        self._shut()
        return self._exitcode

    # -- called by the node's threads

    def say(self, answer: Answer) -> None:
        """Passes on a line."""
        with self._lock, contextlib.suppress(BrokenPipeError):
            if not self._ended.is_set():
                os.write(self._writing, msgspec.json.encode(answer) + b"\n")

    def finish(self, exitcode: int) -> None:
        """It has ended: whoever reads is told."""
        with self._lock:
            if not self._ended.is_set():
                self._exitcode = exitcode
                self._ended.set()
                os.close(self._writing)

    def _shut(self) -> None:
        self.finish(self._exitcode)
        if not self._is_closed:
            self._is_closed = True
            os.close(self._reading)
