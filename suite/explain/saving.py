"""What a file holds instead of the model that was saved: looked for bit by bit among what it could hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.artifacts.store import Artifact
from suite.compare import metrics
from suite.records import Cause, Code, Manifest

Arrays = Mapping[str, np.ndarray]

NAMED = 2  # swapped tensors that a cause names
SHOWN = 60  # characters of a value
CHANGED = 3  # values of a compile configuration that a cause names


def causes(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """Why a run's file, loaded again, is not the live model; empty if that is none of the known ways."""
    live = artifact.arrays(names.step(manifest.steps[-1]))
    state = loaded.artifact.arrays(loaded.state)
    apart = [name for name in sorted(live.keys() & state.keys()) if not metrics.bits(live[name], state[name])]
    if apart:
        for cause, other in _others(artifact, manifest):
            if all(name in other and metrics.bits(other[name], state[name]) for name in state.keys() & live.keys()):
                return (cause,)
        return _swapped(live, state, apart)
    return _slots(artifact, manifest, loaded)


def compiled(live: compare.Snapshot, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """What a file was compiled with in place of what the live model was; empty if that is the same, or not known of both."""
    first, second = live.arrays(compare.COMPILED), loaded.arrays(compare.COMPILED)
    if not first or not second:
        return ()
    changes = [
        change
        for argument, text in first.items()
        if argument in second and not metrics.bits(text, second[argument])
        for change in _changes(argument, _value(text), _value(second[argument]))
    ]
    return (Cause(code=Code.COMPILED_DIFFERENTLY, detail=tuple(changes[:CHANGED])),) if changes else ()


def _value(text: np.ndarray) -> Any:
    """What the text of an argument says; the text itself where it was cut."""
    whole = text.tobytes().rstrip(b"\0").decode(errors="replace")
    try:
        return json.loads(whole)
    except ValueError:
        return whole


def _changes(name: str, a: Any, b: Any) -> Iterator[tuple[str, str]]:
    """(name, "value -> other value") of everything that differs."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if a.get(key) != b.get(key):
                yield from _changes(f"{name}.{key}", a.get(key), b.get(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (one, other) in enumerate(zip(a, b, strict=True)):
            if one != other:
                yield from _changes(f"{name}[{index}]", one, other)
    else:
        yield name, f"{json.dumps(a)[:SHOWN]} -> {json.dumps(b)[:SHOWN]}"


def _others(artifact: Artifact, manifest: Manifest) -> Iterator[tuple[Cause, Arrays]]:
    for step in manifest.steps[:-1]:
        yield Cause(code=Code.SAVE_STALE, detail=(("step", str(step)),)), artifact.arrays(names.step(step))
    for index in range(1, manifest.replicas):
        yield Cause(code=Code.SAVE_WRONG_REPLICA, detail=(("replica", str(index)),)), artifact.arrays(names.replica(index))


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
    name = names.optimizer(manifest.steps[-1])
    if not loaded.slots or not names.has(loaded.manifest, loaded.slots) or not names.has(manifest, name):
        return ()
    live, slots = artifact.arrays(name), loaded.artifact.arrays(loaded.slots)
    apart = [name for name in live.keys() & slots.keys() if not metrics.bits(live[name], slots[name])]
    forgotten = apart and not any(np.any(slots[name]) for name in apart)
    return (Cause(code=Code.SLOTS_NOT_SAVED),) if forgotten else ()
