"""Verdicts, states of a run, and the names of what is compared: the words that everything else uses."""

from __future__ import annotations

import enum
from collections.abc import Mapping

SCENARIO_API = 2
SCENARIO_APIS = (1, 2)  # that are read: whatever the first one has means the same in the second
RESULTS_SCHEMA = 2
FLOAT32 = 2.0**-24  # unit roundoff: half the distance from 1 to the next number
JUDGED_STEP = 20  # free runs are judged up to here: later, one flipped ReLU decides how far two runs are apart

Floats = Mapping[str, float]


class Verdict(enum.Enum):
    """What a distance means, from best to worst."""

    IDENTICAL = "identical"
    ROUNDING = "rounding"
    NOISE = "noise"
    BY_DESIGN = "by design"
    INCONCLUSIVE = "inconclusive"
    DIFFERENT = "different"
    INVALID = "invalid"
    NOT_RUN = "not run"

    @property
    def mark(self) -> str:
        return MARKS[self][0]

    @property
    def meaning(self) -> str:
        return MARKS[self][1]

    @property
    def rank(self) -> int:
        """0 is best."""
        return list(Verdict).index(self)


MARKS = {
    Verdict.IDENTICAL: ("=", "every bit is equal"),
    Verdict.ROUNDING: ("≈", "equal in float64; float32 differs by no more than its own measured rounding"),
    Verdict.NOISE: ("±", "the same run, repeated, differs as much"),
    Verdict.BY_DESIGN: ("∆", "declared to compute different things, and checked to do so"),
    Verdict.INCONCLUSIVE: ("?", "not shown to be equal, not shown to differ"),
    Verdict.DIFFERENT: ("≠", "a real difference; its cause is named, or said to be unknown"),
    Verdict.INVALID: ("!", "NaN or infinity, other shapes or names, or nothing to compare"),
    Verdict.NOT_RUN: ("–", "one side has no result; the reason is given"),
}


class Status(enum.Enum):
    """How far a run came. Only COMPLETE has results."""

    PLANNED = "planned"
    STARTED = "started"
    COMPLETE = "complete"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    UNSUPPORTED = "unsupported"
    NO_ENVIRONMENT = "environment unavailable"
    NO_DEVICES = "no such devices"
    LEFT_OUT = "left out"

    @property
    def broken(self) -> bool:
        """Whether the run should have given a result and did not (one that is unsupported or was left out should not)."""
        return self not in (Status.COMPLETE, Status.UNSUPPORTED, Status.LEFT_OUT)


QUANTITIES = (
    "trainable weights",
    "moving statistics",
    "optimizer state",
    "loss",
    "predictions",
    "other state",
    "evaluation",
    "compile configuration",
    "history",
)
# What one training step does, in order. Single-step comparison compares it stage by stage from a common state.
STAGES = (
    "initial state",
    "forward",
    "batch statistics",
    "loss",
    "gradient",
    "update",
    "moving statistics",
    "optimizer state",
)
# What happens after training; a difference that begins here has one of these as its place.
LATER_STAGES = ("trajectory", "prediction", "evaluation", "history", "save", "load")
