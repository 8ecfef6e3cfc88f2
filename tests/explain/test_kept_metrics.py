"""A metric that Keras cannot reset is the cause of what `fit` and `evaluate` say of it, and of nothing beside it."""

from __future__ import annotations

import pytest

from suite.compare import EVALUATION, HISTORY, PREDICTIONS
from suite.explain import kept_metrics
from suite.records import COUNTS_ON, At, Cause, Code, Comparison, Distances, Manifest, Status, TensorDistance

KEPT = (Cause(code=Code.METRIC_NOT_RESET, detail=(("metric", "hits"),)),)
RUN = Manifest(run="s", status=Status.COMPLETE, facts={COUNTS_ON: "hits, misses"})


@pytest.mark.parametrize(
    ("numbers", "found"),
    [(["hits"], KEPT), (["val_hits", "out_hits"], KEPT), (["hits", "loss"], ()), (["whits"], ()), ([], ())],
)
def test_every_number_that_is_apart_is_of_a_metric_that_is_not_reset(numbers: list[str], found: tuple[Cause, ...]) -> None:
    assert kept_metrics.causes(RUN, numbers) == found
    assert kept_metrics.causes(Manifest(run="s", status=Status.COMPLETE), numbers) == ()


def said(quantity: str, metric: str, **numbers: float) -> Distances:
    tensors = tuple(
        TensorDistance(name=name, group=None, value=value, ulp=0.0, bits=value == 0.0) for name, value in numbers.items()
    )
    apart = {metric: max(numbers.values())}
    return Distances(quantity=quantity, bits=False, at=(At(step=4, plain=apart, float64=apart),), tensors=tensors)


EVALUATED = said(EVALUATION, "evaluation", hits=0.1, loss=1e-16)


@pytest.mark.parametrize(
    ("beside", "found"),
    [
        ((), KEPT),
        ((said(HISTORY, "history", val_hits=0.2, loss=0.0), said(PREDICTIONS, "values", output=1e-15)), KEPT),
        ((said(HISTORY, "history", val_loss=0.2),), ()),
        ((said(PREDICTIONS, "values", output=0.1),), ()),
    ],
)
def test_a_run_is_explained_where_it_differs_from_its_oracle_in_nothing_else(
    beside: tuple[Distances, ...], found: tuple[Cause, ...]
) -> None:
    assert kept_metrics.of_run(RUN, Comparison(distances=(EVALUATED, *beside))) == found
