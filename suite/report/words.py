"""Words for the reader: what a metric measures, what a view compares, and in which order views are shown."""

from __future__ import annotations

from suite.records import View

METRICS = {
    "train": "how far apart the weights are, as a share of the way that training moved them",
    "mean": "largest difference of a moving mean, in standard deviations",
    "var": "largest difference of a moving variance, as a share of it",
    "folded": "relative difference of layers with their batch normalization folded in: of what the model computes",
    "slots": "relative difference of the optimizer's variables",
    "loss": "largest relative difference of a loss",
    "pmax": "largest difference of a predicted probability",
    "tv": "mean difference of predicted distributions, 0 to 1",
    "js": "mean Jensen-Shannon divergence of predictions, nats",
    "churn": "share of rows whose predicted class changed",
    "explained": "share of the changed rows that were a close call",
    "values": "relative difference of predicted values",
    "max_abs": "largest difference of a predicted value",
    "state": "relative difference of other variables: counters of random seeds, constants",
    "tensor": "as train, of one tensor",
    "ulp": "in units of the last digit that float32 can hold",
}

KINDS = ("declared", "saved", "reloaded", "replica")


def column(view: View) -> str:
    """What one view compares, as the heading of its column."""
    if view.kind == "declared":
        return "run – what it declares"
    if view.kind == "saved":
        return f"live – {view.form}"
    return f"saved – on {view.environment}" if view.kind == "reloaded" else f"replica {view.replica} – first"
