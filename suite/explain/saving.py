"""What a file holds instead of the model that was saved: looked for bit by bit among what it could hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from suite import compare
from suite.artifacts.store import Artifact
from suite.compare import metrics
from suite.records import Cause, Code, Manifest

Arrays = Mapping[str, np.ndarray]

NAMED = 2  # swapped tensors that a cause names


def causes(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """Why a run's file, loaded again, is not the live model; empty if that is none of the known ways."""
    live = artifact.arrays(f"step-{manifest.steps[-1]}")
    state = loaded.artifact.arrays(loaded.state)
    apart = [name for name in sorted(live.keys() & state.keys()) if not metrics.bits(live[name], state[name])]
    if apart:
        for cause, other in _others(artifact, manifest):
            if all(name in other and metrics.bits(other[name], state[name]) for name in state.keys() & live.keys()):
                return (cause,)
        return _swapped(live, state, apart)
    return _slots(artifact, manifest, loaded)


def _others(artifact: Artifact, manifest: Manifest) -> Iterator[tuple[Cause, Arrays]]:
    for step in manifest.steps[:-1]:
        yield Cause(code=Code.SAVE_STALE, detail=(("step", str(step)),)), artifact.arrays(f"step-{step}")
    for index in range(1, manifest.replicas):
        yield Cause(code=Code.SAVE_WRONG_REPLICA, detail=(("replica", str(index)),)), artifact.arrays(f"replica-{index}")


def _swapped(live: Arrays, state: Arrays, apart: list[str]) -> tuple[Cause, ...]:
    """Every tensor that differs must be a different tensor of the live model."""
    found = []
    for name in apart:
        same = [
            other
            for other in live
            if other != name and live[other].shape == state[name].shape and metrics.bits(live[other], state[name])
        ]
        if not same:
            return ()
        found.append((name, same[0]))
    return (Cause(code=Code.SAVE_SWAPPED, detail=tuple(found[:NAMED])),)


def _slots(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """The state is all there. Are the slots that differ as they were before training: zero?"""
    name = f"optimizer-{manifest.steps[-1]}"
    if (
        not loaded.slots
        or f"{loaded.slots}.safetensors" not in loaded.manifest.files
        or f"{name}.safetensors" not in manifest.files
    ):
        return ()
    live, slots = artifact.arrays(name), loaded.artifact.arrays(loaded.slots)
    apart = [name for name in live.keys() & slots.keys() if not metrics.bits(live[name], slots[name])]
    forgotten = apart and not any(np.any(slots[name]) for name in apart)
    return (Cause(code=Code.SLOTS_NOT_SAVED),) if forgotten else ()
