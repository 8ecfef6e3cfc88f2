"""Why two sides differ: the codes, and the record that carries one. Words for them are made in the report."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

Names = tuple[tuple[str, str], ...]
Numbers = tuple[tuple[str, float], ...]


class Code(enum.StrEnum):
    """Every cause that the judge itself can name. The name of a hypothesis (`suite.explain.hypotheses`) is a code as
    well."""

    BY_DESIGN = "by-design"
    RANDOM_STREAMS = "random-streams"
    RANDOM_PREDICTIONS = "random-predictions"
    DRAWS_IN_PREDICT = "draws-in-predict"
    UNSTABLE_KERNEL = "unstable-kernel"
    TF32_PRODUCTS = "tf32-products"
    BFLOAT16_PRODUCTS = "bfloat16-products"
    DTYPE_DEMOTED = "dtype-demoted"
    DEFINITION = "definition"
    UNDEFINED = "undefined"
    ODD_ONE_OUT = "odd-one-out"
    HALFWAY = "halfway"
    CORNER = "corner"
    COMPILED_STEP = "compiled-step"
    FLOAT32_INSIDE = "float32-inside"
    BELOW_FLOAT32 = "below-float32"
    STEPS_APART = "steps-apart"
    STEPS_ALIKE = "steps-alike"
    NON_FINITE = "non-finite"
    UNCHECKED = "unchecked"
    NOT_SAVED = "not-saved"
    RENEWED = "renewed"
    UNSEEDED = "unseeded"
    SHARED_AVERAGES = "shared-averages"
    MEMORY_LOST = "memory-lost"
    METRIC_NOT_RESET = "metric-not-reset"
    MOVES_IN_PREDICT = "moves-in-predict"
    NARROWED = "narrowed"
    OTHER_FORMATS = "other-formats"
    SAVE_STALE = "save-stale"
    SAVE_WRONG_REPLICA = "save-wrong-replica"
    SAVE_SWAPPED = "save-swapped"
    SAVE_ALTERED = "save-altered"
    SLOTS_NOT_SAVED = "slots-not-saved"
    LOADED_WRONGLY = "loaded-wrongly"
    COMPILED_DIFFERENTLY = "compiled-differently"
    LOADED_DIFFERENTLY = "loaded-differently"
    REPEATS_DIFFER = "repeats-differ"
    AMPLIFIED_ROUNDING = "amplified-rounding"
    BEYOND_ENVELOPE = "beyond-envelope"
    NO_FLOAT64 = "no-float64"
    NOTHING_COMPARED = "nothing-compared"
    INVALID = "invalid"
    NOT_RUN = "not-run"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


REASON = "reason"  # the detail that holds somebody else's words: an exception's, a backend's
SIDE = "side"  # the details that hold the sides that have no result for that reason
KNOWN = "known"  # the detail that holds the number of a known defect
SEED = "seed_generator_state"  # how Keras names the state of what draws random numbers
MEASURED = "measured"  # the detail that holds a number, as text
ROUND = "round"  # the evidence of a hypothesis that came on top of those of earlier rounds


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a verdict is what it is.

    `code`: a `Code`, or the name of the hypothesis that predicts the difference. `subject`: the environment that it is
    about, where it is about one. `detail`: what belongs to it, as (what, name). `evidence`: the numbers that it rests on, as
    (what, number); ("a", "b" are the two sides).
    """

    code: str
    subject: str = ""
    detail: Names = ()
    evidence: Numbers = ()

    @property
    def reason(self) -> str:
        """Somebody else's words for it; empty if there are none."""
        return dict(self.detail).get(REASON, "")

    @property
    def kind(self) -> Cause:
        """The same without its numbers: what two pairs have in common."""
        return Cause(code=self.code, subject=self.subject, detail=self.detail)

    @property
    def of_seeds(self) -> bool:
        """Whether it names the states of random seeds, and nothing else."""
        return bool(self.detail) and all(name.endswith(SEED) for _, name in self.detail)

    @property
    def topic(self) -> Cause:
        """Its kind, whatever seeds it names (which ones a file loses depends on its form and on the backend), whatever
        sides have no result for its reason, wherever a known defect shows, and whether or not it is known where NaN is made
        (on several devices it is not)."""
        if self.of_seeds or self.code == Code.NON_FINITE:
            return Cause(code=self.code, subject=self.subject)
        known = tuple(one for one in self.detail if one[0] == KNOWN)
        if known and self.code == Code.DEFINITION:
            return Cause(code=self.code, subject=self.subject, detail=known)
        return replace(self.kind, detail=tuple(one for one in self.detail if one[0] != SIDE))

    @property
    def identity(self) -> str:
        """What is the same tomorrow: code, subject and names, without numbers and without anybody's words."""
        names = [f"{what}={name}" for what, name in self.detail if what not in (REASON, MEASURED)]
        return " ".join([self.code, *([self.subject] if self.subject else []), *names])


def because(code: Code, reason: str, subject: str = "") -> Cause:
    """A cause that is known by somebody else's words."""
    return Cause(code=code, subject=subject, detail=((REASON, reason),))
