"""Runs jobs on this machine: a warm host per environment, jobs packed on cores and GPUs, nothing left behind."""

from __future__ import annotations

import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import msgspec

from suite.artifacts import names, places
from suite.artifacts.store import Store
from suite.engine import devices, variables
from suite.engine.gpu_failures import failure
from suite.engine.gpus import Gpus, Memory
from suite.engine.hosts import Answer, Warm, tail
from suite.engine.processes import ended_by
from suite.engine.running import Key, Running, Unavailable, after_others, key_of, too_few
from suite.engine.schedule import Schedule
from suite.plan.locations import ROOT
from suite.records import Job, Outcome, Provisioned, Status, showing

ENTRY = "suite.runner.execute_job:main"
HOST_DEATHS = 3  # a host that died more often is not started again: something kills it each time
IMPORT_SECONDS = 60.0  # for the imports of a host, at the least: a timeout is about jobs, and a busy machine imports slowly
STOP_SECONDS = 10.0  # a host kills a job in milliseconds; after this it hangs itself and is killed
# What a process brings on itself, now and then without any fault of the scenario. Every other signal was sent by somebody.
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
WAIT_SECONDS = 1.0  # how often listeners hear that nothing happened


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


@final
class Local:
    """`provisioned`: environments by name. `folder`: the run folder, for logs and job files. `cores`, `gpus`: how many
    may be in use. `jobs_per_gpu`: how many jobs of one device share a GPU; 0: as many as its memory allows. `timeout`:
    seconds that a run, or the import of a backend, may take. `cache`, `imports`: see `of_host`. `entry`: what a worker
    calls with the job file.

    Hosts stay warm from one `run` to the next. They end with the thread that called `run`, or with `close`. A job that
    crashed is started once more, in a host of its own that ends with it.
    """

    def __init__(
        self,
        provisioned: Mapping[str, Provisioned],
        *,
        folder: Path,
        cores: int,
        timeout: float,
        listen: Callable[[Event], None],
        gpus: int = 0,
        jobs_per_gpu: int = 0,
        cache: Path | None = None,
        imports: Path = ROOT,
        entry: str = ENTRY,
    ) -> None:
        self._provisioned, self._folder, self._cores, self._timeout = provisioned, folder.resolve(), cores, timeout
        self._store = Store(self._folder)
        self._for_imports = max(timeout, IMPORT_SECONDS)
        self._listen, self._cache, self._imports, self._entry = listen, cache, imports, entry
        if gpus and devices.forbids_sharing():
            jobs_per_gpu = 1
        used = devices.used_memory() if gpus and not jobs_per_gpu else ()
        self._gpus = Gpus(variables.gpu_names(gpus), used=used, jobs_per_gpu=jobs_per_gpu)
        self._hosts: dict[Key, Warm] = {}
        self._deaths: Counter[Key] = Counter()
        self._unavailable: dict[Key, Unavailable] = {}
        self._running: dict[str, Running] = {}
        self._outcomes: dict[str, Outcome] = {}
        places.clear(self._folder, names.TEMPORARY)  # of jobs that were killed with their command
        for name in (names.JOBS, names.LOGS):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all hosts and their jobs."""
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()
        self._running.clear()
        places.clear(self._folder, names.TEMPORARY)

    def run(self, jobs: Sequence[Job]) -> dict[str, Outcome]:
        """Runs the jobs and returns how each ended, by id. Whatever a job does, it gets an outcome.

        Raises ValueError if two jobs have one id.
        """
        schedule = Schedule(jobs, self._outcomes)
        try:
            for job in jobs:
                self._host(job)  # all at once, so that their imports overlap
            while schedule.left:
                self._settle(schedule)
                self._start(schedule)
                if self._running or any(not host.ready for host in self._hosts.values()):
                    self._wait(schedule)
                elif schedule.left and not schedule.ready():
                    for job, outcome in schedule.circle():
                        self._end(schedule, job, outcome)
        except BaseException:
            self.close()
            raise
        return {job.id: self._outcomes[job.id] for job in jobs}

    # -- which host

    def _host(self, job: Job) -> Warm | None:
        """The host for a job, started if there is none; None if there cannot be one."""
        key = key_of(job)
        if key in self._unavailable:
            return None
        if key in self._hosts and self._hosts[key].gone and not self._works(self._hosts[key]):
            self._hosts.pop(key).kill()
        if key not in self._hosts:
            self._open(key, job)
        return self._hosts.get(key)

    def _open(self, key: Key, job: Job) -> None:
        environment = job.environment
        provisioned = self._provisioned.get(environment.name)
        if provisioned is None or provisioned.reason or not provisioned.python:
            reason = provisioned.reason if provisioned else ""
            self._unavailable[key] = Unavailable(reason or f"environment {environment.name!r} was not provisioned")
            return
        # -P: the folder it is started in is not a place to import from.
        command = [provisioned.python, "-P", "-m", "suite.runner.host", environment.backend, self._entry]
        surroundings = variables.of_host(
            environment, job.options, folder=self._folder, cache=self._cache, imports=self._imports
        )
        try:
            self._hosts[key] = Warm(command, surroundings, self._folder / names.LOGS / f"host__{environment.name}.log")
        except OSError as error:
            self._unavailable[key] = Unavailable(f"{provisioned.python} cannot be started ({error}): provision it again")

    def _lost(self, schedule: Schedule, key: Key) -> None:
        """A host has ended, or hangs: its jobs failed. The next job that needs it gets a new one."""
        host = self._hosts.pop(key)
        how = ended_by(host.kill())
        self._deaths[key] += 1
        if not host.ready:
            log = tail(host.log)
            last = log.rpartition("\n")[2]
            slow = time.monotonic() - host.began > self._for_imports
            what = f"did not finish its imports within {self._for_imports:g} s" if slow else f"{how} during its imports"
            reason = f"the host of environment {key[0]!r} {what}{last and f': {last}'}"
            self._unavailable[key] = Unavailable(reason, log)
        elif self._deaths[key] > HOST_DEATHS:
            reason = f"the host of environment {key[0]!r} died {self._deaths[key]} times; the last time it {how}"
            self._unavailable[key] = Unavailable(reason, tail(host.log))
        for running in [one for one in self._running.values() if one.host is host]:
            reason = f"the host of environment {key[0]!r} {how} while this job ran; try again with --rerun failed"
            self._left(schedule, running)
            self._ended(schedule, running, Status.FAILED, reason)

    def _works(self, host: Warm) -> bool:
        return any(running.host is host for running in self._running.values())

    # -- which job

    def _settle(self, schedule: Schedule) -> None:
        """Gives an outcome to waiting jobs that can never start, and to those that wait for them, and so on."""
        for job in schedule.waiting():
            if (none := self._unavailable.get(key_of(job))) is not None:
                outcome = Outcome(job=job.id, status=Status.NO_ENVIRONMENT, reason=none.reason, log=none.log)
                self._end(schedule, job, outcome)
            elif (needed := self._gpus.needed(job)) > self._gpus.count:
                outcome = Outcome(job=job.id, status=Status.NO_DEVICES, reason=too_few(needed, self._gpus))
                self._end(schedule, job, outcome)
        while barred := list(schedule.barred()):
            for job, outcome in barred:
                self._end(schedule, job, outcome)

    def _start(self, schedule: Schedule) -> None:
        """Starts every ready job that fits beside those that run."""
        kept: set[str] = set()
        for job in sorted(schedule.ready(), key=lambda job: not self._gpus.goes_first(job)):
            cores = min(job.cores, self._cores)  # one that wants more than there are runs alone
            used = sum(running.cores for running in self._running.values())
            if used + cores > self._cores:
                continue
            host = self._host(job)
            if host is None or not host.ready or (gpus := self._gpus.choose(job, kept)) is None:
                continue
            running = self._running_job(replace(job, gpus=len(gpus)), host, cores, gpus)
            self._gpus.start(job, gpus)
            places.write(running.file, msgspec.json.encode(running.job.shown()))
            places.vacate(running.log)
            host.start(running.file, running.log, {"CUDA_VISIBLE_DEVICES": ",".join(gpus)})
            self._running[str(running.file)] = running
            schedule.start(job)
            self._say(schedule, "started", job)

    def _running_job(self, job: Job, host: Warm, cores: int, gpus: tuple[str, ...]) -> Running:
        attempt = ("__again" if job.died else "") + (f"__{job.environment.name}" if job.refused else "")
        name = job.id.replace("/", "__") + attempt
        file, log = self._folder / names.JOBS / f"{name}.json", self._folder / names.LOGS / f"{name}.log"
        now = time.monotonic()
        return Running(job=job, host=host, file=file, log=log, cores=cores, gpus=gpus, began=now, moved=now)

    def _wait(self, schedule: Schedule) -> None:
        """Until a host says something, or a limit is reached."""
        readable, _, _ = select.select(list(self._hosts.values()), [], [], WAIT_SECONDS)
        for key, host in list(self._hosts.items()):
            if host in readable:
                answers = host.answers()
                if answers is None:
                    self._lost(schedule, key)
                    continue
                for answer in answers:
                    if answer.note:
                        self._say(schedule, "noted", note=f"{key[0]}: {answer.note}")
                    if answer.ended in self._running:
                        self._answered(schedule, self._running[answer.ended], answer)
            self._limit(schedule, key, host)
        if not readable:
            self._say(schedule, "waiting")

    def _limit(self, schedule: Schedule, key: Key, host: Warm) -> None:
        now = time.monotonic()
        hangs = not host.ready and now - host.began > self._for_imports
        for running in [one for one in self._running.values() if one.host is host]:
            if running.stopped:
                hangs = hangs or now - running.stopped > STOP_SECONDS
            elif not running.looks_alive(self._store, now, self._timeout):
                running.stopped = now
                host.stop(running.file)
        if hangs:
            self._lost(schedule, key)

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
        found = failure(
            self._gpus, running.job, running.gpus, said=said, reason=reason, beside=beside, answers=devices.answers
        )
        if found.note:
            self._say(schedule, "noted", note=found.note)
        return found.reason, found.again

    def _left(self, schedule: Schedule, running: Running, memory: Memory | None = None) -> int:
        """The job does not run any more. Returns how many jobs shared its GPU, at most."""
        self._running.pop(str(running.file), None)
        backend = running.job.environment.backend
        before = self._gpus.sharing(backend)
        beside = self._gpus.end(running.job, running.gpus, memory)
        if not before and (sharing := self._gpus.sharing(backend)):
            self._say(schedule, "noted", note=f"{backend}: {sharing}")
        return beside

    def _ended(self, schedule: Schedule, running: Running, status: Status, reason: str) -> None:
        if running.stopped and status is not Status.COMPLETE:
            status = Status.TIMED_OUT
            reason = (
                f"was stopped after {self._timeout:g} s in which it neither began nor finished a run, with all its "
                "processes. The end of its log shows where it was. To allow more time, raise --timeout"
            )
        seconds = round(time.monotonic() - running.began, 3)
        outcome = Outcome(job=running.job.id, status=status, reason=reason, seconds=seconds, log=tail(running.log))
        self._end(schedule, running.job, outcome)

    def _end(self, schedule: Schedule, job: Job, outcome: Outcome) -> None:
        if (own := key_of(job))[-1] and (host := self._hosts.pop(own, None)) is not None:
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
        self._host(again)
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
