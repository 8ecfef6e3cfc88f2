"""Two artifacts to distances, or the reason why there are none.

Enters: artifacts of a run folder. Leaves: `Comparison`, `Distances`, places. It decides nothing and names no cause.
"""

from suite.compare.comparisons import check, declared, file_distances, first_replica_distance, pair
from suite.compare.envelopes import seed_distances
from suite.compare.measuring import TRAINED, measure
from suite.compare.snapshots import OTHER, PREDICTIONS, STATISTICS, WEIGHTS, Snapshot, Subject, reloaded, replica, trained

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
    "file_distances",
    "first_replica_distance",
    "measure",
    "pair",
    "reloaded",
    "replica",
    "seed_distances",
    "trained",
]
