"""Two artifacts to distances, or the reason why there are none. Measures; decides nothing."""

from suite.compare.comparisons import declared, file_distances, first_replica_distance, pair, view
from suite.compare.envelopes import seed_distances
from suite.compare.measuring import TRAINED, measure
from suite.compare.moments import OTHER, PREDICTIONS, STATISTICS, WEIGHTS, Moment, Subject, reloaded, replica, trained

__all__ = [
    "OTHER",
    "PREDICTIONS",
    "STATISTICS",
    "TRAINED",
    "WEIGHTS",
    "Moment",
    "Subject",
    "declared",
    "file_distances",
    "first_replica_distance",
    "measure",
    "pair",
    "reloaded",
    "replica",
    "seed_distances",
    "trained",
    "view",
]
