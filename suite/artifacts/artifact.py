"""One folder that a run leaves behind: a manifest and its files, checked by sha256.

Nothing is unpickled. Reading never fills a gap: what a manifest does not list is not there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts import arrays as files
from suite.artifacts import names, places, reading, validation
from suite.artifacts.writing import file_digest
from suite.records import DamagedArtifact, Manifest, Status

Arrays = Mapping[str, np.ndarray]
RERUN = "run it again with --rerun failed"
DROPPED = "was dropped after it was judged: run it again; --keep all keeps everything"


class Artifact:
    """One folder with a manifest. A writer enters `recording`; a reader calls `manifest` and `arrays`. `place`: its name
    below `root`, the run folder. Without one, nothing is known of what lies around it."""

    def __init__(self, root: Path, place: str = "", parts: Parts | None = None) -> None:
        self.folder = root / place if place else root
        self._root, self._place = root, place
        self._digests: dict[str, str] = {}  # of what is being written
        self._paths: dict[str, Path] = {}
        self._read: tuple[object, Manifest] | None = None  # the last manifest that was read, with its file's signature
        self._checked: dict[str, tuple[object, str]] = {}  # file -> its signature, and its digest then
        self._parts = Parts() if parts is None else parts

    @property
    def where(self) -> str:
        """Its name below the run folder."""
        return self._place

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
        self._write(manifest)

    def _write(self, manifest: Manifest) -> None:
        places.write(self.folder / names.MANIFEST, reading.sealed(replace(manifest, place=self._place)))

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
        self._write(replace(manifest, files=self._digests))
        self._digests = {}

    def discard(self) -> None:
        """Removes the folder with everything in it, or whatever is in its place."""
        if self._place:
            places.clear(self._root, self._place)
        else:
            places.clear(self.folder.parent, self.folder.name)

    # -- reading

    def manifest(self) -> Manifest | None:
        """The manifest, or None if the run never started, or if the file is `unreadable`."""
        try:
            return self._manifest()
        except DamagedArtifact:
            return None

    def signature(self) -> object:
        """Changes whenever its manifest does: when it is begun, and when it is finished."""
        return places.signature(self.folder / names.MANIFEST)

    def _manifest(self) -> Manifest:
        """Raises DamagedArtifact if there is none, or if it cannot be believed."""
        path = self._path(names.MANIFEST)
        changes = places.signature(path)
        if self._read is None or changes is None or self._read[0] != changes:
            found = reading.unsealed(path, Manifest)
            if wrong := validation.wrong_in_manifest(found, self._place):
                raise DamagedArtifact(f"{path} is not the manifest of this artifact ({wrong}); delete it and run again")
            self._read = changes, found
        return self._read[1]

    def _path(self, name: str) -> Path:
        """Raises DamagedArtifact if a link leads there."""
        if name not in self._paths:
            self._paths[name] = places.safe(self._root, f"{self._place}/{name}") if self._place else self.folder / name
        return self._paths[name]

    def unreadable(self) -> str:
        """Why there is a manifest that cannot be read, as a sentence; empty if it can be, or if there is none."""
        if not os.path.lexists(self.folder / names.MANIFEST) and (self._is_folder() or not os.path.lexists(self.folder)):
            return ""
        try:
            self._manifest()
        except DamagedArtifact as error:
            return f"its manifest is damaged, or a different version of the suite wrote it: {RERUN} ({error})"
        return ""

    def _is_folder(self) -> bool:
        return self.folder.is_dir() and not self.folder.is_symlink()

    def complete(self, digest: str) -> bool:
        """Whether it is complete, made from the same inputs, undamaged, and whole."""
        manifest = self.manifest()
        if manifest is None or manifest.status is not Status.COMPLETE or manifest.digest != digest:
            return False
        return not manifest.dropped and not self.damage(manifest)

    def is_of(self, saved: Manifest | None, form: str) -> bool:
        """Whether it is what was loaded in this form of the files that a run with the manifest `saved` has."""
        manifest = self.manifest()
        return bool(manifest and saved and manifest.loaded == saved.files.get(names.loaded_by(form)))

    def damage(self, manifest: Manifest) -> str:
        """What is wrong with the files, as a sentence; empty if nothing is. Nothing is wrong with what was dropped."""
        try:
            for name, digest in manifest.files.items():
                if name not in manifest.dropped:
                    self._verify(name, digest)
            return self._misdescribed(manifest)
        except DamagedArtifact as error:
            return str(error)

    def _verify(self, name: str, digest: str) -> Path:
        """Raises DamagedArtifact if the file is not there, or does not have this digest."""
        path = self._path(name)
        changes = places.signature(path)
        if changes is None:
            raise DamagedArtifact(f"the artifact has no {name}, which its manifest lists: {RERUN}")
        if self._checked.get(name, (None, ""))[0] != changes:
            try:
                self._checked[name] = changes, file_digest(path)
            except OSError as error:
                raise DamagedArtifact(f"{name} cannot be read ({error.strerror}): {RERUN}, or change its mode") from error
        if self._checked[name][1] != digest:
            raise DamagedArtifact(f"{name} is not what the run wrote (its sha256 differs): {RERUN}")
        return path

    def _misdescribed(self, manifest: Manifest) -> str:
        """Which stored weights have other shapes than the manifest says."""
        for number in manifest.steps if manifest.tensors else ():
            if names.has(manifest, part := names.step(number)) and names.file_of(part) not in manifest.dropped:
                stored = reading.shapes(self._path(names.file_of(part)))
                if wrong := validation.wrong_shape(manifest.tensors, stored):
                    return f"{names.file_of(part)} is not what its manifest describes ({wrong}): {RERUN}"
        return ""

    def file(self, name: str) -> Path:
        """Where a file of this artifact is, as its manifest lists it, or as it was written here.

        Raises:
            DamagedArtifact: the manifest does not list it, or it is not what was written.
        """
        if name in self._digests:
            return self.folder / name
        manifest = self._manifest()
        listed = manifest.files
        if name not in listed:
            raise DamagedArtifact(f"{name} of {self._place or self.folder.name} is not in its manifest: {RERUN}")
        if name in manifest.dropped:
            raise DamagedArtifact(f"{name} of {self._place or self.folder.name} {DROPPED}")
        return self._verify(name, listed[name])

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of the part of this name, mapped read-only: nothing is loaded until it is looked at.

        Raises:
            DamagedArtifact: the manifest lists no such file, or it is not what was written. So does a look-up of an array
                that is not there.
        """
        file = names.file_of(name)
        return self._parts.of(self.file(file), f"{file} of {self._place or self.folder.name}")


class Parts:
    """Small files of arrays, held in memory, because every comparison reads them again. Larger ones are mapped each time: a
    mapping keeps its file open, and a process may have a thousand."""

    SMALL = 1 << 20  # bytes of a file
    TOGETHER = 1 << 28  # bytes of all

    def __init__(self) -> None:
        self._held: dict[Path, tuple[object, reading.Part]] = {}
        self._bytes = 0

    def of(self, path: Path, where: str) -> reading.Part:
        """The arrays of a file, read-only. `where`: what it is called. Raises DamagedArtifact if it is none."""
        changes = places.signature(path)
        if changes is None or changes[1] > self.SMALL:
            return reading.Part(files.mapped(path), where)
        if path not in self._held or self._held[path][0] != changes:
            self._bytes += changes[1]
            if self._bytes > self.TOGETHER:
                self._held, self._bytes = {}, changes[1]
            self._held[path] = changes, reading.Part(reading.small_arrays(path, self.SMALL), where)
        return self._held[path][1]


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
        """The path of a model file, which the body writes: then it belongs to the artifact. Where this process does not
        lead, it is thrown away."""
        if not self._leads:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder) / name
            return
        yield self._artifact.place(name)
        self._artifact.placed(name)

    def tell(self, **fields: Any) -> None:
        """Fields of the finished manifest that are known only now."""
        self.told |= fields


Complete = tuple[Artifact, Manifest]  # of a finished run
