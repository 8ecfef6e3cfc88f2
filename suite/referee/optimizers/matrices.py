"""Rules that look at a variable as a matrix: Muon and Adafactor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suite.referee.definition import Array
from suite.referee.optimizers import adam
from suite.referee.optimizers.rule import Config, Rule, Step, Stepped, start


def as_adamw(name: str, value: Array, config: Config) -> bool:
    """Whether Muon leaves a variable to AdamW: all that are not matrices; those of embeddings, by "embedding" in the name,
    unless `exclude_embeddings` is false; those whose name a pattern of `exclude_layers` finds."""
    embedding = config.get("exclude_embeddings", True) and "embedding" in name.lower()
    excluded = any(re.search(pattern, name) for pattern in config.get("exclude_layers") or ())
    return np.ndim(value) != 2 or embedding or excluded


def muon_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, momentum=0.0) | (start(value, velocity=0.0) if as_adamw(name, value, config) else {})


def muon_decay(name: str, value: Array, config: Config) -> float | None:
    return config.get("adam_weight_decay") if as_adamw(name, value, config) else config.get("weight_decay")


def muon(step: Step) -> Stepped:
    """m ← μ · m + g; w ← w - lr · s · orthogonal(g + μ · m), or orthogonal(m) without `nesterov`.

    s = √(the larger dimension) · `rms_rate`, or 1 without `rms_rate`. Other variables (see `as_adamw`) are updated by
    Adam's rule, with the learning rate times `adam_lr_ratio`, and decay by `adam_weight_decay`.

    Source: Jordan et al., Muon (2024), whose s is √max(1, rows / columns); Liu et al., Muon is Scalable for LLM Training
    (2025), for this s; Keras documentation, Muon.
    """
    config = step.config
    if as_adamw(step.name, step.value, config):
        return _adam_in_muon(step)
    momentum = config["momentum"] * step.slots["momentum"] + step.gradient
    ahead = step.gradient + config["momentum"] * momentum if config["nesterov"] else momentum
    rate = config.get("rms_rate")
    scale = 1.0 if rate is None else np.sqrt(max(step.value.shape)) * rate
    return Stepped(value=step.value - step.learning_rate * scale * orthogonal(ahead, config), slots={"momentum": momentum})


def _adam_in_muon(step: Step) -> Stepped:
    config = dict(step.config) | {"beta_1": step.config["adam_beta_1"], "beta_2": step.config["adam_beta_2"]}
    rate = step.learning_rate * step.config.get("adam_lr_ratio", 1.0)
    return adam.adam(replace(step, config=config, learning_rate=rate))


def orthogonal(matrix: Array, config: Config) -> Array:
    """Nearly the orthogonal factor U · Vᵀ of a matrix U · S · Vᵀ: `ns_steps` Newton-Schulz iterations

    X ← a · X + (b · X · Xᵀ + c · (X · Xᵀ)²) · X, from the matrix divided by its Frobenius norm + 1e-7, lying flat.

    Source: Jordan et al., Muon (2024); Keras documentation, Muon (`muon_a`, `muon_b`, `muon_c`).
    """
    a, b, c = config["muon_a"], config["muon_b"], config["muon_c"]
    upright = matrix.shape[0] > matrix.shape[1]
    x: Array = matrix.T if upright else matrix
    x = x / (np.sqrt(np.sum(x**2)) + 1e-7)
    for _ in range(config["ns_steps"]):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if upright else x


def adafactor_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    slots = start(value, velocity=0.0)
    if np.ndim(value) < 2:
        return slots
    return slots | {"r": np.zeros(value.shape[:-1]), "c": np.zeros(value.shape[:-2] + value.shape[-1:])}


def adafactor(step: Step) -> Stepped:
    """With β = 1 - t^`beta_2_decay` and s = g² + ε₁:

    - matrices, and each matrix of the last two dimensions: R ← β · R + (1 - β) · mean of s over columns, C likewise over
      rows, and V = R · C / (mean of R), for every pair of a row and a column;
    - vectors and scalars: V ← β · V + (1 - β) · s.

    u = g / √V; w ← w - ρ · max(ε₂, rms(w)) · u / max(1, rms(u) / `clip_threshold`), with ρ = min(lr, 1 / √t). R and C are
    the slots "r" and "c", V is "velocity".

    Source: Shazeer and Stern, Adafactor (2018), Algorithms 4 and 5, with lr = 0.01; Keras documentation, Adafactor.
    `relative_step` changes nothing: the page says that it makes the rate min(lr, 1 / √t), which ρ is in either case.
    """
    config, t = step.config, step.number
    beta = 1 - t ** config["beta_2_decay"]
    squares = step.gradient**2 + config["epsilon_1"]
    slots = _factored(step.slots, squares, beta)
    move = step.gradient / np.sqrt(slots["velocity"])
    move = move / max(1.0, _rms(move) / config["clip_threshold"])
    rate = min(step.learning_rate, 1 / np.sqrt(t)) * max(config["epsilon_2"], _rms(step.value))
    return Stepped(value=step.value - rate * move, slots=slots)


def _factored(slots: Mapping[str, Array], squares: Array, beta: float) -> dict[str, Array]:
    if squares.ndim < 2:
        return {"velocity": adam.mean(slots["velocity"], squares, beta)}
    rows = adam.mean(slots["r"], squares.mean(axis=-1), beta)
    columns = adam.mean(slots["c"], squares.mean(axis=-2), beta)
    size = (rows / rows.mean(axis=-1, keepdims=True))[..., :, None] * columns[..., None, :]
    return {"velocity": size, "r": rows, "c": columns}


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


MATRICES: Mapping[str, Rule] = {
    "Muon": Rule(step=muon, slots=muon_slots, decay=muon_decay),
    "Adafactor": Rule(step=adafactor, slots=adafactor_slots, idle=frozenset({"r", "c"})),
}
