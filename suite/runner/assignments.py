"""What layers assign to trained weights while they are called, as SpectralNormalization does: does `fit` keep it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from suite.records import ASSIGNMENT, RecordedCall
from suite.runner import keras_versions, models, structures
from suite.runner.differentiation import reason_of

Arrays = dict[str, np.ndarray]


def record(
    model: Any, inputs: Any, assigned: Mapping[str, np.ndarray], calls: Sequence[RecordedCall], state: str
) -> Iterator[tuple[RecordedCall, Arrays]]:
    """One record for each layer, and leaves the model as it is. `assigned`: the trained weights that a call in training mode
    has changed, by name, with their values after it; `calls`: the layers that may own them. Arrays: "input|NAME" before,
    "state|NAME" after the call, "output|NAME" after one batch of `fit`."""
    if not assigned:
        return
    variables = models.variables(model)
    before, reason = models.read(variables), ""
    try:
        _fit(model, inputs)
    except Exception as error:  # a model of anybody may refuse to be called by another one: what else is known is kept
        reason = reason_of(error)
    fitted = models.read(variables)
    models.write(variables, before)
    owners: dict[str, list[str]] = {}
    for name in assigned:
        owners.setdefault(_owner(name, calls), []).append(name)
    for owner, names in owners.items():
        of = next((one.of for one in calls if one.name == owner), type(model).__name__)
        recorded = RecordedCall(state=state, kind=ASSIGNMENT, name=owner, of=of, reason=reason)
        sides = {"input": before, "state": assigned, "output": fitted} if not reason else {}
        yield recorded, {f"{what}|{name}": values[name] for name in names for what, values in sides.items()}


def _owner(weight: str, calls: Sequence[RecordedCall]) -> str:
    """The layer that a weight belongs to, of those that were called; the weight itself if it is the model's own."""
    paths = [call.name for call in calls if weight.startswith(f"{call.name}/")]
    return max(paths, key=len, default=weight)


def _fit(model: Any, inputs: Any) -> None:
    """One batch of `fit` with a loss and a learning rate of 0: nothing is learned, and what calls assign is assigned."""
    import keras

    class Unmoved(keras.Model):  # type: ignore[misc]
        """Calls the model."""

        def __init__(self) -> None:
            super().__init__()
            self.trained = model

        def call(self, given: Any, training: bool = False) -> Any:
            return self.trained(given, training=training)

        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
            leaves = keras_versions.tree().flatten(y_pred)
            return sum(keras.ops.sum(keras.ops.cast(leaf, keras.config.floatx())) for leaf in leaves) * 0.0

    rows = max(len(leaf) for _, leaf in structures.leaves(inputs))
    around = Unmoved()
    around.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=model.jit_compile)
    around.fit(inputs, batch_size=rows, epochs=1, shuffle=False, verbose=0)
