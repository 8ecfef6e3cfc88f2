"""What may be wrong with a run that does not compute what its strategy declares: hypotheses that are executable.

A hypothesis is tried on an oracle (`records.Deviation`): one step of it must equal the run's own step within 1e-10, stage by
stage, and then a whole run. Constants that could have any value are measured from the run's step first (`fits`), and the
measured value is what is tried. docs/causes.md lists them all; `suite.report.causes` has their words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suite.explain import candidates, estimates
from suite.explain.candidates import Candidates
from suite.explain.estimates import StepEvidence

FORWARD = ("forward", "batch statistics")
BACKWARD = ("loss", "gradient")
UPDATE = ("update", "optimizer state")
STEP = (*FORWARD, *BACKWARD, *UPDATE, "moving statistics")
START = "initial state"  # stage: single steps start from common states
WHOLE = ("trajectory", "prediction")  # one step does not show it: whole runs are compared


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """`stages`: where a difference that it explains can begin. `candidates`: what to try, each with what tells it from
    the others ("" for a single one). `measured`: whether that is a number that the run's own step shows. `includes`:
    hypotheses that are not named beside this one, because they say less."""

    name: str
    stages: tuple[str, ...]
    candidates: Callable[[StepEvidence], Candidates]
    measured: bool = False
    includes: tuple[str, ...] = ()

    @property
    def of_batch_norm(self) -> bool:
        """Whether it says nothing of a model without any batch normalization."""
        return self.name.startswith("bn-")


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(
        name="bn-epsilon",
        stages=FORWARD,
        candidates=candidates.measured("epsilon", estimates.epsilon),
        measured=True,
    ),
    Hypothesis(
        name="bn-momentum",
        stages=("moving statistics",),
        candidates=candidates.measured("momentum", estimates.momentum),
        measured=True,
    ),
    Hypothesis(
        name="bn-bessel-moving",
        stages=("moving statistics", "batch statistics"),
        candidates=candidates.single(bessel="moving"),
    ),
    Hypothesis(
        name="bn-bessel",
        stages=FORWARD,
        candidates=candidates.single(bessel="both"),
    ),
    Hypothesis(
        name="bn-moving-skipped",
        stages=("moving statistics", "batch statistics"),
        candidates=candidates.single(moves=0),
    ),
    Hypothesis(
        name="bn-moving-twice",
        stages=("moving statistics", "batch statistics"),
        candidates=candidates.single(moves=2),
    ),
    Hypothesis(
        name="bn-inference-in-training",
        stages=FORWARD,
        candidates=candidates.single(statistics="moving"),
    ),
    Hypothesis(
        name="bn-frozen-moves",
        stages=(*FORWARD, "moving statistics"),
        candidates=candidates.single(frozen_moves=True),
    ),
    Hypothesis(
        name="bn-no-statistics-gradient",
        stages=("gradient",),
        candidates=candidates.single(constant_statistics=True),
    ),
    Hypothesis(
        name="bn-mask-ignored",
        stages=FORWARD,
        candidates=candidates.single(mask_ignored=True),
    ),
    Hypothesis(
        name="semantics",
        stages=(*STEP, *WHOLE),
        candidates=candidates.other_semantics,
    ),
    Hypothesis(
        name="shards-strided",
        stages=FORWARD,
        candidates=candidates.replicated(shards="strided"),
    ),
    Hypothesis(
        name="shard-repeated",
        stages=FORWARD,
        candidates=candidates.replicated(shards="first repeated"),
    ),
    Hypothesis(
        name="gradients-summed",
        stages=BACKWARD,
        candidates=candidates.replicated(reduction="sum"),
    ),
    Hypothesis(
        name="gradients-unreduced",
        stages=BACKWARD,
        candidates=candidates.unreduced,
    ),
    Hypothesis(
        name="gradients-local",
        stages=BACKWARD,
        candidates=candidates.local,
    ),
    Hypothesis(
        name="gradient-scale",
        stages=("loss", "gradient"),
        candidates=candidates.scaled,
        measured=True,
    ),
    Hypothesis(
        name="loss-undivided",
        stages=("loss", "gradient"),
        candidates=candidates.undivided,
        includes=("gradients-summed", "gradient-scale"),
    ),
    Hypothesis(
        name="loss-reported",
        stages=("loss",),
        candidates=candidates.reported,
        measured=True,
    ),
    Hypothesis(
        name="loss-from-logits",
        stages=("loss", "gradient"),
        candidates=candidates.single(unclipped=True),
    ),
    Hypothesis(
        name="learning-rate",
        stages=UPDATE,
        candidates=candidates.measured("learning_rate", estimates.learning_rate),
        measured=True,
    ),
    Hypothesis(
        name="regularization-scale",
        stages=("loss", "gradient"),
        candidates=candidates.penalized,
    ),
    Hypothesis(
        name="schedule-offset",
        stages=UPDATE,
        candidates=candidates.several("iteration", 1, -1),
    ),
    Hypothesis(
        name="adam-bias-correction",
        stages=UPDATE,
        candidates=candidates.single(iteration=1_000_000),
    ),
    Hypothesis(
        name="adam-epsilon",
        stages=UPDATE,
        candidates=candidates.adam_epsilon,
        measured=True,
    ),
    Hypothesis(
        name="weight-decay-scale",
        stages=UPDATE,
        candidates=candidates.several("weight_decay", 0.0, 2.0),
    ),
    Hypothesis(
        name="clipping-missing",
        stages=(*UPDATE, "trajectory"),  # gradients may be large in some steps only, and none of them looked at alone
        candidates=candidates.single(clipping="none"),
    ),
    Hypothesis(
        name="clipping-per-replica",
        stages=(*BACKWARD, *UPDATE, "trajectory"),
        candidates=candidates.clipped,
    ),
    Hypothesis(
        name="slots-forgotten",
        stages=UPDATE,
        candidates=candidates.single(slots="forgotten"),
    ),
    Hypothesis(
        name="tensor-untrained",
        stages=UPDATE,
        candidates=candidates.untrained,
    ),
    Hypothesis(
        name="gradients-accumulated",
        stages=WHOLE,  # the first step is right
        candidates=candidates.single(accumulated=True),
    ),
    Hypothesis(
        name="initial-state",
        stages=(START,),
        candidates=candidates.initial,
    ),
    Hypothesis(
        name="batch-order",
        stages=WHOLE,
        candidates=candidates.single(order="first two swapped"),
    ),
    Hypothesis(
        name="rows-reversed",
        stages=(*FORWARD, *WHOLE),
        candidates=candidates.single(order="reversed rows"),
    ),
    Hypothesis(
        name="batch-repeated",
        stages=WHOLE,
        candidates=candidates.single(order="first repeated"),
    ),
    Hypothesis(
        name="batch-dropped",
        stages=WHOLE,
        candidates=candidates.single(order="last dropped"),
    ),
    Hypothesis(
        name="trainable-at-once",
        stages=WHOLE,  # single steps start in phases that were compiled
        candidates=candidates.phased,
    ),
    Hypothesis(
        name="predict-training-mode",
        stages=WHOLE,
        candidates=candidates.predicting("training"),
    ),
    Hypothesis(
        name="predict-wrong-replica",
        stages=WHOLE,
        candidates=candidates.predicting("first replica", "averaged statistics"),
    ),
)

BY_NAME = {one.name: one for one in HYPOTHESES}
