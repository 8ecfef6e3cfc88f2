"""What a file holds instead of the model that was saved: looked for bit by bit among what it could hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.compare import metrics
from suite.records import Cause, Code, Manifest
from suite.referee.defects.matching import known
from suite.referee.defects.records import Sighting

Arrays = Mapping[str, np.ndarray]

NARROW = "float16"  # the format that files are made small with
SHOWN = 60  # characters of a value
CLOSED = 0.01  # of the distance without it: what is left where a cause is all of it
UNMOVED = 0.5  # of the distance without it: what is left where a cause is none of it


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What differs between a live model and a loaded one: its name, "value -> other value", and the class that has it."""

    name: str
    change: str
    of: str

    @property
    def words(self) -> tuple[str, str]:
        return self.name, self.change


def _shown(value: Any) -> str:
    """The value as JSON; of a longer one, how it begins; of a longer list, its first items, and how many there are."""
    text = json.dumps(value)
    if len(text) <= SHOWN:
        return text
    if not isinstance(value, list):
        return f"{text[:SHOWN]}…"
    items = [json.dumps(one) for one in value]
    fitting = [item for index, item in enumerate(items) if len(", ".join(items[: index + 1])) <= SHOWN]
    return f"[{', '.join([*fitting, '…'])}] ({len(items)} in all)"


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


def altered(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """Which tensors are loaded with other numbers than the live model's, and not with those before training, as a layer does
    that writes something else than its weights; with the narrower format that they are rounded to, if that is all. Empty
    if there are none."""
    begun, live = (artifact.arrays(names.step(manifest.steps[place])) for place in (0, -1))
    state = loaded.artifact.arrays(loaded.state)
    found = [
        name
        for name in sorted(live.keys() & state.keys())
        if live[name].dtype.kind == "f"
        and live[name].shape == state[name].shape
        and not any(metrics.bits(state[name], side[name]) for side in (live, begun))
    ]
    if not found:
        return ()
    rounded = all(metrics.bits(_in(NARROW, live[name]), state[name]) for name in found)
    detail = (*(("tensor", name) for name in found), *((("format", NARROW),) if rounded else ()))
    size = max(metrics.relative_l2(live[name], state[name]) for name in found)
    return (Cause(code=Code.SAVE_ALTERED, detail=detail, evidence=(("distance", size),)),)


def _in(form: str, values: np.ndarray) -> np.ndarray:
    """Rounded to a format, in the dtype that they have."""
    with np.errstate(over="ignore"):
        return values.astype(form).astype(values.dtype)


def compiled(live: compare.Snapshot, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """What a file was compiled with in place of what the live model was; empty if that is the same, or not known of both."""
    first, second = live.arrays(compare.COMPILED), loaded.arrays(compare.COMPILED)
    if not first or not second:
        return ()
    changes = [
        change
        for argument, text in first.items()
        if argument in second and not metrics.bits(text, second[argument])
        for change in _changes(argument, as_json(text), as_json(second[argument]))
    ]
    if not changes:
        return ()
    defects = {_known(change, live.manifest.facts) for change in changes}
    defect = tuple(("known", one) for one in defects if len(defects) == 1 and one)
    return (Cause(code=Code.COMPILED_DIFFERENTLY, detail=(*(one.words for one in changes), *defect)),)


def _known(change: _Change, facts: Mapping[str, str]) -> str:
    """The known defect of Keras that this is: a loss or a metric that does not save all its arguments; empty if it is
    none."""
    argument, _, last = change.name.partition(".")
    sighting = Sighting(
        kind="metric" if "metrics" in argument else argument,
        name=change.of,
        backend=facts.get("backend", ""),
        stage="config",
        part=last.rpartition(".")[2],
        packages=facts,
    )
    found = known(sighting)
    return found.id if found else ""


def layers(live: compare.Snapshot, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """Which attributes of layers a loaded model has in place of the live one's, and how far apart their predictions are
    without and with the live model's put back, both with its variables; empty if all are the same, or not known of both.
    Attributes that change nothing are none; what they do not change all of has an unknown cause beside them."""
    first, second = _attributes(live), _attributes(loaded)
    changes = [
        change
        for path in first.keys() & second.keys()
        for name in first[path].keys() & second[path].keys()
        if first[path][name] != second[path][name]
        for change in _changes(f"{path}.{name}" if path else name, first[path][name], second[path][name])
    ]
    if not changes:
        return ()
    cause = Cause(code=Code.LOADED_DIFFERENTLY, detail=tuple(sorted(one.words for one in changes)))
    restored = _distance(live, loaded, names.RESTORED)
    before = _distance(live, loaded, loaded.predictions) if restored is None else restored
    after = _distance(live, loaded, names.MENDED)
    if not before or after is None:
        return (cause,)
    if after > UNMOVED * before:
        return ()
    told = replace(cause, evidence=(("without", before), ("with", after)))
    return (told,) if after <= CLOSED * before else (told, Cause(code=Code.UNKNOWN))


def predictions(live: compare.Snapshot, loaded: compare.Snapshot, state: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Why a loaded model predicts something else than the live one: the causes of the `state` that it has in place of the
    live model's, where predictions move with the live one's put back; and what its layers have lost, where that does not
    close the gap. What neither closes has an unknown cause. None where the loaded model predicts what the first replica of
    the live one does, bit for bit: then neither is a reason why other replicas predict differently. Where nothing was put
    back, the state is the cause."""
    if predicts_alike(live, loaded):
        return ()
    before, restored = (_distance(live, loaded, part) for part in (loaded.predictions, names.RESTORED))
    if before is None or restored is None:
        return layers(live, loaded) or state
    moved = state if abs(before - restored) > CLOSED * before else ()
    if restored <= CLOSED * before:
        return moved
    return (*moved, *(layers(live, loaded) or (Cause(code=Code.UNKNOWN),)))


def predicts_alike(live: compare.Snapshot, loaded: compare.Snapshot) -> bool:
    """Whether a loaded model predicts what the first replica of the live one does, bit for bit."""
    return _distance(live, loaded, loaded.predictions) == 0


def _attributes(side: compare.Snapshot) -> dict[str, dict[str, Any]]:
    if not names.has(side.manifest, names.LAYERS):
        return {}
    told = {path: as_json(text) for path, text in side.artifact.arrays(names.LAYERS).items()}
    return {path: one for path, one in told.items() if isinstance(one, dict)}


def _distance(live: compare.Snapshot, loaded: compare.Snapshot, part: str) -> float | None:
    """How far what is predicted in this part is from what the first replica of the live model predicts, relative; None if
    either is not there."""
    if not live.predictions or not names.has(live.manifest, live.predictions) or not names.has(loaded.manifest, part):
        return None
    first, second = live.artifact.arrays(live.predictions), loaded.artifact.arrays(part)
    rows = first["replica"] == 0 if "replica" in first else slice(None)  # a file's have none
    return max(metrics.relative_l2(first[name][rows], second[name][rows]) for name in second)


def as_json(text: np.ndarray) -> Any:
    """What a text says; the text itself where it was cut, or is no JSON that can be read."""
    whole = text.tobytes().rstrip(b"\0").decode(errors="replace")
    try:
        return json.loads(whole)
    except (ValueError, RecursionError):
        return whole


def _changes(name: str, a: Any, b: Any, of: str = "") -> Iterator[_Change]:
    """Everything that differs. `of`: the class around it."""
    if _is_array(a) and _is_array(b):
        other = "other values" if a["shape"] == b["shape"] else f"array {b['shape']}"
        yield _Change(name=name, change=f"array {a['shape']} -> {other}", of=of)
    elif isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if a.get(key) != b.get(key):
                yield from _changes(f"{name}.{key}", a.get(key), b.get(key), a.get("class", of))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (one, other) in enumerate(zip(a, b, strict=True)):
            if one != other:
                yield from _changes(f"{name}[{index}]", one, other, of)
    else:
        yield _Change(name=name, change=f"{_shown(a)} -> {_shown(b)}", of=of)


def _is_array(value: Any) -> bool:
    """Whether an attribute is told as one, by its shape and its hash."""
    return isinstance(value, dict) and value.keys() == {"shape", "sha256"}


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
    return (Cause(code=Code.SAVE_SWAPPED, detail=tuple(found)),)


def _slots(artifact: Artifact, manifest: Manifest, loaded: compare.Snapshot) -> tuple[Cause, ...]:
    """The state is all there. Are the slots that differ as they were before training, zero, and those that are not there
    of an optimizer that is built when it is first used?"""
    name = names.optimizer(manifest.steps[-1])
    if not loaded.slots or not names.has(loaded.manifest, loaded.slots) or not names.has(manifest, name):
        return ()
    live, slots = artifact.arrays(name), loaded.artifact.arrays(loaded.slots)
    apart = [name for name in live.keys() & slots.keys() if not metrics.bits(live[name], slots[name])]
    missing = tuple(("tensor", name) for name in sorted(live.keys() - slots.keys()))
    forgotten = (apart or missing) and not any(np.any(slots[name]) for name in apart)
    return (Cause(code=Code.SLOTS_NOT_SAVED, detail=missing),) if forgotten else ()
