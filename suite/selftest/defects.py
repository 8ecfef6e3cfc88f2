"""Real defects of Keras and its backends that show without any injected fault: naming one there is no false alarm.

What departs from an independent definition, and is known, has its number from `suite.referee.defects`. Here are those that
are found in a different way.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from suite.records import Cause, Code, Member, Results
from suite.selftest.catalogue import CONFIDENT


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One that is found by a hypothesis, by an unstable kernel, or in a file. `cause`: the name of the hypothesis, or a
    `Code`. `backends`: of the side that is off; `strategies`: of a run that takes part; `scenario`: a pattern. `details`:
    patterns of "what=name", one of which each detail of the cause has."""

    cause: str
    words: str
    backends: tuple[str, ...]
    scenario: str = "*"
    details: tuple[str, ...] = ("*",)
    strategies: tuple[str, ...] = ("single", "tf_mirrored", "jax_data_parallel", "torch_ddp")


EVERY = ("tensorflow", "jax", "torch")
DEFECTS = (
    Defect(
        cause="clipping-per-replica",
        words="Keras (3.15) clips gradients on each replica, before the sum",
        backends=("tensorflow",),
        strategies=("tf_mirrored",),
    ),
    Defect(
        cause="loss-from-logits",
        words="Keras takes the logits before a softmax on TensorFlow, and clips probabilities elsewhere",
        backends=("tensorflow",),
        scenario=CONFIDENT,
    ),
    Defect(
        cause=Code.UNSTABLE_KERNEL,
        words="torch computes variances in one pass, which cancels",
        backends=("torch",),
        scenario="large-mean-bn",
    ),
    Defect(
        cause=Code.UNSTABLE_KERNEL,  # seen: batch normalization behind hard_sigmoid, whose outputs are all near 0.5
        words="known defect K-26",
        backends=("torch",),
        scenario="random-*",
    ),
    *(
        Defect(
            cause=code,
            words="Keras's files do not hold the state of random layers",
            backends=EVERY,
            details=("tensor=*seed_generator_state",),
        )
        for code in (Code.NOT_SAVED, Code.RENEWED)
    ),
    Defect(
        cause=Code.NON_FINITE,  # seen: the loss CosineSimilarity of a prediction that is exactly 0, on JAX and torch
        words="training reaches NaN on one side only, without a fault",
        backends=EVERY,
    ),
    Defect(
        cause=Code.SHARED_AVERAGES,
        words="known defect K-56",
        backends=("jax",),
    ),
    Defect(
        cause=Code.CORNER,
        words="backends take different slopes at a corner",
        backends=EVERY,
    ),
)


def known_defect(cause: Cause, member: Member, results: Results) -> str:
    """The known defect that a cause of a pair or check names, in words; "" if it names none."""
    if number := dict(cause.detail).get("known"):
        return f"known defect {number}"
    return next((defect.words for defect in DEFECTS if _is(defect, cause, member, results)), "")


def _is(defect: Defect, cause: Cause, member: Member, results: Results) -> bool:
    backends = {one.environment.name: one.environment.backend for one in results.environments}
    environments = [cause.subject] if cause.subject else [run.configuration.environment for run in member.runs]
    details = [f"{what}={name}" for what, name in cause.detail]
    return (
        cause.code == defect.cause
        and all(any(fnmatchcase(one, pattern) for pattern in defect.details) for one in details)
        and fnmatchcase(member.scenario, defect.scenario)
        and any(backends.get(name, name) in defect.backends for name in environments)
        and any(run.configuration.strategy in defect.strategies for run in member.runs)
    )
