"""Reading is parsing: files of a run folder become records and arrays that were checked, or `DamagedArtifact`.

Nothing is allocated by what a file says of its own size. A sealed file holds the sha256 of its record, so that a changed one
is noticed; docs/security.md says what that is worth.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from suite.artifacts import places
from suite.records import ConfigurationError, DamagedArtifact

Record = TypeVar("Record")

RECORD_BYTES = 1 << 28  # the plan of 10,000 runs has 6 MB, and the largest results.json seen has 60 MB
TOML_BYTES = 1 << 24  # what a person writes has some KB
HEADER_BYTES = 100_000_000  # of the names and shapes of a file of arrays: as safetensors limits it
DIMENSIONS = 32  # NumPy's limit before 2.0
LARGEST = 2**59  # numbers of an array: NumPy counts its bytes in 63 bits

# What a parser of hostile bytes may raise: it nests too deep, has too many digits, is no UTF-8, or does not fit memory.
UNREADABLE = (
    msgspec.MsgspecError, ValueError, TypeError, LookupError, AttributeError, RecursionError, MemoryError, OverflowError,
)  # fmt: skip

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "?",
}  # fmt: skip


# ---------------------------------------------------------------- records


def decoded(content: bytes, kind: type[Record], path: Path) -> Record:
    """The record that JSON holds.

    Raises:
        DamagedArtifact: it does not hold such a record, nests too deep, or has numbers that none has.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        name = getattr(kind, "__name__", "document").lower()
        raise DamagedArtifact(f"{path}: not a {name} ({said(error)}); delete it and run again") from error


def said(error: BaseException) -> str:
    """What an error says of a file, in one short line."""
    words = " ".join(str(error).split())[:200]
    return words or type(error).__name__


def record(path: Path, kind: type[Record]) -> Record:
    """The record in a JSON file.

    Raises:
        DamagedArtifact: there is no such file, or it does not hold such a record.
    """
    return decoded(places.content(path, limit=RECORD_BYTES), kind, path)


class _Seal(msgspec.Struct):
    seal: str = ""


def seal(record: object) -> str:
    """The sha256, in hexadecimal, of a record's JSON."""
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()


def sealed(record: object) -> bytes:
    """A record's JSON with its seal."""
    fields = msgspec.json.encode(record, order="deterministic")
    return msgspec.json.format(b'{"seal":"%b",' % seal(record).encode() + fields[1:], indent=1)


def unsealed(path: Path, kind: type[Record]) -> Record:
    """The record in a sealed file.

    Raises:
        DamagedArtifact: as `record`; or the record is not the one that was sealed.
    """
    content = places.content(path, limit=RECORD_BYTES)
    found = decoded(content, kind, path)
    if decoded(content, _Seal, path).seal != seal(found):
        raise DamagedArtifact(
            f"{path} was changed after it was written, or a different version of the suite wrote it; delete it and run again"
        )
    return found


# ---------------------------------------------------------------- what users write


def toml(file: Path, option: str) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what it holds. `option`: the one that names the file. A link may lead to it.

    Raises:
        ConfigurationError: it cannot be read, or it is not TOML.
    """
    try:
        if not file.is_file():
            file.stat()  # raises what is wrong, if there is nothing
            raise ConfigurationError(f"{file} cannot be read ({places.missing(file)}): give {option} a TOML file")
        text = places.content(file.resolve(), limit=TOML_BYTES).decode()
        return text, tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read ({error.strerror}): give {option} a TOML file") from None
    except DamagedArtifact as error:
        raise ConfigurationError(f"{file} cannot be read ({error}): give {option} a TOML file") from None
    except UNREADABLE as error:
        raise ConfigurationError(f"{file} is not TOML: {said(error)}") from None


# ---------------------------------------------------------------- arrays


class _Entry(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name, mapped read-only: nothing is loaded until it is looked at. As long as one
    of them is there, the file is open.

    Raises:
        DamagedArtifact: there is no such file; its header is no header; or it does not describe the bytes that follow it,
            each once.
    """
    return _views(_mapped(path), path)


def small_arrays(path: Path, limit: int) -> dict[str, np.ndarray]:
    """The same, read-only, of a file of at most `limit` bytes, which is read and closed. Raises as `arrays`."""
    return _views(places.content(path, limit=limit), path)


def _views(content: mmap.mmap | bytes, path: Path) -> dict[str, np.ndarray]:
    start, entries = _header(content, path)
    end = max((entry.data_offsets[1] for entry in entries.values()), default=0)
    whole = np.frombuffer(content, np.uint8, end, start) if end else np.empty(0, np.uint8)
    return {name: _viewed(whole, entry) for name, entry in entries.items()}


def _mapped(path: Path) -> mmap.mmap:
    try:
        return places.mapped(path)
    except ValueError as error:
        raise DamagedArtifact(f"{path} is empty: run it again with --rerun failed") from error


def _viewed(whole: np.ndarray, entry: _Entry) -> np.ndarray:
    begin, end = entry.data_offsets
    return whole[begin:end].view(DTYPES[entry.dtype]).reshape(entry.shape)


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of a safetensors file by name. Raises as `arrays`."""
    return {name: entry.shape for name, entry in _header(_mapped(path), path)[1].items()}


def _header(content: mmap.mmap | bytes, path: Path) -> tuple[int, dict[str, _Entry]]:
    """Where the arrays begin, in bytes, and the header of each."""
    size, length = len(content), int.from_bytes(content[:8], "little")
    if size < 8 or not 2 <= length <= min(size - 8, HEADER_BYTES):
        raise DamagedArtifact(f"{path} says that its header has {length} bytes, of {size}: run it again with --rerun failed")
    raw = decoded(content[8 : 8 + length], dict[str, msgspec.Raw], path)
    raw.pop("__metadata__", None)
    entries = {name: decoded(bytes(entry), _Entry, path) for name, entry in raw.items()}
    if wrong := _wrong(entries, size - 8 - length):
        raise DamagedArtifact(f"{path}: {wrong}; run it again with --rerun failed")
    return 8 + length, entries


def _wrong(entries: dict[str, _Entry], size: int) -> str:
    """What the entries say that `size` bytes of arrays do not hold; empty if they describe every byte once."""
    at = 0
    for name, entry in sorted(entries.items(), key=lambda one: one[1].data_offsets):
        begin, end = entry.data_offsets
        if entry.dtype not in DTYPES or not _is_shape(entry.shape):
            return f"array {name!r} has the dtype {entry.dtype!r} and the shape {entry.shape!r}"
        if begin != at or end - begin != math.prod(entry.shape) * np.dtype(DTYPES[entry.dtype]).itemsize or end > size:
            return f"array {name!r} of shape {entry.shape!r} is said to be at bytes {begin} to {end} of {size}"
        at = end
    return "" if at == size else f"its arrays end at byte {at} of {size}"


def _is_shape(shape: tuple[int, ...]) -> bool:
    """Whether NumPy can have an array of this shape, also an empty one."""
    large = math.prod(max(axis, 1) for axis in shape) > LARGEST
    return len(shape) <= DIMENSIONS and all(axis >= 0 for axis in shape) and not large


class Part(dict[str, np.ndarray]):
    """The arrays of a part by name. An array that is not there is damage of its file, and no mistake of the reader's."""

    def __init__(self, found: dict[str, np.ndarray], where: str) -> None:
        super().__init__(found)
        self.where = where

    def __missing__(self, name: str) -> Any:
        raise DamagedArtifact(f"{self.where} holds no array {name!r}: run it again with --rerun failed")
