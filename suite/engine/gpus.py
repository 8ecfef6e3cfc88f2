"""Which GPUs a job gets, and which jobs share one. No processes, no clock, no driver.

Jobs of one device share a GPU as far as its memory allows. How much a job needs is measured: the first job of each backend
has a GPU for itself, and its worker reports how much memory of the GPU is in use when the job has ended. Allocators of
all three backends keep what they once took, so that this is the most that the job needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from suite.records import Job

MARGIN = 1.25  # memory of a job that has not run yet over the most that one of its backend needed: autotuning varies by run
FREE = 0.95  # of the memory that was free at the start: contexts and libraries take some outside of any allocator


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a worker reports of its GPU when its job has ended, in bytes. `reserved`: the most that its backend's allocator
    held. `used`: what all processes together hold now. `total`: what there is."""

    reserved: int
    used: int
    total: int


@dataclass(kw_only=True)
class Holder:
    """A job on a GPU. `beside`: the most other jobs that were on it at one time."""

    backend: str
    alone: bool
    beside: int = 0


@final
class Gpus:
    """`names`: what CUDA_VISIBLE_DEVICES calls each GPU. `used`: bytes that other programs held of each at the start, none
    if unknown. `jobs_per_gpu`: how many jobs of one device share a GPU; 0: as many as its memory allows."""

    def __init__(self, names: Sequence[str], *, used: Sequence[int] = (), jobs_per_gpu: int = 0) -> None:
        self._holders: dict[str, dict[str, Holder]] = {name: {} for name in names}
        self._used = dict(zip(names, used, strict=False))
        self._jobs_per_gpu = jobs_per_gpu
        self._total: dict[str, int] = {}
        self._needs: dict[str, int] = {}  # backend -> bytes
        self._outside: dict[str, int] = {}  # backend -> bytes that a job holds outside of its allocator
        self._lost: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many are there and not lost."""
        return len(self._holders)

    @property
    def lost(self) -> str:
        """Why GPUs are not used any more, in words; empty if none was lost."""
        return "; ".join(f"GPU {name} was lost: {why}" for name, why in self._lost.items())

    def needed(self, job: Job) -> int:
        """How many GPUs a job gets. Virtual devices are on one."""
        if job.options.device != "gpu":
            return 0
        return 1 if job.options.virtual_devices and job.devices > self.count > 0 else job.devices

    def choose(self, job: Job, kept: set[str]) -> tuple[str, ...] | None:
        """The GPUs that a job can have now; None if it has to wait. `kept`: GPUs that jobs wait for which need one for
        themselves: this adds to it, so that no stream of small jobs keeps such a job waiting."""
        count = self.needed(job)
        if not self._is_alone(job):
            room = [name for name in self._holders if name not in kept and self._has_room(name, job)]
            return tuple(sorted(room, key=lambda name: len(self._holders[name]))[:1]) or None if count else ()
        empty = [name for name, holders in self._holders.items() if not holders and name not in kept]
        if len(empty) >= count:
            return tuple(empty[:count])
        if count == 1 and self.goes_first(job):
            kept |= set(sorted(self._holders.keys() - kept, key=lambda name: len(self._holders[name]))[:1])
        return None

    def goes_first(self, job: Job) -> bool:
        """Whether a job is to be considered before others that are ready: it waits for a GPU of its own, and others for what
        it tells."""
        backend = job.environment.backend
        is_first = not self._jobs_per_gpu and backend not in self._needs and not self._measures(backend)
        return job.options.device == "gpu" and (job.alone or is_first)

    def start(self, job: Job, gpus: Sequence[str]) -> None:
        """The job has these from now on."""
        for name in gpus:
            holders = self._holders[name]
            holders[job.id] = Holder(backend=job.environment.backend, alone=self._is_alone(job))
            for one in holders.values():
                one.beside = max(one.beside, len(holders) - 1)

    def end(self, job: Job, gpus: Sequence[str], memory: Memory | None = None) -> int:
        """The job has ended, with what its worker reported. Returns how many jobs were beside it, at most."""
        beside = 0
        for name in gpus:
            holder = self._holders.get(name, {}).pop(job.id, None)
            if holder is not None:
                beside = max(beside, holder.beside)
                if memory is not None and len(gpus) == 1:
                    self._learn(name, holder, memory)
        return beside

    def exceeded(self, job: Job, gpu: str, beside: int) -> None:
        """A job ran out of memory beside so many others: fewer of its backend are started there from now on."""
        room = self._room(gpu)
        if room is not None and beside:
            backend = job.environment.backend
            self._needs[backend] = max(self._needs.get(backend, 0), int(room / beside / MARGIN))

    def lose(self, gpu: str, why: str) -> bool:
        """No job is started on this GPU any more. False if that was so already."""
        if self._holders.pop(gpu, None) is None:
            return False
        self._lost[gpu] = why
        return True

    def is_lost(self, gpu: str) -> bool:
        return gpu in self._lost

    def sharing(self, backend: str) -> str:
        """How many jobs of a backend fit on a GPU, in words; empty while that is unknown."""
        room = min((room for name in self._holders if (room := self._room(name)) is not None), default=None)
        need = self._needs.get(backend)
        if self._jobs_per_gpu or room is None or need is None:
            return ""
        fit = max(1, int(room / (need * MARGIN)))
        return f"a job needs {need / 2**30:.1f} GiB of GPU memory: up to {fit} share a GPU"

    def _is_alone(self, job: Job) -> bool:
        """Whether it has its GPUs for itself: several devices, virtual ones too, a second attempt, and the first of its
        backend."""
        if job.options.device != "gpu":
            return False
        unknown = not self._jobs_per_gpu and job.environment.backend not in self._needs
        return job.devices > 1 or job.alone or unknown

    def _measures(self, backend: str) -> bool:
        """Whether a job runs that says how much memory a job of this backend needs."""
        return any(holder.backend == backend for holders in self._holders.values() for holder in holders.values())

    def _has_room(self, name: str, job: Job) -> bool:
        holders = self._holders[name].values()
        if any(holder.alone for holder in holders):
            return False
        if self._jobs_per_gpu:
            return len(holders) < self._jobs_per_gpu
        room = self._room(name)
        backends = [*(holder.backend for holder in holders), job.environment.backend]
        wanted = sum(self._needs.get(backend, 0) for backend in backends) * MARGIN
        return not holders or (room is not None and wanted <= room)

    def _room(self, name: str) -> float | None:
        """Bytes that jobs may hold together; None while no worker has said how much there is. GPUs of a machine that has not
        been measured are taken for the smallest that has."""
        total = self._total.get(name, min(self._total.values(), default=0))
        return (total - self._used.get(name, 0)) * FREE if total else None

    def _learn(self, name: str, holder: Holder, memory: Memory) -> None:
        self._total[name] = memory.total
        backend = holder.backend
        if not holder.beside:
            need = max(memory.used - self._used.get(name, 0), memory.reserved)
            self._outside[backend] = max(self._outside.get(backend, 0), need - memory.reserved)
        else:
            need = memory.reserved + self._outside.get(backend, 0)
        self._needs[backend] = max(self._needs.get(backend, 0), need)
