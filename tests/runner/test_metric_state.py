"""A metric that holds something else after a reset is told, with its name."""

from __future__ import annotations

from typing import Any

from suite.records import COUNTS_ON
from suite.runner import metric_state, python_state


class Hits:
    def __init__(self, resets: bool) -> None:
        self.hits, self.resets = 0, resets

    def reset_state(self) -> None:
        self.hits = 0 if self.resets else self.hits


class Model:
    def __init__(self, **metrics: Hits) -> None:
        self.metrics = metrics

    def reset_metrics(self) -> None:
        for metric in self.metrics.values():
            metric.reset_state()


def test_only_what_a_reset_leaves_is_kept() -> None:
    model: Any = Model(proper=Hits(True), lifelong=Hits(False), untouched=Hits(False))
    before = {name: list(python_state.of(metric, ())) for name, metric in model.metrics.items()}
    assert metric_state.facts(model, before) == {}
    model.metrics["proper"].hits = model.metrics["lifelong"].hits = 3
    assert metric_state.kept(model, before) == ["lifelong"] and model.metrics["proper"].hits == 0
    assert metric_state.facts(model, before) == {COUNTS_ON: "lifelong"}


def test_what_a_metric_is_built_with_is_nothing_that_it_counts() -> None:
    assert [metric_state._counts(one) for one in (None, True, "micro", 0, 0.5)] == [False, False, False, True, True]
