"""What may be wrong with a run that does not compute what its strategy declares: hypotheses that are executable.

A hypothesis is tried on an oracle (`records.Deviation`): one step of it must equal the run's own step within 1e-10, stage by
stage, and then a whole run. Constants that could have any value are measured from the run's step first (`fits`), and the
measured value is what is tried. docs/causes.md lists them all; `suite.report.causes` has their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from suite.explain import estimates
from suite.explain.estimates import StepEvidence
from suite.records import Deviation, Semantics

Candidates = Iterator[tuple[str, Deviation]]

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


def single(**fields: object) -> Callable[[StepEvidence], Candidates]:
    """The one deviation with these fields."""

    def candidates(evidence: StepEvidence) -> Candidates:
        yield "", Deviation(**fields)  # type: ignore[arg-type]

    return candidates


def replicated(**fields: object) -> Callable[[StepEvidence], Candidates]:
    """The same, where there is more than one replica."""

    def candidates(evidence: StepEvidence) -> Candidates:
        if evidence.replicas > 1:
            yield "", Deviation(**fields)  # type: ignore[arg-type]

    return candidates


def several(field: str, *values: object) -> Callable[[StepEvidence], Candidates]:
    """One field with each of some values."""

    def candidates(evidence: StepEvidence) -> Candidates:
        for value in values:
            yield f"{value}", Deviation(**{field: value})  # type: ignore[arg-type]

    return candidates


def _predicting(*values: str) -> Callable[[StepEvidence], Candidates]:
    """Predictions that come about otherwise; what `evaluate` gives, too, where that differs as well."""

    def candidates(evidence: StepEvidence) -> Candidates:
        evaluates = "as declared" if evidence.only_predictions else "as it predicts"
        for value in values:
            yield value if len(values) > 1 else "", Deviation(predicts=value, evaluates=evaluates)

    return candidates


def measured(field: str, estimate: Callable[[StepEvidence], float | None]) -> Callable[[StepEvidence], Candidates]:
    """One field with the value that the run's own step shows."""

    def candidates(evidence: StepEvidence) -> Candidates:
        value = estimate(evidence)
        if value is not None:
            yield f"{value:.6g}", Deviation(**{field: value})  # type: ignore[arg-type]

    return candidates


def _adam_epsilon(evidence: StepEvidence) -> Candidates:
    value = estimates.adam_epsilon(evidence)
    if value is not None:
        yield f"{value:.6g}", Deviation(optimizer=(("epsilon", value),))


def _other_semantics(evidence: StepEvidence) -> Candidates:
    """Every other declaration about statistics that makes sense for so many replicas."""
    if evidence.replicas == 1:
        return
    declared = evidence.semantics
    shared = {"live_predictions": "shared statistics", "saved": "the model"}
    each = {"live_predictions": "own statistics of each replica", "saved": "first replica"}
    choices = {
        "global statistics": replace(
            Semantics(), batch_statistics="global", moving_statistics="global", gradients=declared.gradients
        ),
        "statistics of each replica": replace(
            declared, batch_statistics="per replica", moving_statistics="per replica", **each
        ),
        "averaged moving statistics": replace(
            declared, batch_statistics="per replica", moving_statistics="averaged", **shared
        ),
        "moving statistics of the first replica": replace(
            declared, batch_statistics="per replica", moving_statistics="first replica", **shared
        ),
        "mean of replica means": replace(declared, gradients="mean of replica means"),
        "mean over the global batch": replace(declared, gradients="global batch"),
    }
    for words, semantics in choices.items():
        if semantics != declared:
            yield words, Deviation(semantics=semantics)


def _scaled(evidence: StepEvidence) -> Candidates:
    gradient, loss = estimates.gradient_scale(evidence), estimates.loss_scale(evidence)
    if loss is not None:
        yield f"the loss, {loss:.6g}", Deviation(loss_scale=loss)
    elif gradient is not None:
        yield f"the gradient, {gradient:.6g}", Deviation(gradient_scale=gradient)


IN_TRAINING = ", in training alone"


def _local(evidence: StepEvidence) -> Candidates:
    names = estimates.unexchanged(evidence) if evidence.replicas > 1 else ()
    if names:
        yield enumerated(names), Deviation(reduction="none", local=names)


def enumerated(names: Sequence[str]) -> str:
    return ", ".join(names[:3])


def _penalized(evidence: StepEvidence) -> Candidates:
    """Penalties forgotten or counted twice, and divided or multiplied by the number of replicas once too often; in
    `evaluate`, too, or in training alone."""
    of_replicas = (1.0 / evidence.replicas, float(evidence.replicas)) if evidence.replicas > 1 else ()
    for factor in dict.fromkeys((0.0, 2.0, *of_replicas)):
        yield f"{factor}", Deviation(regularization=factor)
        yield f"{factor}{IN_TRAINING}", Deviation(regularization=factor, evaluates="as declared")


def _undivided(evidence: StepEvidence) -> Candidates:
    if evidence.replicas > 1:
        added = replace(evidence.semantics, gradients="sum of replica shares")
        yield "", Deviation(undivided=True, semantics=added)


def _reported(evidence: StepEvidence) -> Candidates:
    """The loss is scaled, and no gradient is."""
    loss = estimates.loss_scale(evidence)
    if loss is not None and estimates.gradient_scale(evidence) is None:
        yield f"{loss:.6g}", Deviation(reported_loss=loss)


def _clipped(evidence: StepEvidence) -> Candidates:
    if evidence.replicas > 1:
        yield "and averaged", Deviation(clipping="per replica")
        yield "divided first, and summed", Deviation(clipping="per replica, divided")
        yield "outside of the optimizer", Deviation(clipping="per replica, received")


def _unreduced(evidence: StepEvidence) -> Candidates:
    if evidence.replicas > 1:
        yield "the first one's are used", Deviation(reduction="first")
        if evidence.semantics.gradients == "sum of replica shares":
            scale = float(evidence.replicas)
            yield "the first one's are used, as the whole", Deviation(reduction="first", gradient_scale=scale)
        yield "each trains alone", Deviation(reduction="none")


def _untrained(evidence: StepEvidence) -> Candidates:
    names = estimates.untrained(evidence)
    if names:
        yield enumerated(names), Deviation(untrained=names)


def _initial(evidence: StepEvidence) -> Candidates:
    if evidence.other_start:
        yield enumerated(evidence.other_start), Deviation(initial=evidence.run)


def _phased(evidence: StepEvidence) -> Candidates:
    if evidence.phases > 1:
        yield "", Deviation(trained="at once")


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(
        name="bn-epsilon",
        stages=FORWARD,
        candidates=measured("epsilon", estimates.epsilon),
        measured=True,
    ),
    Hypothesis(
        name="bn-momentum",
        stages=("moving statistics",),
        candidates=measured("momentum", estimates.momentum),
        measured=True,
    ),
    Hypothesis(
        name="bn-bessel-moving",
        stages=("moving statistics", "batch statistics"),
        candidates=single(bessel="moving"),
    ),
    Hypothesis(
        name="bn-bessel",
        stages=FORWARD,
        candidates=single(bessel="both"),
    ),
    Hypothesis(
        name="bn-moving-skipped",
        stages=("moving statistics", "batch statistics"),
        candidates=single(moves=0),
    ),
    Hypothesis(
        name="bn-moving-twice",
        stages=("moving statistics", "batch statistics"),
        candidates=single(moves=2),
    ),
    Hypothesis(
        name="bn-inference-in-training",
        stages=FORWARD,
        candidates=single(statistics="moving"),
    ),
    Hypothesis(
        name="bn-frozen-moves",
        stages=(*FORWARD, "moving statistics"),
        candidates=single(frozen_moves=True),
    ),
    Hypothesis(
        name="bn-no-statistics-gradient",
        stages=("gradient",),
        candidates=single(constant_statistics=True),
    ),
    Hypothesis(
        name="bn-mask-ignored",
        stages=FORWARD,
        candidates=single(mask_ignored=True),
    ),
    Hypothesis(
        name="semantics",
        stages=(*STEP, *WHOLE),
        candidates=_other_semantics,
    ),
    Hypothesis(
        name="shards-strided",
        stages=FORWARD,
        candidates=replicated(shards="strided"),
    ),
    Hypothesis(
        name="shard-repeated",
        stages=FORWARD,
        candidates=replicated(shards="first repeated"),
    ),
    Hypothesis(
        name="gradients-summed",
        stages=BACKWARD,
        candidates=replicated(reduction="sum"),
    ),
    Hypothesis(
        name="gradients-unreduced",
        stages=BACKWARD,
        candidates=_unreduced,
    ),
    Hypothesis(
        name="gradients-local",
        stages=BACKWARD,
        candidates=_local,
    ),
    Hypothesis(
        name="gradient-scale",
        stages=("loss", "gradient"),
        candidates=_scaled,
        measured=True,
    ),
    Hypothesis(
        name="loss-undivided",
        stages=("loss", "gradient"),
        candidates=_undivided,
        includes=("gradients-summed", "gradient-scale"),
    ),
    Hypothesis(
        name="loss-reported",
        stages=("loss",),
        candidates=_reported,
        measured=True,
    ),
    Hypothesis(
        name="loss-from-logits",
        stages=("loss", "gradient"),
        candidates=single(unclipped=True),
    ),
    Hypothesis(
        name="learning-rate",
        stages=UPDATE,
        candidates=measured("learning_rate", estimates.learning_rate),
        measured=True,
    ),
    Hypothesis(
        name="regularization-scale",
        stages=("loss", "gradient"),
        candidates=_penalized,
    ),
    Hypothesis(
        name="schedule-offset",
        stages=UPDATE,
        candidates=several("iteration", 1, -1),
    ),
    Hypothesis(
        name="adam-bias-correction",
        stages=UPDATE,
        candidates=single(iteration=1_000_000),
    ),
    Hypothesis(
        name="adam-epsilon",
        stages=UPDATE,
        candidates=_adam_epsilon,
        measured=True,
    ),
    Hypothesis(
        name="weight-decay-scale",
        stages=UPDATE,
        candidates=several("weight_decay", 0.0, 2.0),
    ),
    Hypothesis(
        name="clipping-missing",
        stages=(*UPDATE, "trajectory"),  # gradients may be large in some steps only, and none of them looked at alone
        candidates=single(clipping="none"),
    ),
    Hypothesis(
        name="clipping-per-replica",
        stages=(*BACKWARD, *UPDATE, "trajectory"),
        candidates=_clipped,
    ),
    Hypothesis(
        name="slots-forgotten",
        stages=UPDATE,
        candidates=single(slots="forgotten"),
    ),
    Hypothesis(
        name="tensor-untrained",
        stages=UPDATE,
        candidates=_untrained,
    ),
    Hypothesis(
        name="gradients-accumulated",
        stages=WHOLE,  # the first step is right
        candidates=single(accumulated=True),
    ),
    Hypothesis(
        name="initial-state",
        stages=(START,),
        candidates=_initial,
    ),
    Hypothesis(
        name="batch-order",
        stages=WHOLE,
        candidates=single(order="first two swapped"),
    ),
    Hypothesis(
        name="rows-reversed",
        stages=(*FORWARD, *WHOLE),
        candidates=single(order="reversed rows"),
    ),
    Hypothesis(
        name="batch-repeated",
        stages=WHOLE,
        candidates=single(order="first repeated"),
    ),
    Hypothesis(
        name="batch-dropped",
        stages=WHOLE,
        candidates=single(order="last dropped"),
    ),
    Hypothesis(
        name="trainable-at-once",
        stages=WHOLE,  # single steps start in phases that were compiled
        candidates=_phased,
    ),
    Hypothesis(
        name="predict-training-mode",
        stages=WHOLE,
        candidates=_predicting("training"),
    ),
    Hypothesis(
        name="predict-wrong-replica",
        stages=WHOLE,
        candidates=_predicting("first replica", "averaged statistics"),
    ),
)

BY_NAME = {one.name: one for one in HYPOTHESES}
