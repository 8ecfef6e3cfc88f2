"""What may be wrong with a run that does not compute what its strategy declares: each hypothesis in words, and executable.

A hypothesis is tried on an oracle (`records.Deviation`): one step of it must equal the run's own step within 1e-10, stage by
stage, and then a whole run. Constants that could have any value are measured from the run's step first (`fits`), and the
measured value is what is tried. docs/causes.md lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from suite.explain import estimates
from suite.explain.estimates import Evidence
from suite.records import Deviation, Semantics

Candidates = Iterator[tuple[str, Deviation]]

FORWARD = ("forward", "batch statistics")
BACKWARD = ("loss", "gradient")
UPDATE = ("update", "optimizer state")
STEP = (*FORWARD, *BACKWARD, *UPDATE, "moving statistics")
WHOLE = ("trajectory", "prediction")  # one step does not show it: whole runs are compared


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """`words`: what the report says after "suspected: ". `stages`: where a difference that it explains can begin.
    `candidates`: what to try, each with what tells it from the others ("" for a single one)."""

    name: str
    words: str
    advice: str
    stages: tuple[str, ...]
    candidates: Callable[[Evidence], Candidates]
    link: str = ""


def single(**fields: object) -> Callable[[Evidence], Candidates]:
    """The one deviation with these fields."""

    def candidates(evidence: Evidence) -> Candidates:
        yield "", Deviation(**fields)  # type: ignore[arg-type]

    return candidates


def replicated(**fields: object) -> Callable[[Evidence], Candidates]:
    """The same, where there is more than one replica."""

    def candidates(evidence: Evidence) -> Candidates:
        if evidence.replicas > 1:
            yield "", Deviation(**fields)  # type: ignore[arg-type]

    return candidates


def several(field: str, *values: object) -> Callable[[Evidence], Candidates]:
    """One field with each of some values."""

    def candidates(evidence: Evidence) -> Candidates:
        for value in values:
            yield f"{value}", Deviation(**{field: value})  # type: ignore[arg-type]

    return candidates


def measured(field: str, fit: Callable[[Evidence], float | None]) -> Callable[[Evidence], Candidates]:
    """One field with the value that the run's own step shows."""

    def candidates(evidence: Evidence) -> Candidates:
        value = fit(evidence)
        if value is not None:
            yield f"{value:.6g}", Deviation(**{field: value})  # type: ignore[arg-type]

    return candidates


def _adam_epsilon(evidence: Evidence) -> Candidates:
    value = estimates.adam_epsilon(evidence)
    if value is not None:
        yield f"{value:.6g}", Deviation(optimizer=(("epsilon", value),))


def _other_semantics(evidence: Evidence) -> Candidates:
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


def _scaled(evidence: Evidence) -> Candidates:
    gradient, loss = estimates.gradient_scale(evidence), estimates.loss_scale(evidence)
    if loss is not None:
        yield f"the loss, {loss:.6g}", Deviation(loss_scale=loss)
    elif gradient is not None:
        yield f"the gradient, {gradient:.6g}", Deviation(gradient_scale=gradient)


def _clipped(evidence: Evidence) -> Candidates:
    if evidence.replicas > 1:
        yield "and averaged", Deviation(clipping="per replica")
        yield "divided first, and summed", Deviation(clipping="per replica, divided")
        yield "outside of the optimizer", Deviation(clipping="per replica, received")


def _unreduced(evidence: Evidence) -> Candidates:
    if evidence.replicas > 1:
        yield "the first one's are used", Deviation(reduction="first")
        yield "each trains alone", Deviation(reduction="none")


def _untrained(evidence: Evidence) -> Candidates:
    names = estimates.untrained(evidence)
    if names:
        yield ", ".join(names[:3]), Deviation(untrained=names)


def _initial(evidence: Evidence) -> Candidates:
    if evidence.other_start:
        yield ", ".join(evidence.other_start[:3]), Deviation(initial=evidence.run)


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(
        name="bn-epsilon",
        words="batch normalization adds another epsilon to the variance",
        advice="pass epsilon to BatchNormalization explicitly, and check that this version of the layer uses it",
        stages=FORWARD,
        candidates=measured("epsilon", estimates.epsilon),
    ),
    Hypothesis(
        name="bn-momentum",
        words="moving statistics move with another momentum",
        advice="pass momentum to BatchNormalization explicitly; torch's convention is 1 - momentum",
        stages=("moving statistics",),
        candidates=measured("momentum", estimates.momentum),
    ),
    Hypothesis(
        name="bn-bessel-moving",
        words="the moving variance is unbiased (divided by n - 1), the normalizing one is not",
        advice="expected of torch.nn.BatchNorm and of fused TensorFlow kernels, not of a Keras layer: check which one computes",
        stages=("moving statistics", "batch statistics"),
        candidates=single(bessel="moving"),
    ),
    Hypothesis(
        name="bn-bessel",
        words="batch variances are unbiased (divided by n - 1)",
        advice="batch normalization is defined with the biased variance: check the kernel",
        stages=FORWARD,
        candidates=single(bessel="both"),
    ),
    Hypothesis(
        name="bn-moving-skipped",
        words="moving statistics are not updated",
        advice="check that the layer is called with training=True and that its state is carried over",
        stages=("moving statistics", "batch statistics"),
        candidates=single(moves=0),
    ),
    Hypothesis(
        name="bn-moving-twice",
        words="moving statistics are updated twice in a step",
        advice="check that the forward pass runs once per step (recomputation runs it again)",
        stages=("moving statistics", "batch statistics"),
        candidates=single(moves=2),
    ),
    Hypothesis(
        name="bn-inference-in-training",
        words="training normalizes with the moving statistics (inference mode)",
        advice="check that the layer is called with training=True and is not frozen",
        stages=FORWARD,
        candidates=single(statistics="moving"),
    ),
    Hypothesis(
        name="bn-frozen-moves",
        words="frozen batch normalization normalizes with batch statistics and moves",
        advice="set trainable=False before compile, and check that this version honours it",
        stages=(*FORWARD, "moving statistics"),
        candidates=single(frozen_moves=True),
    ),
    Hypothesis(
        name="bn-no-statistics-gradient",
        words="no gradient flows through the batch statistics",
        advice="check for a stop_gradient, or for statistics that are computed outside the tape",
        stages=("gradient",),
        candidates=single(constant_statistics=True),
    ),
    Hypothesis(
        name="bn-mask-ignored",
        words="padding counts in the batch statistics: the mask is ignored",
        advice="pass the mask to the layer, or check that the layer before it propagates one",
        stages=FORWARD,
        candidates=single(mask_ignored=True),
    ),
    Hypothesis(
        name="semantics",
        words="it computes what another declaration says",
        advice="check which statistics and gradients the strategy really exchanges (synchronized=True, aggregation, buffers)",
        stages=(*STEP, *WHOLE),
        candidates=_other_semantics,
        link="https://github.com/tensorflow/tensorflow/issues/46488",
    ),
    Hypothesis(
        name="shards-strided",
        words="replicas take every N-th row instead of contiguous shards",
        advice="shard batches contiguously, as TensorFlow and JAX do",
        stages=FORWARD,
        candidates=replicated(shards="strided"),
    ),
    Hypothesis(
        name="shard-repeated",
        words="every replica trains on the first replica's rows",
        advice="give each rank its own shard: check the sampler and the rank it is told",
        stages=FORWARD,
        candidates=replicated(shards="first repeated"),
    ),
    Hypothesis(
        name="gradients-summed",
        words="gradients are summed over replicas, not averaged",
        advice="divide the loss or the reduced gradient by the number of replicas",
        stages=BACKWARD,
        candidates=replicated(reduction="sum"),
    ),
    Hypothesis(
        name="gradients-unreduced",
        words="replicas do not exchange gradients",
        advice="call the distributed module forward, so that its reduction runs (plain Keras fit in a torch process group does not)",
        stages=BACKWARD,
        candidates=_unreduced,
    ),
    Hypothesis(
        name="gradient-scale",
        words="the loss, or every gradient, is multiplied by a constant",
        advice="check the loss reduction, loss scaling and the division by the number of replicas",
        stages=("loss", "gradient"),
        candidates=_scaled,
    ),
    Hypothesis(
        name="loss-from-logits",
        words="the loss is computed from the logits: probabilities near 0 and 1 are not clipped",
        advice="Keras clips probabilities to 1e-7 from 0 and 1, and on TensorFlow takes the logits before a softmax or a sigmoid "
        "instead: let the model return logits, with from_logits=True, which is one formula everywhere",
        stages=("loss", "gradient"),
        candidates=single(unclipped=True),
    ),
    Hypothesis(
        name="learning-rate",
        words="the learning rate is multiplied by a constant",
        advice="keep the learning rate independent of the number of devices; check schedules and scaling rules",
        stages=UPDATE,
        candidates=measured("learning_rate", estimates.learning_rate),
    ),
    Hypothesis(
        name="regularization-scale",
        words="penalties of weights count another number of times",
        advice="check that model.losses is added once, whatever the number of replicas",
        stages=("loss", "gradient"),
        candidates=several("regularization", 0.0, 2.0),
    ),
    Hypothesis(
        name="schedule-offset",
        words="the optimizer's step counter is off by one",
        advice="check when iterations is incremented, and that it is saved and loaded",
        stages=UPDATE,
        candidates=several("iteration", 1, -1),
    ),
    Hypothesis(
        name="adam-bias-correction",
        words="the optimizer does not correct the bias of its moments",
        advice="check the optimizer's formula: Kingma and Ba 2015, algorithm 1",
        stages=UPDATE,
        candidates=single(iteration=1_000_000),
    ),
    Hypothesis(
        name="adam-epsilon",
        words="the optimizer adds another epsilon",
        advice="pass epsilon to the optimizer explicitly: Keras's default is 1e-7, torch's is 1e-8 and is placed elsewhere",
        stages=UPDATE,
        candidates=_adam_epsilon,
    ),
    Hypothesis(
        name="weight-decay-scale",
        words="weight decay is applied another number of times",
        advice="check that decay is in the optimizer or in the loss, not in both",
        stages=UPDATE,
        candidates=several("weight_decay", 0.0, 2.0),
    ),
    Hypothesis(
        name="clipping-missing",
        words="gradients are not clipped",
        advice="check that the optimizer's clipnorm, clipvalue or global_clipnorm reaches the update",
        stages=UPDATE,
        candidates=single(clipping="none"),
    ),
    Hypothesis(
        name="clipping-per-replica",
        words="gradients are clipped on each replica before they are reduced",
        advice="clip after the reduction; Keras (3.15) clips before it under MirroredStrategy: do not rely on clipnorm there",
        stages=(*BACKWARD, *UPDATE),
        candidates=_clipped,
    ),
    Hypothesis(
        name="slots-forgotten",
        words="the optimizer forgets its slots between steps",
        advice="check that optimizer variables are carried over from step to step",
        stages=UPDATE,
        candidates=single(slots="forgotten"),
    ),
    Hypothesis(
        name="tensor-untrained",
        words="some tensors are never updated",
        advice="check which variables the optimizer was built with",
        stages=UPDATE,
        candidates=_untrained,
    ),
    Hypothesis(
        name="initial-state",
        words="a tensor starts at another value than the stored one",
        advice="load the initial weights after the model is built, by name",
        stages=("initial state",),
        candidates=_initial,
    ),
    Hypothesis(
        name="batch-order",
        words="the first two batches are swapped",
        advice="fix the order of batches: shuffle=False, one worker, and no interleaving",
        stages=WHOLE,
        candidates=single(order="first two swapped"),
    ),
    Hypothesis(
        name="rows-reversed",
        words="rows come in reversed order in each batch",
        advice="fix the order of rows: with per-replica statistics it decides which rows share a replica",
        stages=(*FORWARD, *WHOLE),
        candidates=single(order="reversed rows"),
    ),
    Hypothesis(
        name="batch-repeated",
        words="the first batch is trained on twice",
        advice="check the iterator: a peeked batch may be put back",
        stages=WHOLE,
        candidates=single(order="first repeated"),
    ),
    Hypothesis(
        name="batch-dropped",
        words="the last batch is dropped",
        advice="check drop_remainder and the number of steps",
        stages=WHOLE,
        candidates=single(order="last dropped"),
    ),
    Hypothesis(
        name="predict-training-mode",
        words="predictions are made in training mode, with the statistics of each batch",
        advice="call the model with training=False",
        stages=WHOLE,
        candidates=single(predicts="training"),
    ),
    Hypothesis(
        name="predict-wrong-replica",
        words="predictions use other replicas' moving statistics than declared",
        advice="check which replica's variables the prediction reads",
        stages=WHOLE,
        candidates=several("predicts", "first replica", "averaged statistics"),
    ),
)

BY_NAME = {one.name: one for one in HYPOTHESES}
