"""Runs jobs on nodes: a warm host per node and environment, jobs packed on cores and GPUs, nothing left behind."""

from __future__ import annotations

import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

from suite.artifacts import names, places
from suite.engine.events import Event
from suite.engine.gpu_failures import failure
from suite.engine.gpus import Memory
from suite.engine.hosts import Answer, tail
from suite.engine.nodes import Host, Hosts, Key, Node, key_of
from suite.engine.processes import ended_by
from suite.engine.running import Running, after_others, cannot, file_name
from suite.engine.schedule import Schedule
from suite.records import Job, Outcome, Status, showing

IMPORT_SECONDS = 60.0  # for the imports of a host, at the least: a timeout is about jobs, and a busy machine imports slowly
STOP_SECONDS = 10.0  # a host kills a job in milliseconds; after this it hangs itself and is killed
# What a process brings on itself, now and then without any fault of the scenario. Every other signal was sent by somebody.
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
WAIT_SECONDS = 1.0  # how often listeners hear that nothing happened
LOST_NODES = 3  # a job that lost so many nodes, the last of them alone, is not started again: it may be what kills them


@final
class Engine:
    """`nodes`: where jobs may run; those that have more room go first. `folder`: the run folder, for logs and job files.
    `timeout`: seconds that a run, or the import of a backend, may take.

    Hosts stay warm from one `run` to the next. They end with the thread that called `run`, or with `close`. A job that
    crashed is started once more, in a host of its own that ends with it. A job whose node is lost is started elsewhere.
    """

    def __init__(self, nodes: Sequence[Node], *, folder: Path, timeout: float, listen: Callable[[Event], None]) -> None:
        self._folder, self._timeout, self._listen = folder.resolve(), timeout, listen
        self._for_imports = max(timeout, IMPORT_SECONDS)
        self._nodes = [Hosts(node, self._folder, self._for_imports) for node in nodes]
        self._running: dict[str, Running] = {}
        self._lost_nodes: Counter[str] = Counter()  # by job
        self._why_lost: list[str] = []
        self._outcomes: dict[str, Outcome] = {}
        places.clear(self._folder, names.TEMPORARY)  # of jobs that were killed with their command
        for name in (names.JOBS, names.LOGS):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def cores(self) -> int:
        """How many may be in use at once, on all nodes."""
        return sum(hosts.node.cores for hosts in self._nodes)

    def close(self) -> None:
        """Ends all hosts and their jobs."""
        for hosts in self._nodes:
            hosts.close()
        self._running.clear()
        places.clear(self._folder, names.TEMPORARY)

    def run(self, jobs: Sequence[Job]) -> dict[str, Outcome]:
        """Runs the jobs and returns how each ended, by id. Whatever a job does, it gets an outcome.

        Raises ValueError if two jobs have one id.
        """
        schedule = Schedule(jobs, self._outcomes)
        try:
            for job in jobs:
                self._warm(job)  # all at once, so that their imports overlap
            while schedule.left:
                self._settle(schedule)
                self._start(schedule)
                if self._running or any(not host.ready for _, _, host in self._hosts()):
                    self._wait(schedule)
                elif schedule.left and not schedule.ready():
                    for job, outcome in schedule.circle():
                        self._end(schedule, job, outcome)
        except BaseException:
            self.close()
            raise
        return {job.id: self._outcomes[job.id] for job in jobs}

    # -- which host

    def _hosts(self) -> Iterator[tuple[Hosts, Key, Host]]:
        return ((hosts, key, host) for hosts in list(self._nodes) for key, host in list(hosts.open.items()))

    def _warm(self, job: Job) -> None:
        """Starts the hosts in which a job may run."""
        for hosts in self._nodes:
            if hosts.fits(job):
                hosts.of(job, self._works)

    def _works(self, host: Host) -> bool:
        return any(running.host is host for running in self._running.values())

    def _lost(self, schedule: Schedule, hosts: Hosts, key: Key) -> None:
        """A host has ended, or hangs: its jobs failed."""
        host, how = hosts.lost(key)
        for running in [one for one in self._running.values() if one.host is host]:
            reason = f"the host of environment {key[0]!r} {how} while this job ran; try again with --rerun failed"
            self._left(schedule, running)
            self._ended(schedule, running, Status.FAILED, reason)

    def _leave_lost_nodes(self, schedule: Schedule) -> None:
        """What ran on a node that is lost starts elsewhere, or there once more if the machine is still there."""
        for hosts in [one for one in self._nodes if one.node.lost]:
            why = f"node {hosts.node.name} is lost ({hosts.node.lost})"
            self._nodes.remove(hosts)
            self._why_lost.append(why)
            renewed = hosts.node.renewed()
            if renewed is not None:
                self._nodes.append(Hosts(renewed, self._folder, self._for_imports))
            stranded = [one for one in self._running.values() if one.hosts is hosts]
            jobs = "1 job starts" if len(stranded) == 1 else f"{len(stranded)} jobs start"
            then = f"{jobs} again{', there or' if renewed else ''} elsewhere" if stranded else "nothing ran there"
            self._say(schedule, "noted", note=f"{why}: {then}")
            for running in stranded:
                self._strand(schedule, running, why)
            hosts.close()

    def _strand(self, schedule: Schedule, running: Running, why: str) -> None:
        job = running.job
        self._left(schedule, running)
        self._lost_nodes[job.id] += 1
        if self._lost_nodes[job.id] < LOST_NODES:
            schedule.again(job)
            self._warm(job)
        else:
            reason = f"lost its node {LOST_NODES} times, the last time alone on it ({why}): it may be what kills them"
            self._ended(schedule, running, Status.FAILED, reason)

    # -- which job

    def _settle(self, schedule: Schedule) -> None:
        """Gives an outcome to waiting jobs that can never start, and to those that wait for them, and so on."""
        self._leave_lost_nodes(schedule)
        for job in schedule.waiting():
            if (outcome := cannot(job, self._nodes, self._why_lost)) is not None:
                self._end(schedule, job, outcome)
        while barred := list(schedule.barred()):
            for job, outcome in barred:
                self._end(schedule, job, outcome)

    def _start(self, schedule: Schedule) -> None:
        """Starts every ready job that fits beside those that run."""
        kept: dict[int, set[str]] = {id(hosts): set() for hosts in self._nodes}
        for job in sorted(schedule.ready(), key=lambda job: not self._goes_first(job)):
            fitting = [hosts for hosts in self._nodes if hosts.fits(job)]
            cores = min(job.cores, max((hosts.node.cores for hosts in fitting), default=0))  # too many: it runs alone
            tried = {id(hosts): set(kept[id(hosts)]) for hosts in fitting}
            needed = {id(hosts): hosts.node.cores if self._last_chance(job) else cores for hosts in fitting}
            roomy = sorted((hosts for hosts in fitting if self._free(hosts) >= needed[id(hosts)]), key=self._load)
            if not any(self._started(schedule, job, hosts, needed[id(hosts)], tried[id(hosts)]) for hosts in roomy):
                kept |= tried

    def _started(self, schedule: Schedule, job: Job, hosts: Hosts, cores: int, kept: set[str]) -> bool:
        """Whether a job can start on a node now: then it does."""
        host = hosts.of(job, self._works)
        if host is None or not host.ready or (gpus := hosts.node.gpus.choose(job, kept)) is None:
            return False
        job = replace(job, gpus=len(gpus))
        name, now = file_name(job), time.monotonic()
        file, log = self._folder / names.JOBS / f"{name}.json", self._folder / names.LOGS / f"{name}.log"
        running = Running(job=job, hosts=hosts, host=host, file=file, log=log, cores=cores, gpus=gpus, began=now, moved=now)
        hosts.node.gpus.start(job, gpus)
        host.start(job, file, log, {"CUDA_VISIBLE_DEVICES": ",".join(gpus)})
        self._running[str(file)] = running
        schedule.start(job)
        self._say(schedule, "started", job)
        return True

    def _last_chance(self, job: Job) -> bool:
        """Then it has a node for itself: a job beside it would be charged with what it did, and it with what others did."""
        return self._lost_nodes[job.id] == LOST_NODES - 1

    def _goes_first(self, job: Job) -> bool:
        return any(hosts.node.gpus.goes_first(job) for hosts in self._nodes)

    def _free(self, hosts: Hosts) -> int:
        return hosts.node.cores - sum(running.cores for running in self._running.values() if running.hosts is hosts)

    def _load(self, hosts: Hosts) -> float:
        return 1 - self._free(hosts) / hosts.node.cores

    def _wait(self, schedule: Schedule) -> None:
        """Until a host says something, or a limit is reached."""
        readable, _, _ = select.select([host for _, _, host in self._hosts()], [], [], WAIT_SECONDS)
        for hosts, key, host in self._hosts():
            if hosts.node.lost:
                continue
            if host in readable:
                answers = host.answers()
                if answers is None:
                    self._lost(schedule, hosts, key)
                    continue
                for answer in answers:
                    if answer.note:
                        self._say(schedule, "noted", note=f"{key[0]}: {answer.note}")
                    if answer.ended in self._running:
                        self._answered(schedule, self._running[answer.ended], answer)
            self._limit(schedule, hosts, key, host)
        if not readable:
            self._say(schedule, "waiting")

    def _limit(self, schedule: Schedule, hosts: Hosts, key: Key, host: Host) -> None:
        now = time.monotonic()
        hangs = hosts.hangs(host)
        for running in [one for one in self._running.values() if one.host is host]:
            if running.stopped:
                hangs = hangs or now - running.stopped > STOP_SECONDS
            elif not running.looks_alive(now, self._timeout):
                running.stopped = now
                host.stop(running.file)
        if hangs and not hosts.node.lost:
            self._lost(schedule, hosts, key)

    # -- how it ended

    def _answered(self, schedule: Schedule, running: Running, answer: Answer) -> None:
        beside = self._left(schedule, running, answer.memory)
        reason, again = answer.reason, None
        if answer.status is not Status.COMPLETE:
            reason = reason or f"the worker {ended_by(answer.exitcode)}"
            if running.gpus and answer.status in (Status.FAILED, Status.NO_DEVICES):
                reason, again = self._failed_on_gpu(schedule, running, answer, reason, beside)
            if again is None and -answer.exitcode in CRASHES and not running.job.died and not running.stopped:
                again = replace(running.job, died=f"{reason}, see logs/{running.log.name}")
            if answer.exitcode == -signal.SIGKILL:
                reason += "; probably out of memory, so it is not started again"
        if again is None:
            self._ended(schedule, running, answer.status, reason)
        else:
            schedule.again(again)

    def _failed_on_gpu(
        self, schedule: Schedule, running: Running, answer: Answer, reason: str, beside: int
    ) -> tuple[str, Job | None]:
        """The reason with what is known of the GPU, and the second attempt if there is to be one."""
        said = answer.reason or f"{reason} {tail(running.log)}"
        if running.stopped:  # a GPU that is lost can also leave a job waiting: the driver says whether it is
            said = reason = f"CUDA gave no answer within {self._timeout:g} s"
        node = running.hosts.node
        found = failure(node.gpus, running.job, running.gpus, said=said, reason=reason, beside=beside, answers=node.knows)
        if found.note:
            self._say(schedule, "noted", note=running.on_node(found.note))
        return found.reason, found.again

    def _left(self, schedule: Schedule, running: Running, memory: Memory | None = None) -> int:
        """The job does not run any more. Returns how many jobs shared its GPU, at most."""
        self._running.pop(str(running.file), None)
        backend, gpus = running.job.environment.backend, running.hosts.node.gpus
        before = gpus.sharing(backend)
        beside = gpus.end(running.job, running.gpus, memory)
        if not before and (sharing := gpus.sharing(backend)):
            self._say(schedule, "noted", note=running.on_node(f"{backend}: {sharing}"))
        return beside

    def _ended(self, schedule: Schedule, running: Running, status: Status, reason: str) -> None:
        if running.stopped and status is not Status.COMPLETE:
            status = Status.TIMED_OUT
            reason = (
                f"was stopped after {self._timeout:g} s in which it neither began nor finished a run, with all its "
                "processes. The end of its log shows where it was. To allow more time, raise --timeout"
            )
        if status is not Status.COMPLETE:
            reason = running.on_node(reason)
        seconds = round(time.monotonic() - running.began, 3)
        outcome = Outcome(job=running.job.id, status=status, reason=reason, seconds=seconds, log=tail(running.log))
        self._end(schedule, running.job, outcome)

    def _end(self, schedule: Schedule, job: Job, outcome: Outcome) -> None:
        if (own := key_of(job))[-1]:
            for host in [hosts.open.pop(own) for hosts in self._nodes if own in hosts.open]:
                host.kill()
        if job.died and outcome.status is not Status.COMPLETE:
            outcome = replace(outcome, reason=f"first attempt: {job.died}; second: {outcome.reason}")
        elif job.died:
            outcome = replace(outcome, died=showing.shown(job.died))
        if outcome.status is not Status.COMPLETE and job.elsewhere:
            self._go_on_elsewhere(schedule, job, outcome)
            return
        if job.refused:
            outcome = replace(outcome, reason=after_others(job, outcome))
        outcome = replace(outcome, reason=showing.shown(outcome.reason), log=showing.shown(outcome.log))
        schedule.end(outcome)
        self._outcomes[job.id] = outcome
        self._say(schedule, "ended", job, outcome)

    def _go_on_elsewhere(self, schedule: Schedule, job: Job, outcome: Outcome) -> None:
        refused = f"{job.environment.name}: {outcome.reason}"
        following, *rest = job.elsewhere
        again = replace(job.moved(following), elsewhere=tuple(rest), refused=(*job.refused, refused), died="")
        schedule.again(again)
        self._warm(again)
        why = refused.partition("\n")[0]
        self._say(schedule, "noted", note=f"{job.id} goes on in {following.name}, because it failed in {why}")

    def _say(
        self, schedule: Schedule, kind: str, job: Job | None = None, outcome: Outcome | None = None, note: str = ""
    ) -> None:
        running = tuple(one.job.id for one in self._running.values())
        left = (*(one.job for one in self._running.values()), *schedule.waiting())
        done, total = schedule.total - schedule.left, schedule.total
        self._listen(
            Event(kind=kind, running=running, done=done, total=total, job=job, outcome=outcome, note=note, left=left)
        )
