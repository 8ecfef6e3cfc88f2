"""Places in a folder that others may have filled: only regular files are opened, and nothing outside is written or removed.

A run folder may have been copied, unpacked or edited. So a link, a pipe or a device in the place of a file is never opened,
and a link in the place of a folder is never followed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from suite.records import DamagedArtifact

NAME_LENGTH = 255  # bytes that a file system takes for one name


def is_safe(name: str) -> bool:
    """Whether a name, with its folders, stays below the folder that it is looked up in."""
    return all(0 < len(part) <= NAME_LENGTH and part not in (".", "..") and part.isprintable() for part in name.split("/"))


def safe(folder: Path, name: str) -> Path:
    """The path of a name in a folder, if no link leads to it.

    Raises:
        DamagedArtifact: the name leaves the folder, or something other than a folder is on the way.
    """
    if not is_safe(name):
        raise DamagedArtifact(f"{name[:80]!r} is no place in {folder}: delete the file that names it, and run again")
    path = str(folder)
    for part in name.split("/")[:-1]:
        path = f"{path}/{part}"
        if _kind(path) not in (stat.S_IFDIR, 0):
            raise DamagedArtifact(f"{path} is {described(Path(path))}, wanted a folder: remove it, and run again")
    return folder / name


def content(path: Path, *, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. The last part of the path may not be a link.

    Raises:
        DamagedArtifact: there is none, it is something else, or it is larger.
    """
    try:
        with os.fdopen(_opened(path), "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > limit:
                raise DamagedArtifact(f"{path} has {size} bytes, wanted at most {limit}: delete it and run again")
            return stream.read(limit)
    except OSError as error:
        raise DamagedArtifact(f"{path} cannot be read ({error.strerror}): delete it and run again") from error


def mapped(path: Path) -> mmap.mmap:
    """The bytes of a regular file, mapped read-only; raises as `content`, and ValueError if it has none."""
    try:
        descriptor = _opened(path)
        try:
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DamagedArtifact(f"{path} cannot be mapped ({error.strerror}): run it again with --rerun failed") from error


def _opened(path: Path) -> int:
    """A descriptor for reading. It never waits, as opening a pipe does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DamagedArtifact(f"{path} is {described(path)}, wanted a file: remove it, and run again")
    return descriptor


Signature = tuple[int, int, int, int]


def signature(path: Path) -> Signature | None:
    """Changes whenever the file does: inode, size in bytes, times of the last change of its content and of what is known of
    it, in ns (nobody can set the last one); None if there is no regular file."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    return _signature(found) if stat.S_ISREG(found.st_mode) else None


def _signature(found: os.stat_result) -> Signature:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def signatures(folder: str, skipped: Collection[str] = ()) -> Iterator[tuple[str, Signature]]:
    """The path and signature of all that is in a folder and below it, but for folders and for what is `skipped` at its top.
    Links are not followed, and have signatures, too."""
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda one: one.name):
            if entry.name in skipped:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from signatures(entry.path)
            else:
                yield entry.path, _signature(entry.stat(follow_symlinks=False))


def clear(folder: Path, name: str = "") -> None:
    """Removes what has this name in the folder, with everything in it; without a name, the folder. Links are removed
    themselves, on the way too, and not what they lead to.

    Raises:
        OSError: it cannot be removed.
        DamagedArtifact: the name leaves the folder.
    """
    if name and not is_safe(name):
        raise DamagedArtifact(f"{name[:80]!r} is no place in {folder}: delete the file that names it, and run again")
    path = folder
    for part in name.split("/")[:-1]:
        path = path / part
        if (kind := _kind(path)) != stat.S_IFDIR:
            if kind:  # where nothing is, another process may be making the folder at this moment
                unlink(path)
            return
    last = folder / name
    kind = _kind(last)
    if kind == stat.S_IFDIR:
        shutil.rmtree(last)
    elif kind:
        unlink(last)


def unlink(path: Path) -> None:
    """Removes a file, a link, a pipe; nothing if there is none."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()


def vacate(path: Path) -> None:
    """Removes what is in the place of a file and is none: writing there would wait, or write elsewhere."""
    if _kind(path) not in (stat.S_IFREG, 0):
        clear(path.parent, path.name)


def write(path: Path, content: bytes) -> None:
    """Writes by rename: a reader sees the old file or the new one, never half of it. No link is followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    clear(partial.parent, partial.name)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        partial.replace(path)
    except BaseException:
        unlink(partial)
        raise


def _kind(path: Path | str) -> int:
    """What is there, as `stat` calls it; 0 for nothing."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def missing(path: Path) -> str:
    """Why there is no file to read, in words."""
    there = path.resolve()
    return f"it is {described(there)}, wanted a file" if _kind(there) else "No such file"


def described(path: Path) -> str:
    """What is there, in words."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(_kind(path), "a device")
