"""What is compared: snapshots, and all that is known of one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare import metrics
from suite.records import QUANTITIES, DamagedArtifact, Manifest, Tensor, TensorGroup

Arrays = Mapping[str, np.ndarray]

WEIGHTS, STATISTICS, OPTIMIZER, LOSS, PREDICTIONS, OTHER, EVALUATION, COMPILED, HISTORY = QUANTITIES
VANISHED = 1e-6  # rounding in float64 is 2e-9 of that in float32
GROUPS_OF = {
    WEIGHTS: (TensorGroup.KERNEL, TensorGroup.NEUTRAL_BIAS, TensorGroup.SCALE_OR_SHIFT, TensorGroup.OUTPUT_LAYER),
    STATISTICS: (TensorGroup.MOVING_MEAN, TensorGroup.MOVING_VARIANCE),
    OTHER: (TensorGroup.OTHER, TensorGroup.NEUTRAL_STATE),
}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One artifact at one training step: the names under which its arrays are stored; empty where it has none of a kind."""

    artifact: Artifact
    manifest: Manifest
    state: str
    slots: str = ""
    predictions: str = ""
    losses: int = 0
    evaluation: str = ""
    compiled: str = ""
    history: frozenset[str] | None = None  # which of an epoch's numbers count; None for all

    def arrays(self, quantity: str) -> Arrays | None:
        """The arrays that the quantity is about, by name; None if this snapshot has none.

        Raises:
            DamagedArtifact: the artifact lists them and they cannot be read.
        """
        if quantity in GROUPS_OF:
            wanted = {tensor.name for tensor in self.manifest.tensors if tensor.group in GROUPS_OF[quantity]}
            state = self._read(self.state)
            return None if state is None else {name: value for name, value in state.items() if name in wanted}
        if quantity == HISTORY:
            return self._epochs()
        if quantity == LOSS:
            losses = self._read(names.LOSSES if self.losses else "")
            return None if losses is None else {names.LOSSES: losses[names.LOSSES][: self.losses]}
        parts = {
            OPTIMIZER: self.slots,
            PREDICTIONS: self.predictions,
            EVALUATION: self.evaluation,
            COMPILED: self.compiled,
        }
        stored = self._read(parts[quantity])
        return None if stored is None else {name: value for name, value in stored.items() if name != "replica"}

    def _epochs(self) -> Arrays | None:
        """What each epoch ended with that was over by this step: name -> (epochs,); None if none was."""
        numbers = self._read(names.HISTORY if self.losses else "")
        over = int(np.count_nonzero(numbers["step"] <= self.losses)) if numbers else 0
        if not numbers or not over:
            return None
        counted = (numbers.keys() if self.history is None else self.history & numbers.keys()) - {"step"}
        return {name: numbers[name][:over] for name in sorted(counted)} or None

    def epochs_have(self) -> frozenset[str]:
        """The names of an epoch's numbers; empty where none was over."""
        return frozenset(self._epochs() or ())

    def _read(self, name: str) -> Arrays | None:
        return self.artifact.arrays(name) if name and names.has(self.manifest, name) else None


def trained(artifact: Artifact, manifest: Manifest, step: int) -> Snapshot:
    """A run after `step` steps."""
    return Snapshot(
        artifact=artifact,
        manifest=manifest,
        state=names.step(step),
        slots=names.optimizer(step),
        predictions=names.predictions(step),
        losses=step,
        evaluation=names.EVALUATION if step == manifest.steps[-1] else "",
    )


def live(artifact: Artifact, manifest: Manifest) -> Snapshot:
    """A run at its end, as its files should hold it. No file holds losses."""
    ended = trained(artifact, manifest, manifest.steps[-1])
    return replace(ended, losses=0, evaluation=names.EVALUATION, compiled=names.COMPILED)


def resumed(artifact: Artifact, manifest: Manifest, described: Manifest) -> Snapshot:
    """A run some steps beyond its end, or what was loaded from its file as many steps on. `described`: as of `reloaded`."""
    return Snapshot(
        artifact=artifact,
        manifest=_described(manifest, described),
        state=names.RESUMED,
        slots=names.RESUMED_OPTIMIZER,
    )


def reloaded(artifact: Artifact, manifest: Manifest, described: Manifest) -> Snapshot:
    """A saved file, loaded again; `described` is the manifest of the run that saved it."""
    return Snapshot(
        artifact=artifact,
        manifest=_described(manifest, described),
        state=names.step(0),
        slots=names.optimizer(0),
        predictions=names.predictions(0),
        evaluation=names.EVALUATION,
        compiled=names.COMPILED,
    )


def _described(manifest: Manifest, by: Manifest) -> Manifest:
    return replace(manifest, tensors=by.tensors, slots=by.slots, batch_norms=by.batch_norms)


def replica(artifact: Artifact, manifest: Manifest, index: int) -> Snapshot:
    return Snapshot(artifact=artifact, manifest=manifest, state=names.replica(index))


def emulated_file(artifact: Artifact, manifest: Manifest) -> Snapshot:
    """What an oracle says that a file holds, and what the model loaded from it predicts."""
    return Snapshot(
        artifact=artifact,
        manifest=manifest,
        state=names.SAVED,
        predictions=names.SAVED_PREDICTIONS,
        evaluation=names.SAVED_EVALUATION,
    )


def vanishing(runs: Iterable[tuple[Complete, Complete]]) -> frozenset[str]:
    """The variables that nothing trains and that are zero but for rounding, as the mean of what a normalization has centred:
    float64 leaves nothing of what float32 holds. `runs`: float32 runs, each with its float64 run."""
    float32: dict[str, float] = {}
    float64: dict[str, float] = {}
    for pair in runs:
        with suppress(DamagedArtifact):  # which says so where it is compared
            ends = [trained(*run, run[1].steps[-1]).arrays(OTHER) or {} for run in pair]
            for largest, held in zip((float32, float64), ends, strict=True):
                for name, value in held.items():
                    if value.dtype.kind not in "biu":
                        size = metrics.max_abs(value, np.broadcast_to(0.0, value.shape))
                        largest[name] = max(largest.get(name, 0.0), size)
    return frozenset(name for name, value in float64.items() if value < VANISHED * float32.get(name, 0.0))


def with_neutral_state(run: Complete, neutral: frozenset[str]) -> Complete:
    """The run with these variables in the group of those that hold rounding alone."""
    artifact, manifest = run
    tensors = _regrouped(manifest.tensors, neutral, TensorGroup.NEUTRAL_STATE)
    return (artifact, replace(manifest, tensors=tensors)) if neutral else run


def with_neutral(run: Complete, neutral: frozenset[str]) -> Complete:
    """The run with these tensors, and the optimizer's slots of them, in the group of those that nothing depends on."""
    artifact, manifest = run
    tensors = _regrouped(manifest.tensors, neutral, TensorGroup.NEUTRAL_BIAS)
    slots = tuple(
        replace(one, group=TensorGroup.NEUTRAL_BIAS) if one.name.rpartition("/")[0] in neutral else one
        for one in manifest.slots
    )
    return artifact, replace(manifest, tensors=tensors, slots=slots)


def _regrouped(tensors: tuple[Tensor, ...], names: frozenset[str], group: TensorGroup) -> tuple[Tensor, ...]:
    return tuple(replace(one, group=group) if one.name in names else one for one in tensors)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A configuration's artifacts: the plain run, its reruns, its float64 run, and the oracle of its declaration, where they
    are complete. `perturbed`: the float64 run on one device in the same environment, and its reruns from an initial state
    that is as far away as float32 rounds; empty where no layer computes in float32 there. `left_out`: why reruns that show
    its rounding were not to be run; empty if they were."""

    plain: Complete
    repeats: tuple[Complete, ...] = ()
    permuted: tuple[Complete, ...] = ()
    float64: Complete | None = None
    float64_permuted: tuple[Complete, ...] = ()
    perturbed: tuple[Complete, ...] = ()
    oracle: Complete | None = None
    seeds: tuple[Complete, ...] = ()
    no_float64: str = ""
    no_oracle: str = ""
    left_out: str = ""
    outputs: str = "probabilities"
    cache: dict[str, object] = field(default_factory=dict)
