"""Removes what was judged and is large, and says so in the manifest: so that it is neither damaged nor missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from suite.artifacts import names, places, reading
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store


def sizes(artifact: Artifact) -> dict[str, int]:
    """File -> its bytes on disk, of all that the manifest lists and that is there."""
    manifest = artifact.manifest()
    found = {name: places.signature(artifact.folder / name) for name in (manifest.files if manifest else ())}
    return {name: signature[1] for name, signature in found.items() if signature}


def drop(store: Store, artifact: Artifact, files: Iterable[str]) -> None:
    """Removes these files of a complete artifact, and those that an interrupted command was to remove. The manifest goes
    first: a file that it says was dropped is looked at by nobody."""
    manifest = artifact.manifest()
    if manifest is None:
        return
    dropped = tuple(sorted({*manifest.dropped, *files}))
    if dropped != manifest.dropped:
        places.write(artifact.folder / names.MANIFEST, reading.sealed(replace(manifest, dropped=dropped)))
    for name in dropped:
        places.clear(store.folder, f"{artifact.where}/{name}")
