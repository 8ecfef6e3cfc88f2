"""What of an epoch is kept, what devices cannot share, and what an oracle says that it does not emulate."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.plan.batches import Schedule
from suite.runner import epochs, models
from suite.runner.oracle import epochs as emulated
from suite.runner.outcome import Unsupported


def test_a_history_holds_what_every_epoch_has_and_where_it_ended() -> None:
    found = epochs.history([{"loss": 2.0, "rate": 0.1}, {"loss": 1.0}], (5, 10, 15))
    assert {name: values.tolist() for name, values in found.items()} == {"loss": [2.0, 1.0], "step": [5, 10]}
    assert epochs.history([], (5,)) == {}


def schedule(*ends: int, whole: int) -> Schedule:
    batches = tuple(np.arange(2) for _ in range(ends[-1]))
    return Schedule(batches=batches, batch=2, rows=4, epochs=ends, whole=whole)


def test_numbers_of_an_epoch_that_is_cut_are_not_kept() -> None:
    told = epochs.Numbers(schedule(2, 3, whole=1), lambda: {"loss": np.array([7.0])})
    losses: list[float] = []
    for step, loss in enumerate((1.0, 3.0, 5.0), start=1):
        losses.append(loss)
        told.before(step)
        assert not told.after(step, losses)
    told.end()
    assert told.history == [{"loss": 2.0, "val_loss": 7.0}]


def test_an_uneven_batch_is_refused_where_arrays_are_global_or_a_device_would_get_none() -> None:
    epochs.refuse(5, 3, 2, whole=False)
    epochs.refuse(0, 0, 4, whole=True)
    with pytest.raises(Unsupported, match="a last batch of an epoch of 5 rows does not divide by 2 devices"):
        epochs.refuse(5, 0, 2, whole=True)
    with pytest.raises(Unsupported, match="a last batch to validate on of 5 rows leaves one of 4 devices without any"):
        epochs.refuse(0, 5, 4, whole=False)


def oracle_epochs(*watched: str) -> Any:
    """The epochs of an oracle whose callbacks watch these."""
    made = object.__new__(emulated.Epochs)
    made.callbacks = [SimpleNamespace(monitor=name) for name in watched]  # type: ignore[assignment]
    return made


def test_an_oracle_refuses_a_callback_that_watches_what_is_not_emulated() -> None:
    oracle_epochs("loss", "val_auc")._watched({"loss": 1.0, "val_auc": 0.5})
    with pytest.raises(Unsupported, match="no oracle: SimpleNamespace watches accuracy, which is not emulated"):
        oracle_epochs("val_auc", "accuracy")._watched({"loss": 1.0, "val_auc": 0.5})


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One of two replicas with statistics of their own, whose model is a dict."""
    monkeypatch.setattr(models, "write", lambda state, values: state.update(values))
    monkeypatch.setattr(models, "read", dict)
    states = [{"mean": np.zeros(2)}, {"mean": np.ones(2)}]
    return SimpleNamespace(untrained={}, states=states, groups=2, replicas=2)


def test_what_a_callback_leaves_alone_each_replica_keeps(oracle: Any) -> None:
    with emulated._Own(oracle):
        assert oracle.untrained["mean"].tolist() == [0.0, 0.0]
    assert oracle.states[1]["mean"].tolist() == [1.0, 1.0]


def test_what_a_callback_sets_is_every_replicas_or_unchecked(oracle: Any) -> None:
    with (
        pytest.raises(Unsupported, match="no oracle: a callback sets statistics that each"),
        emulated._Own(oracle),
    ):
        oracle.untrained["mean"] = np.full(2, 3.0)
    oracle.groups = 1
    with emulated._Own(oracle):
        oracle.untrained["mean"] = np.full(2, 3.0)
    assert [state["mean"].tolist() for state in oracle.states] == [[3.0, 3.0]] * 2
