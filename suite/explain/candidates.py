"""What a hypothesis tries: the deviations that it makes definite by what a run's own step shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from suite.explain import estimates
from suite.explain.estimates import StepEvidence
from suite.records import Deviation, Semantics

IN_TRAINING = ", in training alone"  # a part of what tells a candidate from others

Candidates = Iterator[tuple[str, Deviation]]  # what tells it from others of the same hypothesis, and the deviation


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


def predicting(*values: str) -> Callable[[StepEvidence], Candidates]:
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


def adam_epsilon(evidence: StepEvidence) -> Candidates:
    value = estimates.adam_epsilon(evidence)
    if value is not None:
        yield f"{value:.6g}", Deviation(optimizer=(("epsilon", value),))


def other_semantics(evidence: StepEvidence) -> Candidates:
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


def scaled(evidence: StepEvidence) -> Candidates:
    gradient, loss = estimates.gradient_scale(evidence), estimates.loss_scale(evidence)
    if loss is not None:
        yield f"the loss, {loss:.6g}", Deviation(loss_scale=loss)
    elif gradient is not None:
        yield f"the gradient, {gradient:.6g}", Deviation(gradient_scale=gradient)


def local(evidence: StepEvidence) -> Candidates:
    names = estimates.unexchanged(evidence) if evidence.replicas > 1 else ()
    if names:
        yield enumerated(names), Deviation(reduction="none", local=names)


def enumerated(names: Sequence[str]) -> str:
    return ", ".join(names[:3])


def penalized(evidence: StepEvidence) -> Candidates:
    """Penalties forgotten or counted twice, and divided or multiplied by the number of replicas once too often; in
    `evaluate`, too, or in training alone."""
    of_replicas = (1.0 / evidence.replicas, float(evidence.replicas)) if evidence.replicas > 1 else ()
    for factor in dict.fromkeys((0.0, 2.0, *of_replicas)):
        yield f"{factor}", Deviation(regularization=factor)
        yield f"{factor}{IN_TRAINING}", Deviation(regularization=factor, evaluates="as declared")


def undivided(evidence: StepEvidence) -> Candidates:
    if evidence.replicas > 1:
        added = replace(evidence.semantics, gradients="sum of replica shares")
        yield "", Deviation(undivided=True, semantics=added)


def reported(evidence: StepEvidence) -> Candidates:
    """The loss is scaled, and no gradient is."""
    loss = estimates.loss_scale(evidence)
    if loss is not None and estimates.gradient_scale(evidence) is None:
        yield f"{loss:.6g}", Deviation(reported_loss=loss)


def clipped(evidence: StepEvidence) -> Candidates:
    if evidence.replicas > 1:
        yield "and averaged", Deviation(clipping="per replica")
        yield "divided first, and summed", Deviation(clipping="per replica, divided")
        yield "outside of the optimizer", Deviation(clipping="per replica, received")


def unreduced(evidence: StepEvidence) -> Candidates:
    if evidence.replicas > 1:
        yield "the first one's are used", Deviation(reduction="first")
        if evidence.semantics.gradients == "sum of replica shares":
            scale = float(evidence.replicas)
            yield "the first one's are used, as the whole", Deviation(reduction="first", gradient_scale=scale)
        yield "each trains alone", Deviation(reduction="none")


def untrained(evidence: StepEvidence) -> Candidates:
    names = estimates.untrained(evidence)
    if names:
        yield enumerated(names), Deviation(untrained=names)


def initial(evidence: StepEvidence) -> Candidates:
    if evidence.other_start:
        yield enumerated(evidence.other_start), Deviation(initial=evidence.run)


def phased(evidence: StepEvidence) -> Candidates:
    if evidence.phases > 1:
        yield "", Deviation(trained="at once")
