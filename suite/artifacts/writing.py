"""Digests, and files that are written by rename: a reader sees the old one or the new one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from suite.artifacts import places


def digest_of(*parts: object) -> str:
    """The sha256, in hexadecimal, of the parts' JSON."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_text(path: Path, text: str | bytes) -> None:
    """Writes by rename: a reader sees the old file or the new one, never half of it. A lone surrogate, which UTF-8 does not
    have, becomes its escape."""
    places.write(path, text.encode(errors="backslashreplace") if isinstance(text, str) else text)


def write_record(path: Path, record: object) -> None:
    write_text(path, msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=1))
