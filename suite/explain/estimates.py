"""Constants measured from one step of a run against the same step of its oracle, both in float64.

Each function solves the step's formula for one constant, element by element, and gives it only if the elements agree on it
(relative spread below 1e-6): a constant that was not there to be measured must not be tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from suite.records import BatchNorm, Semantics, Tensor, TensorGroup

Arrays = Mapping[str, np.ndarray]

AGREES = 1e-6
ENOUGH = 1e-6  # of the largest element: smaller ones hold mostly rounding


@dataclass(frozen=True, kw_only=True)
class StepEvidence:
    """One step of a run and of its oracle, from common states. `steps`: for each state, (before, run, oracle): the state's
    tensors by name, and the arrays of both single-step comparisons by "<stage>|<tensor>". `other_start`: tensors whose
    initial values in the run, whose id is `run`, are not the stored ones. `phases`: of the training;
    0 where it has none. `only_predictions`: nothing but predictions is off."""

    run: str
    semantics: Semantics
    replicas: int
    steps: tuple[tuple[Arrays, Arrays, Arrays], ...]
    batch_norms: tuple[BatchNorm, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    other_start: tuple[str, ...] = ()
    optimizer_epsilon: float = 0.0
    phases: int = 0
    only_predictions: bool = False


def agreed(values: np.ndarray) -> float | None:
    """The median, if all values are within 1e-6 of it."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    middle = float(np.median(finite))
    return middle if np.abs(finite - middle).max() <= AGREES * max(abs(middle), 1e-12) else None


def momentum(evidence: StepEvidence) -> float | None:
    """m of moving' = moving m + batch (1 - m): (moving' - batch) / (moving - batch)."""
    found = []
    for before, run, oracle in evidence.steps:
        for norm in evidence.batch_norms:
            for name in (norm.mean, norm.variance):
                # The oracle's batch statistics: the run's own are observed through the momentum in question.
                after, batch = run.get(f"moving statistics|{name}"), oracle.get(f"batch statistics|{name}")
                if after is None or batch is None or name not in before:
                    continue
                gap = before[name] - batch
                large = np.abs(gap) > 1e-3 * (np.abs(gap).max() or 1.0)
                found.append(((after - batch)[large] / gap[large]).ravel())
    return agreed(np.concatenate(found)) if found else None


def epsilon(evidence: StepEvidence) -> float | None:
    """From the outputs y of the first layer whose batch statistics are equal on both sides and whose outputs are not:
    (y_run - beta) / (y_oracle - beta) = sqrt((V + e0) / (V + e))."""
    for before, run, oracle in evidence.steps:
        for norm in evidence.batch_norms:
            outputs = [side.get(f"forward|{norm.name}") for side in (run, oracle)]
            variance, other = (side.get(f"batch statistics|{norm.variance}") for side in (run, oracle))
            if outputs[0] is None or outputs[1] is None or variance is None or other is None:
                continue
            if outputs[0].shape[-1] != variance.shape[-1] or outputs[0].shape != outputs[1].shape:
                continue  # channels are not the last axis: which output belongs to which is not looked for
            if np.array_equal(outputs[0], outputs[1]) or not np.allclose(variance, other, rtol=1e-9, atol=0.0):
                continue
            return agreed(np.concatenate(list(_epsilons(outputs[0], outputs[1], variance, before, norm))))
    return None


def _epsilons(
    run: np.ndarray, oracle: np.ndarray, variance: np.ndarray, before: Arrays, norm: BatchNorm
) -> Iterator[np.ndarray]:
    beta = before[norm.beta] if norm.beta else 0.0
    for rows, rows_oracle, own in zip(
        np.array_split(run - beta, len(variance)), np.array_split(oracle - beta, len(variance)), variance, strict=True
    ):
        flat, flat_oracle = rows.reshape(-1, own.size), rows_oracle.reshape(-1, own.size)
        # Each channel speaks by its largest output; one that is zero throughout says nothing.
        place = np.abs(flat_oracle).argmax(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = flat[place, np.arange(own.size)] / flat_oracle[place, np.arange(own.size)]
        sensitive = np.isfinite(ratio) & (np.abs(ratio - 1.0) > 1e-9) & (ratio != 0.0) & (own < 1e3)
        yield (own[sensitive] + norm.epsilon) / ratio[sensitive] ** 2 - own[sensitive]


def gradient_scale(evidence: StepEvidence) -> float | None:
    return _scale(evidence, "gradient|")


def loss_scale(evidence: StepEvidence) -> float | None:
    return _scale(evidence, "loss|")


def learning_rate(evidence: StepEvidence) -> float | None:
    """From the first state alone, where slots are empty: later, momentum carries what earlier learning rates left."""
    return _scale(replace(evidence, steps=evidence.steps[:1]), "update|")


def _scale(evidence: StepEvidence, stage: str) -> float | None:
    """The constant c of run = c oracle, over all tensors of a stage; None if it is 1."""
    silent, found = _silent(evidence), []
    for _, run, oracle in evidence.steps:
        for name in run.keys() & oracle.keys():
            if name.startswith(stage) and name.removeprefix(stage) not in silent:
                large = np.abs(oracle[name]) > max(1e-3 * np.abs(oracle[name]).max(initial=0.0), 1e-12)
                found.append((run[name][large] / oracle[name][large]).ravel())
    scale = agreed(np.concatenate(found)) if found else None
    return None if scale is None or abs(scale - 1.0) < ENOUGH else scale


def adam_epsilon(evidence: StepEvidence) -> float | None:
    """From updates u = a m / (sqrt(v) + e): e = (u_oracle / u_run) (sqrt(v) + e0) - sqrt(v), v the velocity after the step,
    corrected for its bias as Keras does: its epsilon is added to the uncorrected sqrt(v)."""
    found = []
    for _, run, oracle in evidence.steps:
        for name, velocity in oracle.items():
            if not name.startswith("optimizer state|") or not name.endswith("/velocity"):
                continue
            tensor = name.removeprefix("optimizer state|").removesuffix("/velocity")
            mine, other = run.get(f"update|{tensor}"), oracle.get(f"update|{tensor}")
            if mine is None or other is None:
                continue
            root = np.sqrt(velocity)
            # Where epsilon matters and the update is no rounding: roots up to a million epsilons.
            large = (np.abs(mine) > 1e-9) & (root < 1e6 * max(evidence.optimizer_epsilon, 1e-8)) & (root > 0)
            found.append(((other / np.where(large, mine, 1.0)) * (root + evidence.optimizer_epsilon) - root)[large])
    values = np.concatenate(found) if found else np.empty(0)
    if values.size == 0:
        return None
    middle = float(np.median(values))
    # The spread is that of a difference of nearly equal numbers: a whole step of the value that is tried decides.
    return middle if middle > 0 and abs(middle - evidence.optimizer_epsilon) > 1e-3 * evidence.optimizer_epsilon else None


def unexchanged(evidence: StepEvidence) -> tuple[str, ...]:
    """Trained tensors whose gradient is off in some step of the run, where those of others never are; empty if all are."""
    off, every = set[str](), set[str]()
    for _, run, oracle in evidence.steps:
        for key in run.keys() & oracle.keys():
            stage, _, name = key.partition("|")
            if stage != "gradient" or name in _silent(evidence):
                continue
            every.add(name)
            if np.abs(run[key] - oracle[key]).max(initial=0.0) > AGREES * np.abs(oracle[key]).max(initial=0.0):
                off.add(name)
    return tuple(sorted(off)) if off != every else ()


def _silent(evidence: StepEvidence) -> set[str]:
    """Tensors whose gradient is nothing but rounding."""
    return {tensor.name for tensor in evidence.tensors if tensor.group == TensorGroup.NEUTRAL_BIAS}


def untrained(evidence: StepEvidence) -> tuple[str, ...]:
    """Trained tensors that no step of the run moves, and every step of the oracle does."""
    names: set[str] | None = None
    for _, run, oracle in evidence.steps:
        still = {
            name.removeprefix("update|")
            for name in run.keys() & oracle.keys()
            if name.startswith("update|") and not np.any(run[name]) and np.any(oracle[name])
        }
        names = still if names is None else names & still
    return tuple(sorted(names or ()))
