"""What runs leave behind, on disk: written by rename, checked by sha256. What is called how is in `suite.artifacts.names`.

Nothing is unpickled. Reading never fills a gap: what a manifest does not list is not there.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from suite.artifacts import arrays as files
from suite.artifacts import names
from suite.records import DamagedArtifact, FolderInUse, Job, Manifest, Plan, Run, Session, Status

Arrays = Mapping[str, np.ndarray]
Record = TypeVar("Record")


def digest_of(*parts: object) -> str:
    """The sha256, in hexadecimal, of the parts' JSON."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_text(path: Path, text: str | bytes) -> None:
    """Writes by rename: a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(text.encode() if isinstance(text, str) else text)
    partial.replace(path)


def write_record(path: Path, record: object) -> None:
    write_text(path, msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1))


def read_record(path: Path, kind: type[Record]) -> Record:
    """The record in a JSON file.

    Raises:
        DamagedArtifact: there is no such file, or it does not hold such a record.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise DamagedArtifact(f"{path}: not a {kind.__name__.lower()} ({error}); delete it and run again") from error


class Artifact:
    """One folder with a manifest. A writer enters `recording`; a reader calls `manifest` and `arrays`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._digests: dict[str, str] = {}

    # -- writing

    @contextmanager
    def recording(self, manifest: Manifest, *, leads: bool = True) -> Iterator[Recording]:
        """Begins the artifact, and finishes it as complete when the body ends: with the seconds that it took, and with
        what it told. After an exception the artifact stays "started", as after the death of the process, and the
        exception goes on.

        `leads`: False in those processes of a job that leave writing to another one: nothing is written then.
        """
        recorded, began = Recording(self, leads=leads), time.monotonic()
        if leads:
            self.begin(manifest)
        yield recorded
        if leads:
            told: dict[str, Any] = {"seconds": time.monotonic() - began, **recorded.told}
            self.finish(replace(manifest, status=Status.COMPLETE, **told))

    def begin(self, manifest: Manifest) -> None:
        """Empties the folder and writes a manifest that says "started"."""
        self.discard()
        self.folder.mkdir(parents=True)
        self._digests = {}
        write_record(self.folder / names.MANIFEST, manifest)

    def add(self, name: str, arrays: Arrays) -> None:
        """Stores arrays (any shape and memory layout; booleans, integers, floats) as the part of this name."""
        path = self.folder / names.file_of(name)
        partial = self.folder / f".{name}.partial"
        files.write(partial, arrays)
        partial.replace(path)
        self._digests[path.name] = file_digest(path)

    def place(self, name: str) -> Path:
        """Where a model file is to be written; `placed` records it."""
        return self.folder / name

    def placed(self, name: str) -> None:
        self._digests[name] = file_digest(self.folder / name)

    def finish(self, manifest: Manifest) -> None:
        """Rewrites the manifest, with the digest of every file that was added."""
        write_record(self.folder / names.MANIFEST, replace(manifest, files=dict(self._digests)))

    def discard(self) -> None:
        """Removes the folder with everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- reading

    def manifest(self) -> Manifest | None:
        """The manifest, or None if the run never started, or if the file is `unreadable`."""
        try:
            return read_record(self.folder / names.MANIFEST, Manifest)
        except DamagedArtifact:
            return None

    def unreadable(self) -> str:
        """Why there is a manifest that cannot be read, as a sentence; empty if it can be, or if there is none."""
        if not (self.folder / names.MANIFEST).is_file() or self.manifest() is not None:
            return ""
        return "its manifest is damaged, or a different version of the suite wrote it: run it again with --rerun failed"

    def complete(self, digest: str) -> bool:
        """Whether it is complete, made from the same inputs, and undamaged."""
        manifest = self.manifest()
        if manifest is None or manifest.status is not Status.COMPLETE or manifest.digest != digest:
            return False
        return not self.damage(manifest)

    def damage(self, manifest: Manifest) -> str:
        """What is wrong with the files, as a sentence; empty if nothing is."""
        for name, digest in manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                return f"the artifact has no {name}, which its manifest lists: run it again with --rerun failed"
            if file_digest(path) != digest:
                return f"{name} is not what the run wrote (its sha256 differs): run it again with --rerun failed"
        return ""

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of the part of this name, mapped read-only: nothing is loaded until it is looked at.

        Raises:
            DamagedArtifact: no such file, or not a safetensors file.
        """
        path = self.folder / names.file_of(name)
        try:
            return files.mapped(path)
        except (OSError, ValueError, KeyError) as error:
            raise DamagedArtifact(f"{path.name} of {self.folder.name} cannot be read: {error}") from error


class Recording:
    """An artifact that is being written."""

    def __init__(self, artifact: Artifact, *, leads: bool) -> None:
        self._artifact, self._leads = artifact, leads
        self.told: dict[str, Any] = {}

    def add(self, name: str, arrays: Arrays) -> None:
        """Stores arrays (any shape and memory layout; booleans, integers, floats) as the part of this name."""
        if self._leads:
            self._artifact.add(name, arrays)

    @contextmanager
    def placing(self, name: str) -> Iterator[Path]:
        """The path of a model file, which the body writes: then it belongs to the artifact."""
        yield self._artifact.place(name)
        self._artifact.placed(name)

    def tell(self, **fields: Any) -> None:
        """Fields of the finished manifest that are known only now."""
        self.told |= fields


Complete = tuple[Artifact, Manifest]  # of a finished run


class Store:
    """A run folder."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def inputs(self, scenario: str) -> Artifact:
        """Arrays "data" (x/<input>, y, predict/<input>) and "initial" (variable path -> float32 array)."""
        return Artifact(self.folder / names.INPUTS / scenario)

    def probe(self, environment: str) -> Artifact:
        return Artifact(self.folder / names.PROBES / environment)

    def run(self, run: Run | str) -> Artifact:
        return Artifact(self.folder / names.RUNS / (run if isinstance(run, str) else run.id))

    def zoo(self, environment: str, precision: str, chunk: str) -> Artifact:
        """Some cases of the zoo, run together."""
        return Artifact(self.folder / names.ZOO / environment / precision / chunk)

    def reload(self, run: Run | str, environment: str, form: str) -> Artifact:
        return Artifact(self.run(run).folder / names.RELOAD / environment / form)

    def made_by(self, job: Job) -> list[Artifact]:
        """The artifacts that a job makes."""
        if job.kind == "probe":
            return [self.probe(job.environment.name)]
        if job.kind == "prepare":
            return [self.inputs(job.scenario)]
        if job.kind == "zoo":
            return [self.zoo(job.environment.name, job.precision, job.chunk)]
        if job.kind == "reload":
            return [self.reload(run, job.environment.name, form) for run in job.runs for form in names.FORMS]
        return [self.run(run) for run in job.runs]

    def write_plan(self, plan: Plan) -> None:
        write_record(self.folder / names.PLAN, plan)

    @property
    def is_run_folder(self) -> bool:
        """Whether a command has planned something here."""
        return (self.folder / names.PLAN).is_file()

    def read_plan(self) -> Plan:
        return read_record(self.folder / names.PLAN, Plan)

    def write_session(self, session: Session) -> None:
        write_record(self.folder / names.SESSION, session)

    def read_session(self) -> Session:
        return read_record(self.folder / names.SESSION, Session)

    def lock(self) -> Lock:
        return Lock(self.folder / names.LOCK)


class Lock:
    """Keeps a second command out of the same folder while one is at work (an advisory lock: gone with its process)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Makes the folder.

        Raises:
            FolderInUse: another command is at work in it.
        """
        import filelock  # here: the worker imports this module, and its environments lack what only the coordinator needs

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(self.path)
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise FolderInUse(
                f"{self.path.parent} is in use by another command; wait for it, or choose another folder with --out"
            ) from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()
