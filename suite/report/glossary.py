"""Words for the reader: what a metric measures, what a check compares and in which order, and what a self-test rests on."""

from __future__ import annotations

from suite.records import ConsistencyCheck, GroundRates, SelfTest, TensorGroup

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
    "evaluation": "largest relative difference of the loss or of a metric over the rows to evaluate",
    "history": "largest relative difference of what fit says after an epoch: the loss, a metric, or one of validation",
    "compiled": "arguments of compile that are not the same",
    "state": "relative difference of other variables, such as random seed counters and constants",
    "tensor": "like train, for one tensor",
    "ulp": "in units of the last digit that float32 can hold",
}

TENSOR_GROUPS = {
    TensorGroup.KERNEL: "kernels and other trained weights",
    TensorGroup.NEUTRAL_BIAS: "biases before a batch normalization, or of an attention's keys: their exact gradient is zero",
    TensorGroup.SCALE_OR_SHIFT: "gamma and beta of batch normalization",
    TensorGroup.OUTPUT_LAYER: "the layers that make the output",
    TensorGroup.MOVING_MEAN: "moving means of batch normalization",
    TensorGroup.MOVING_VARIANCE: "moving variances of batch normalization",
    TensorGroup.OTHER: "other state that is not trained",
    TensorGroup.NEUTRAL_STATE: "other state that is zero, but for rounding: float64 leaves nothing of it",
}

KINDS = ("defined", "declared", "saved", "resumed", "reloaded", "replica")


def form(check: ConsistencyCheck) -> str:
    """The file that a check is about, in words."""
    return check.form.replace("+unbuilt", ", optimizer not built")


def column(check: ConsistencyCheck) -> str:
    """What one check compares, as the heading of its column."""
    if check.kind == "defined":
        return "model – its definitions"
    if check.kind == "declared":
        return "run – reference emulation"
    if check.kind == "saved":
        return f"in memory – {form(check)}"
    if check.kind == "resumed":
        return "in memory – file, both trained on"
    return f"file – on {check.environment}" if check.kind == "reloaded" else f"replica {check.replica} – first"


GROUNDS = {"built-in": "built-in scenarios", "random": "models drawn at random"}


def ground(one: GroundRates) -> str:
    """What faults were injected in."""
    return GROUNDS.get(one.ground, one.ground)


def rests_on(one: GroundRates) -> str:
    """What the rates of a self-test were measured with."""
    packages = [f"{name} {version}" for name, version in one.versions.items()]
    return ", ".join([*packages, *([f"keras-parity {one.suite.version}"] if one.suite else [])]) or "unknown versions"


def holds_here(one: SelfTest | None) -> str:
    """Whether its rates are those of this run's versions."""
    if one is None or not (one.grounds or one.damage):
        return "No self-test was kept, so it is unknown how often verdicts and causes are right."
    if one.damage:
        return f"It is unknown how often verdicts and causes are right: {one.damage}."
    if apart := _apart(one):
        return f"These rates may not hold for this run: {'; '.join(apart)}."
    return "This run has the same versions."


def _apart(one: SelfTest) -> list[str]:
    """What differs in this run; where that is not the same for all grounds, for which."""
    every = [set(rates.apart) for rates in one.grounds]
    alike = set.intersection(*every) if every else set()
    words = {word if word in alike else f"on {ground(rates)}, {word}": None for rates in one.grounds for word in rates.apart}
    return list(words)


def to_measure(one: SelfTest | None) -> str:
    """The command that measures the rates of this run's versions; empty if they are known."""
    known = one is not None and bool(one.grounds) and not one.damage and not _apart(one)
    return "" if known else "nox -s selftest -- --keep"
