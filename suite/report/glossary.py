"""Words for the reader: what a metric measures, what a check compares and in which order, and what a self-test rests on."""

from __future__ import annotations

from suite.records import ConsistencyCheck, SelfTest, TensorGroup

METRICS = {
    "train": "distance between the weights, as a share of the distance that training moved them",
    "mean": "largest difference of a moving mean, in standard deviations",
    "var": "largest difference of a moving variance, as a share of it",
    "folded": "relative difference of layers with their batch normalization folded in, which is what the model computes",
    "slots": "relative difference of the optimizer's variables",
    "loss": "largest relative difference of a loss",
    "pmax": "largest difference of a predicted probability",
    "tv": "mean difference of predicted distributions, from 0 to 1",
    "js": "mean Jensen-Shannon divergence of predictions, in nats",
    "churn": "share of rows whose predicted class changed",
    "explained": "share of the changed rows that were a close call",
    "values": "relative difference of predicted values",
    "max_abs": "largest difference of a predicted value",
    "state": "relative difference of other variables, such as random seed counters and constants",
    "tensor": "like train, for one tensor",
    "ulp": "in units of the last digit that float32 can hold",
}

TENSOR_GROUPS = {
    TensorGroup.KERNEL: "kernels and other trained weights",
    TensorGroup.NEUTRAL_BIAS: "biases that feed only a batch normalization: their exact gradient is zero",
    TensorGroup.SCALE_OR_SHIFT: "gamma and beta of batch normalization",
    TensorGroup.OUTPUT_LAYER: "the layers that make the output",
    TensorGroup.MOVING_MEAN: "moving means of batch normalization",
    TensorGroup.MOVING_VARIANCE: "moving variances of batch normalization",
    TensorGroup.OTHER: "other state that is not trained",
}

KINDS = ("defined", "declared", "saved", "reloaded", "replica")


def column(check: ConsistencyCheck) -> str:
    """What one check compares, as the heading of its column."""
    if check.kind == "defined":
        return "model – its definitions"
    if check.kind == "declared":
        return "run – what it declares"
    if check.kind == "saved":
        return f"live – {check.form}"
    return f"saved – on {check.environment}" if check.kind == "reloaded" else f"replica {check.replica} – first"


def rests_on(one: SelfTest) -> str:
    """What the rates of a self-test were measured with."""
    packages = [f"{name} {version}" for name, version in one.versions.items()]
    return ", ".join([*packages, *([f"keras-parity {one.suite.version}"] if one.suite else [])]) or "unknown versions"


def holds_here(one: SelfTest | None) -> str:
    """Whether its rates are those of this run's versions."""
    if one is None:
        return "No self-test was kept, so it is unknown how often verdicts and causes are right."
    if one.damage:
        return f"It is unknown how often verdicts and causes are right: {one.damage}."
    if one.apart:
        return f"These rates may not hold for this run: {'; '.join(one.apart)}."
    return "This run has the same versions."


def to_measure(one: SelfTest | None) -> str:
    """The command that measures the rates of this run's versions; empty if they are known."""
    return "nox -s selftest -- --keep" if one is None or one.damage or one.apart else ""
