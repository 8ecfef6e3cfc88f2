"""Two artifacts to distances, or the reason why there are none.

Enters: artifacts of a run folder. Leaves: `Comparison`, `Distances`, places. It decides nothing and names no cause.
"""

from suite.compare.comparisons import check, declared, first_non_finite, first_replica_distance, float64_runs, judged, pair
from suite.compare.envelopes import seed_distances
from suite.compare.measuring import TRAINED, measure
from suite.compare.snapshots import (
    OTHER,
    PREDICTIONS,
    STATISTICS,
    WEIGHTS,
    Snapshot,
    Subject,
    emulated_file,
    reloaded,
    replica,
    trained,
)

__all__ = [
    "OTHER",
    "PREDICTIONS",
    "STATISTICS",
    "TRAINED",
    "WEIGHTS",
    "Snapshot",
    "Subject",
    "check",
    "declared",
    "emulated_file",
    "first_non_finite",
    "first_replica_distance",
    "float64_runs",
    "judged",
    "measure",
    "pair",
    "reloaded",
    "replica",
    "seed_distances",
    "trained",
]
