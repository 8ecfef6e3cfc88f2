"""Do a user's own metrics begin anew where Keras resets them?

`fit` and `evaluate` reset every metric before they count. One whose `reset_state` leaves something as it is goes on from
what was counted before: its number is none of the rows that were evaluated.
"""

from __future__ import annotations

from typing import Any

from suite.records import COUNTS_ON
from suite.runner import keras_versions, python_state
from suite.runner.python_state import Held

ARGUMENTS = ("metrics", "weighted_metrics")  # of `compile`


def held(model: Any) -> dict[str, list[Held]]:
    """What each metric of a user's own class holds now, by its name: in variables and in Python, but for flags and for what
    is not there yet, as what it is built with."""
    import keras

    given = keras_versions.configuration(model)
    flat = keras_versions.tree().flatten([*model.metrics, *(given.get(name) for name in ARGUMENTS)])
    metrics = {id(one): one for one in flat if isinstance(one, keras.metrics.Metric)}
    own = [one for one in metrics.values() if not keras_versions.is_of_keras(type(one))]
    common = frozenset(vars(keras.metrics.Metric()))
    return {one.name: [member for member in python_state.of(one, common) if _counts(member.value)] for one in own}


def _counts(value: Any) -> bool:
    return value is not None and not isinstance(value, bool | str)


def kept(model: Any, before: dict[str, list[Held]]) -> list[str]:
    """Resets all metrics; the names of those that do not hold again what they held `before`."""
    model.reset_metrics()
    return [name for name, one in before.items() if python_state.moved(one)]


def facts(model: Any, before: dict[str, list[Held]]) -> dict[str, str]:
    """The fact of a model with such metrics, after it has trained or evaluated. None of one without."""
    found = kept(model, before)
    return {COUNTS_ON: ", ".join(found)} if found else {}
