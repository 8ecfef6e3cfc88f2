"""Signatures of a run folder: what somebody with a key says that was in it.

A seal shows damage, and everybody can make one. A signature needs the key. It is the HMAC-SHA256 of every plan, session,
manifest and kept verdicts, and of the list of them, so that none can be added or taken away. A manifest has the sha256 of
every file.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from suite.artifacts import names, places, reading
from suite.records import DamagedArtifact

PARTS = (names.INPUTS, names.PROBES, names.RUNS, names.ZOO)


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """`files`: name below the run folder -> HMAC of its name and content, in hexadecimal; `whole`: HMAC of all of these."""

    files: Mapping[str, str]
    whole: str


def sign(folder: Path, key: bytes) -> int:
    """Writes the signatures of a run folder. Returns how many files they cover."""
    files = {name: _of_file(folder, name, key) for name in _signed(folder)}
    places.write(folder / names.SIGNATURES, msgspec.json.encode(Signatures(files=files, whole=_of_all(files, key))))
    return len(files)


def verify(folder: Path, key: bytes) -> None:
    """Holds a run folder against its signatures.

    Raises:
        DamagedArtifact: it has none, they were made with a different key, or a file was changed, added or removed since.
    """
    path = folder / names.SIGNATURES
    found = reading.record(path, Signatures)
    if not hmac.compare_digest(_of_all(found.files, key), found.whole):
        raise DamagedArtifact(
            f"{path} was made with a different key, or was changed: do not use this folder, or sign it again"
        )
    there = set(_signed(folder))
    if added := sorted(there - found.files.keys()):
        raise DamagedArtifact(_sentence(folder, added[0], "was added"))
    for name, signature in found.files.items():
        if name not in there:
            raise DamagedArtifact(_sentence(folder, name, "was removed"))
        if not hmac.compare_digest(_of_file(folder, name, key), signature):
            raise DamagedArtifact(_sentence(folder, name, "was changed"))


def _sentence(folder: Path, name: str, what: str) -> str:
    return f"{folder / name} {what} after {folder} was signed: do not use this folder, or run it again with --sign"


def _signed(folder: Path) -> list[str]:
    """What is signed, in order: links are not followed, and are signed themselves by nobody."""
    found = [name for name in (names.PLAN, names.SESSION) if places.signature(folder / name)]
    for part in PARTS:
        found += [path.relative_to(folder).as_posix() for path in (folder / part).rglob(names.MANIFEST)]
    found += [path.relative_to(folder).as_posix() for path in (folder / names.VERDICTS).glob("*") if places.signature(path)]
    return sorted(found)


def _of_file(folder: Path, name: str, key: bytes) -> str:
    content = places.content(places.safe(folder, name), limit=reading.RECORD_BYTES)
    return _hmac(key, b"file", name.encode(), hashlib.sha256(content).digest())


def _of_all(files: Mapping[str, str], key: bytes) -> str:
    return _hmac(key, b"all", msgspec.json.encode(sorted(files.items())))


def _hmac(key: bytes, *parts: bytes) -> str:
    """Of the parts, each with its length, so that no part can pass for the end of another."""
    made = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.hexdigest()
