"""Two artifacts to distances, or the reason why there are none.

Enters: artifacts of a run folder. Leaves: `Comparison`, `Distances`, places. It decides nothing and names no cause.
"""

from suite.compare.comparisons import (
    check,
    declared,
    drawing_elsewhere,
    first_non_finite,
    first_replica_distance,
    float64_runs,
    judged,
    pair,
    renewed,
    unsaved,
)
from suite.compare.envelopes import seed_distances
from suite.compare.measuring import TRAINED, measure
from suite.compare.snapshots import (
    COMPILED,
    EVALUATION,
    HISTORY,
    OTHER,
    PREDICTIONS,
    STATISTICS,
    WEIGHTS,
    Snapshot,
    Subject,
    emulated_file,
    live,
    reloaded,
    replica,
    resumed,
    trained,
)

__all__ = [
    "COMPILED",
    "EVALUATION",
    "HISTORY",
    "OTHER",
    "PREDICTIONS",
    "STATISTICS",
    "TRAINED",
    "WEIGHTS",
    "Snapshot",
    "Subject",
    "check",
    "declared",
    "drawing_elsewhere",
    "emulated_file",
    "first_non_finite",
    "first_replica_distance",
    "float64_runs",
    "judged",
    "live",
    "measure",
    "pair",
    "reloaded",
    "renewed",
    "replica",
    "resumed",
    "seed_distances",
    "trained",
    "unsaved",
]
