"""Files between the coordinator and a node that share no folder: by digest, in blocks, through Ray's object store."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.artifacts import names, places
from suite.artifacts.store import Store
from suite.artifacts.writing import file_digest
from suite.engine.ray.link import FILES, Link
from suite.engine.ray.messages import Sent
from suite.plan import discover, locations
from suite.records import Job, Source

BLOCK = 8 << 20  # bytes at once: what a node and the coordinator hold in memory of a file
SENT = "sent"  # the folder of an agent for files that are in no run folder


@dataclass(kw_only=True)
class Transfer:
    """To and from one node. `folder`: the run folder here. `there`: the agent's folder. `scenarios`: the folder of the
    built-in ones there. `is_shared`: whether a path is in a folder that the node has, too."""

    link: Link
    folder: Path
    there: str
    scenarios: str
    is_shared: Callable[[Path], bool]

    def __post_init__(self) -> None:
        self._digest = functools.lru_cache(maxsize=None)(lambda path, signature: file_digest(path))
        self._fetched: dict[str, str] = {}

    # -- to the node

    def prepared(self, job: Job) -> Job:
        """Sends what a job reads and the node lacks, and returns the job with the node's own paths."""
        placed: list[tuple[Path, str]] = []
        if not self.is_shared(self.folder):
            inside = Path(job.run_folder).relative_to(self.folder)
            for artifact in Store(job.run_folder).read_by(job):
                files = [path for path in artifact.folder.glob("*") if path.is_file()]
                placed += [(path, str(Path(names.RUNS, inside, artifact.where, path.name))) for path in files]
        job, more = self._outside(job)
        self._send([*placed, *more])
        return job

    def _outside(self, job: Job) -> tuple[Job, list[tuple[Path, str]]]:
        """The job with the node's paths of what lies in no run folder, and the files that are to be there."""
        placed: list[tuple[Path, str]] = []
        source = job.source
        if source is not None and source.kind == "file" and not self.is_shared(Path(source.location)):
            path = Path(source.location)
            if path.is_relative_to(locations.SCENARIOS):
                location = str(Path(self.scenarios, path.relative_to(locations.SCENARIOS)))
            else:
                location, placed = self._placed(path, _beside(path, _files_of(str(path))))
            job = replace(job, source=replace(source, location=location))
        if job.file is not None:
            model, more = self._alone(job.file.path)
            data, rows = self._alone(job.file.data)
            job, placed = replace(job, file=replace(job.file, path=model, data=data)), [*placed, *more, *rows]
        return job, placed

    def _alone(self, given: str) -> tuple[str, list[tuple[Path, str]]]:
        """The node's path of one file, or of none."""
        if not given or self.is_shared(Path(given)):
            return given, []
        return self._placed(Path(given), [Path(given)])

    def _placed(self, path: Path, files: Sequence[Path]) -> tuple[str, list[tuple[Path, str]]]:
        """The node's path of a file, and where the files of its folder go with it."""
        folder = f"{SENT}/{self._of(path)[:16]}"
        placed = [(one, f"{folder}/{one.relative_to(path.parent)}") for one in files]
        return f"{self.there}/{folder}/{path.name}", placed

    def _send(self, placed: Sequence[tuple[Path, str]]) -> None:
        digests = {path: self._of(path) for path, _ in placed}
        lacking = set(self._call("lacks", list(dict.fromkeys(digests.values())))) if placed else set()
        for path, digest in digests.items():
            if digest in lacking:
                lacking.remove(digest)
                for block, is_last in _blocks(path):
                    self._call("receive", digest, block, is_last)
        if placed:
            self._call("put", [(digests[path], name) for path, name in placed])

    def _of(self, path: Path) -> str:
        return self._digest(path, places.signature(path))

    # -- from the node

    def fetch(self, files: Sequence[Sent]) -> None:
        """Files of the run folder there, written here by rename, in this order. One that changes meanwhile is left out."""
        for sent in files:
            path = places.safe(self.folder, sent.name)
            if self._fetched.get(sent.name) == sent.digest and path.is_file():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            with partial.open("wb") as stream:
                for offset in range(0, sent.size, BLOCK):
                    stream.write(self._call("give", sent.name, offset, min(BLOCK, sent.size - offset)))
            if file_digest(partial) == sent.digest:
                partial.replace(path)
                self._fetched[sent.name] = sent.digest
            else:
                partial.unlink()  # it was written again meanwhile, and is sent again when its job ends

    def _call(self, method: str, *arguments: object) -> Any:
        return self.link.call(method, *arguments, group=FILES)


def _blocks(path: Path) -> Iterator[tuple[bytes, bool]]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK)
            yield block, stream.tell() >= size
            if stream.tell() >= size:
                return


@functools.cache
def _files_of(location: str) -> tuple[str, ...]:
    """The files that a scenario names beside its own."""
    return tuple(discover.load_scenario(Source(kind="file", location=location)).files)


def _beside(path: Path, files: Sequence[str]) -> list[Path]:
    """What `discover.digest_of` counts as a scenario: its file, the modules beside it, and the files that it names."""
    return [path, *sorted(path.parent.glob("_*.py")), *(path.parent / name for name in files)]
