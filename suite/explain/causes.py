"""Every cause that a verdict can name: what it claims, the check that isolates it, and what to do. docs/causes.md lists them.

A claim says only what its check has shown. `what` and `where` are counted members and scenarios: "8 pairs", "in article-mlp".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suite.explain import saving
from suite.explain.declarations import OTHERWISE
from suite.explain.diagnoses import SUSPECTED
from suite.explain.hypotheses import BY_NAME
from suite.judge import verdicts

FLOAT64_RUNS = "the float64 runs of both sides differ as well, so it is not rounding"
SYNCHRONIZE = (
    "use BatchNormalization(synchronized=True) on TensorFlow and the equivalent on torch, or compare with one device at the "
    "per-replica batch size"
)
PER_REPLICA_ISSUE = "https://github.com/tensorflow/tensorflow/issues/46488"
MOMENTS_ISSUE = "https://github.com/keras-team/keras/issues/18795"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a finding says of its cause."""

    claim: str
    check: str
    advice: str = ""
    link: str = ""


def _declared(what: str, where: str, cause: str) -> Said:
    if "live model" in cause:
        return Said(
            claim=f"{what} {where} hold the first replica's moving statistics only; the live model predicts with every "
            "replica's own.",
            check=FLOAT64_RUNS,
            advice="evaluate the loaded file and not the model in memory, or average the replicas' statistics before saving",
            link=PER_REPLICA_ISSUE,
        )
    if cause == f"{OTHERWISE} (moving statistics: per replica)":
        return Said(
            claim=f"{what} {where} have moving statistics of their own: nothing keeps replicas equal.",
            check=FLOAT64_RUNS,
            advice=SYNCHRONIZE,
            link=PER_REPLICA_ISSUE,
        )
    if "batch statistics: global or per replica" in cause:
        return Said(
            claim=f"{what} {where} compare batch normalization over the whole batch with batch normalization over each "
            "replica's part of it, as their strategies declare.",
            check=FLOAT64_RUNS,
            advice=SYNCHRONIZE,
            link=PER_REPLICA_ISSUE,
        )
    words = cause.partition("(")[2].rstrip(")")
    return Said(claim=f"{what} {where} compute different things, as their strategies declare: {words}.", check=FLOAT64_RUNS)


def _suspected(what: str, where: str, cause: str) -> Said:
    words = cause.replace(SUSPECTED, "")
    hypothesis = next((one for one in BY_NAME.values() if words.startswith(one.words)), None)
    return Said(
        claim=f"{what} {where} are not what the strategy declares. Suspected, because it predicts what the run does: {words}.",
        check="the same run was emulated in float64 with this one deviation, and equals the run within 1e-10",
        advice=hypothesis.advice if hypothesis else "",
        link=hypothesis.link if hypothesis else "",
    )


def _unstable(what: str, where: str, cause: str) -> Said:
    side = cause.removeprefix(f"{verdicts.UNSTABLE} in ")
    return Said(
        claim=f"{side} is off {where} ({what}): single float32 steps of it are far from float64.",
        check="each side took single float32 steps from common states, and each was measured against the float64 step of what "
        "its strategy declares, with the same constants",
        advice="centre the inputs of batch normalization, or compute its variance in two passes: E[x²] - E[x]² cancels where "
        "the mean is large against the standard deviation",
        link=MOMENTS_ISSUE,
    )


def _random(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} draw different random numbers: backends turn one seed into different streams.",
        check="both sides drew from one seed and got other numbers; given one shared stream, their float64 runs are equal",
        advice="do not expect equal results of random layers from equal seeds; compare without them, or over several seeds",
    )


def _unsaved(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} do not hold {cause.removeprefix(verdicts.UNSAVED + ': ')}: loading brings back its initial value.",
        check="the loaded value is bit-equal to the value before training, and training had changed it",
        advice="save this state beside the model if training is to go on as if it had not stopped",
    )


def _held(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} do not hold the model that was saved: {cause}.",
        check="every loaded tensor is bit-equal to what the cause says, and not to the live model's",
        advice="check what is written: which step's, which replica's, and under which names",
    )


def _loaded(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where}: {cause}.",
        check="loaded where it was saved, the float64 run's file is what the strategy declares within 1e-10, and here it is not",
        advice="check versions of Keras on both sides, and that every layer of the file is known where it is loaded",
    )


def _unknown(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} differ though their strategies declare the same: cause not known.",
        check=f"{FLOAT64_RUNS}; no hypothesis predicts it",
        advice="look at the place where it begins, and report it: docs/causes.md says how",
    )


def _constant(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} differ by about what float32 does to a constant.",
        check="the float64 runs differ by it; which constant is not checked",
        advice="pass constants as powers of two where they must not be rounded",
    )


def _beyond(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} are {verdicts.BEYOND}.",
        check="the float64 runs are equal, and no kernel was shown to be unstable; each side's re-ordered reruns stay closer "
        "together than the two sides are",
        advice="fewer steps (--steps) would decide: a network like this amplifies float32 rounding by decades in training",
    )


def _noise(what: str, where: str, cause: str) -> Said:
    return Said(
        claim=f"{what} {where} differ by no more than the same run repeated.",
        check="the runs were repeated, and the repeats differ as much",
        advice="turn on deterministic kernels to compare bit by bit",
    )


CAUSES: tuple[tuple[str, Callable[[str, str, str], Said]], ...] = (
    (OTHERWISE, _declared),
    (SUSPECTED, _suspected),
    (verdicts.UNSTABLE, _unstable),
    (verdicts.RANDOM_STREAMS, _random),
    (verdicts.UNSAVED, _unsaved),
    *((words, _held) for words in saving.CAUSES.values()),
    (saving.LOADED, _loaded),
    (verdicts.UNKNOWN, _unknown),
    (verdicts.CONSTANT, _constant),
    (verdicts.BEYOND, _beyond),
    (verdicts.REPEATED, _noise),
)


def said(what: str, where: str, cause: str, verdict: str) -> Said:
    """The words for a cause; a cause that is a reason in itself is repeated as it is."""
    for start, say in CAUSES:
        if cause.startswith(start):
            return say(what, where, cause)
    return Said(claim=f"{what} {where}: {cause or verdict}.", check="none was run")
