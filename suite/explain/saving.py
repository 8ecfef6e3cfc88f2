"""What a file holds instead of the model that was saved: looked for bit by bit among what it could hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.artifacts.store import Artifact
from suite.compare import metrics
from suite.records import Manifest

Arrays = Mapping[str, np.ndarray]

STALE = "the file holds an earlier state"
OTHER_REPLICA = "the file holds another replica's state"
SWAPPED = "the file holds tensors in each other's place"
NO_SLOTS = "the file does not hold the optimizer's slots"
LOADED = "the file is right, and the model that is made of it is not when it is loaded"
CAUSES = {"save-stale": STALE, "save-wrong-replica": OTHER_REPLICA, "save-swapped": SWAPPED, "slots-not-saved": NO_SLOTS}


def cause(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> str:
    """Why a run's file, loaded again, is not the live model, in words; empty if that is none of the known ways."""
    live = artifact.arrays(names.step(manifest.steps[-1]))
    state = loaded.artifact.arrays(loaded.state)
    apart = [name for name in sorted(live.keys() & state.keys()) if not metrics.bits(live[name], state[name])]
    if apart:
        for words, other in _others(artifact, manifest):
            if all(name in other and metrics.bits(other[name], state[name]) for name in state.keys() & live.keys()):
                return words
        return _swapped(live, state, apart)
    return _slots(artifact, manifest, loaded)


def _others(artifact: Artifact, manifest: Manifest) -> Iterator[tuple[str, Arrays]]:
    for step in manifest.steps[:-1]:
        yield f"{STALE}: that of step {step}", artifact.arrays(names.step(step))
    for index in range(1, manifest.replicas):
        yield f"{OTHER_REPLICA}: that of replica {index}", artifact.arrays(names.replica(index))


def _swapped(live: Arrays, state: Arrays, apart: list[str]) -> str:
    """Every tensor that differs must be another one of the live model."""
    found = []
    for name in apart:
        same = [
            other
            for other in live
            if other != name and live[other].shape == state[name].shape and metrics.bits(live[other], state[name])
        ]
        if not same:
            return ""
        found.append(f"{same[0]} in place of {name}")
    return f"{SWAPPED}: {'; '.join(found[:2])}"


def _slots(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> str:
    """The state is all there. Are the slots that differ as they were before training: zero?"""
    name = names.optimizer(manifest.steps[-1])
    if not loaded.slots or not names.has(loaded.manifest, loaded.slots) or not names.has(manifest, name):
        return ""
    live, slots = artifact.arrays(name), loaded.artifact.arrays(loaded.slots)
    apart = [one for one in live.keys() & slots.keys() if not metrics.bits(live[one], slots[one])]
    return NO_SLOTS if apart and not any(np.any(slots[one]) for one in apart) else ""
