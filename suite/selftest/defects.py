"""Real defects of Keras and its backends that show without any injected fault: naming one there is no false alarm."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from suite.records import Cause, Code, Member, Results
from suite.selftest.catalogue import CONFIDENT


@dataclass(frozen=True, kw_only=True)
class Defect:
    """`cause`: the name of a hypothesis, or a `Code`. `backends`: of the side that is off. `of`: the class that departs from
    its definition. `scenario`, `of`: patterns. `strategies`: those of a run that takes part."""

    cause: str
    words: str
    backends: tuple[str, ...]
    scenario: str = "*"
    of: str = "*"
    strategies: tuple[str, ...] = ("single", "tf_mirrored", "jax_data_parallel", "torch_ddp")


EVERY_BACKEND = ("tensorflow", "jax", "torch")

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
)


def known_defect(cause: Cause, member: Member, results: Results) -> Defect | None:
    """The known defect that a cause of a pair or check is; None if it is none."""
    return next((defect for defect in DEFECTS if _is(defect, cause, member, results)), None)


def _is(defect: Defect, cause: Cause, member: Member, results: Results) -> bool:
    backends = {one.environment.name: one.environment.backend for one in results.environments}
    environments = [cause.subject] if cause.subject else [run.configuration.environment for run in member.runs]
    return (
        cause.code == defect.cause
        and fnmatchcase(member.scenario, defect.scenario)
        and fnmatchcase(dict(cause.detail).get("class", ""), defect.of)
        and any(backends.get(name, name) in defect.backends for name in environments)
        and any(run.configuration.strategy in defect.strategies for run in member.runs)
    )
