"""What can become of the files of a finished run folder: every kind of corruption, drawn from a seed, and undone later."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from suite.artifacts import names, places, reading
from suite.artifacts.writing import file_digest
from suite.records import Manifest, Plan, Session

HUGE = (10**9, 2**63, 10**400, -1, 1e308, 4096, 2**40 + 1)
NAMES = (
    "../../outside",
    "/etc/passwd",
    "a/../b",
    "",
    ".",
    "a" * 300,
    "\ud800",
    "\x1b[31m",
    "<script>",
    "a\x00b",
    "ü",
    "con\n",
)
DEEP = 5000
SEALED: Mapping[str, type] = {names.MANIFEST: Manifest, names.PLAN: Plan, names.SESSION: Session}


class Folder:
    """A run folder whose content is known, so that it can be mended. `other`: a finished one of different options;
    `outside`: a folder beside both."""

    def __init__(self, root: Path, other: Path, outside: Path) -> None:
        self.root, self.other, self.outside = root, other, outside
        self.content = {str(path.relative_to(root)): path.read_bytes() for path in _judged(root)}
        self.artifacts = sorted(
            name.removesuffix(f"/{names.MANIFEST}") for name in self.content if name.endswith(names.MANIFEST)
        )
        self.files = sorted(self.content)

    def read(self, name: str) -> bytes:
        return self.content[name]

    def write(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)

    def mend(self, *touched: str) -> None:
        """Puts files and folders back as they were."""
        for name in touched:
            places.clear(self.root, name)
            for file in self.files:
                if file == name or file.startswith(f"{name}/"):
                    (self.root / file).parent.mkdir(parents=True, exist_ok=True)
                    (self.root / file).write_bytes(self.content[file])
        for kept in self.outside.iterdir():
            places.clear(self.outside, kept.name)


def _judged(root: Path) -> list[Path]:
    """The files that a verdict may rest on."""
    parts = (names.INPUTS, names.PROBES, names.RUNS)
    below = [path for part in parts for path in (root / part).rglob("*") if path.is_file()]
    return [root / names.PLAN, root / names.SESSION, *below]


Damage = Callable[[random.Random, Folder], list[str]]  # does it, and says what it touched

# ---------------------------------------------------------------- bytes


def _changed(change: Callable[[random.Random, bytearray], bytes]) -> Damage:
    def damage(random_: random.Random, folder: Folder) -> list[str]:
        name = random_.choice(folder.files)
        folder.write(name, change(random_, bytearray(folder.read(name))))
        return [name]

    return damage


def _flipped(random_: random.Random, content: bytearray) -> bytes:
    for _ in range(random_.choice([1, 1, 1, 8])):
        content[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
    return bytes(content)


def _zeroed(random_: random.Random, content: bytearray) -> bytes:
    begin = random_.randrange(len(content))
    end = min(len(content), begin + random_.choice([1, 512, 4096]))
    content[begin:end] = bytes(end - begin)
    return bytes(content)


def _cut(random_: random.Random, content: bytearray) -> bytes:
    return bytes(content[: random_.choice([0, 1, 8, random_.randrange(len(content)), len(content) - 1])])


def _longer(random_: random.Random, content: bytearray) -> bytes:
    return bytes(content) + random_.choice([b"\0", b"}", bytes(content), b"\n", b" " * 4096])


def _noise(random_: random.Random, content: bytearray) -> bytes:
    return random_.randbytes(random_.choice([8, 64, len(content)]))


# ---------------------------------------------------------------- JSON, and headers of arrays


def _edited(random_: random.Random, value: Any) -> Any:
    """The same JSON with one value somewhere that is different."""
    if isinstance(value, dict) and value and random_.random() < 0.9:
        key = random_.choice(list(value))
        if random_.random() < 0.1:
            return {other: one for other, one in value.items() if other != key}
        if random_.random() < 0.1:
            return {random_.choice(NAMES) if other == key else other: one for other, one in value.items()}
        return {**value, key: _edited(random_, value[key])}
    if isinstance(value, list) and value and random_.random() < 0.9:
        at = random_.randrange(len(value))
        return random_.choice([[*value[:at], *value[at + 1 :]], [*value, value[at]], _replaced(value, at, random_)])
    return random_.choice([None, True, "", [], {}, *HUGE, *NAMES, [value], {"a": value}])


def _replaced(value: list[Any], at: int, random_: random.Random) -> list[Any]:
    return [*value[:at], _edited(random_, value[at]), *value[at + 1 :]]


def _of_json(random_: random.Random, content: bytes) -> bytes:
    if random_.random() < 0.05:
        return random_.choice(
            [b"[" * DEEP, b'{"a":' * DEEP, b'"' + b"a" * 10**6 + b'"', b"1" * 10**5, b"NaN", b"null", b"{}"]
        )
    value = json.loads(content)
    for _ in range(random_.choice([1, 1, 3])):
        value = _edited(random_, value)
    return json.dumps(value).encode()


def _json(random_: random.Random, folder: Folder) -> list[str]:
    name = random_.choice([name for name in folder.files if name.endswith(".json")])
    folder.write(name, _of_json(random_, folder.read(name)))
    return [name]


def _header(random_: random.Random, folder: Folder) -> list[str]:
    name = random_.choice([name for name in folder.files if name.endswith(".safetensors")])
    content = folder.read(name)
    length = int.from_bytes(content[:8], "little")
    header = _of_json(random_, content[8 : 8 + length])
    claimed = random_.choice([len(header), len(header), len(header), 2**63, 0, 10**8, len(header) + 1])
    folder.write(name, claimed.to_bytes(8, "little") + header + content[8 + length :])
    return [name]


def _file_and_its_digest(random_: random.Random, folder: Folder) -> list[str]:
    """Somebody who knows that a manifest holds digests, and not that it has a seal."""
    place = random_.choice(folder.artifacts)
    manifest = json.loads(folder.read(f"{place}/{names.MANIFEST}"))
    if not manifest["files"]:
        return _flip_in_manifest(random_, folder, place)
    file = random_.choice(sorted(manifest["files"]))
    changed = _flipped(random_, bytearray(folder.read(f"{place}/{file}")))
    folder.write(f"{place}/{file}", changed)
    manifest["files"][file] = file_digest(folder.root / place / file)
    folder.write(f"{place}/{names.MANIFEST}", json.dumps(manifest).encode())
    return [f"{place}/{file}", f"{place}/{names.MANIFEST}"]


def _flip_in_manifest(random_: random.Random, folder: Folder, place: str) -> list[str]:
    name = f"{place}/{names.MANIFEST}"
    folder.write(name, _flipped(random_, bytearray(folder.read(name))))
    return [name]


def forged(random_: random.Random, folder: Folder) -> list[str]:
    """A manifest, plan or session that was edited and sealed again. No seal can tell; nothing may crash, hang or leave."""
    name = random_.choice([name for name in folder.files if name.rpartition("/")[2] in SEALED])
    try:
        record: object = msgspec.json.decode(_of_json(random_, folder.read(name)), type=SEALED[name.rpartition("/")[2]])
    except reading.UNREADABLE:
        return forged(random_, folder)
    folder.write(name, reading.sealed(record))
    return [name]


# ---------------------------------------------------------------- files and folders in wrong places


def _deleted(random_: random.Random, folder: Folder) -> list[str]:
    name = random_.choice(folder.files)
    (folder.root / name).unlink()
    return [name]


def _swapped(random_: random.Random, folder: Folder) -> list[str]:
    """Two files of one name or of one artifact change places."""
    first = random_.choice(folder.files)
    place, _, last = first.rpartition("/")
    beside = [name for name in folder.files if name != first and (name.endswith(f"/{last}") or name.startswith(f"{place}/"))]
    second = random_.choice(beside or folder.files)
    folder.write(first, folder.read(second))
    folder.write(second, folder.read(first))
    return [first, second]


def _artifacts_swapped(random_: random.Random, folder: Folder) -> list[str]:
    first, second = random_.sample(folder.artifacts, 2)
    if first.startswith(f"{second}/") or second.startswith(f"{first}/"):
        return _swapped(random_, folder)
    aside = folder.root / "aside"
    (folder.root / first).rename(aside)
    (folder.root / second).rename(folder.root / first)
    aside.rename(folder.root / second)
    return [first, second]


def _artifact_gone(random_: random.Random, folder: Folder) -> list[str]:
    place = random_.choice(folder.artifacts)
    places.clear(folder.root, place)
    return [place]


def _artifacts_gone(random_: random.Random, folder: Folder) -> list[str]:
    """Any number of them."""
    removed = random_.sample(folder.artifacts, random_.randrange(1, len(folder.artifacts)))
    for place in removed:
        places.clear(folder.root, place)
    return removed


def _something_else(random_: random.Random, folder: Folder) -> list[str]:
    """A folder, a link to the very same content, a pipe or a file in the place of a file or an artifact."""
    name = random_.choice([*folder.files, *folder.artifacts])
    kind = random_.choice(["folder", "link", "broken link", "circle", "pipe", "empty file"])
    there = folder.root / name
    if kind == "link":
        kept = folder.outside / f"{len(list(folder.outside.iterdir()))}"
        there.rename(kept)
        there.symlink_to(kept)
        return [name]
    places.clear(folder.root, name)
    if kind == "folder":
        there.mkdir()
    elif kind == "pipe":
        os.mkfifo(there)
    elif kind == "empty file":
        there.touch()
    else:
        there.symlink_to(there.name if kind == "circle" else "nowhere")
    return [name]


def _parent_linked(random_: random.Random, folder: Folder) -> list[str]:
    """A folder on the way to artifacts is a link to where it lies now."""
    place = random_.choice(folder.artifacts)
    parts = place.split("/")
    name = "/".join(parts[: random_.randrange(1, len(parts))]) or parts[0]
    kept = folder.outside / f"{len(list(folder.outside.iterdir()))}"
    (folder.root / name).rename(kept)
    (folder.root / name).symlink_to(kept)
    return [name]


def _of_another_run(random_: random.Random, folder: Folder) -> list[str]:
    """The same artifact, or one file of it, from a command with different options."""
    name = random_.choice([*folder.artifacts, *folder.files])
    if not (folder.other / name).exists():
        return _deleted(random_, folder)
    if (folder.other / name).is_dir():
        places.clear(folder.root, name)
        shutil.copytree(folder.other / name, folder.root / name)
    else:
        folder.write(name, (folder.other / name).read_bytes())
    return [name]


COSTLY = ("artifacts swapped", "artifacts gone", "link on the way", "of another run", "forged with its seal")
KINDS: Mapping[str, Damage] = {
    "bits flipped": _changed(_flipped),
    "bytes zeroed": _changed(_zeroed),
    "cut": _changed(_cut),
    "made longer": _changed(_longer),
    "noise": _changed(_noise),
    "JSON edited": _json,
    "header of arrays edited": _header,
    "file changed with its digest": _file_and_its_digest,
    "deleted": _deleted,
    "files swapped": _swapped,
    "artifacts swapped": _artifacts_swapped,
    "artifact gone": _artifact_gone,
    "artifacts gone": _artifacts_gone,
    "something else in its place": _something_else,
    "link on the way": _parent_linked,
    "of another run": _of_another_run,
    "forged with its seal": forged,
}
