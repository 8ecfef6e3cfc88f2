"""Objects of Keras from the JSON of a case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from suite.runner import models, structures
from suite.runner.differentiation import tensor
from suite.runner.outcome import Unsupported


def made(kind: str, name: str, arguments: dict[str, Any]) -> Any:
    """A new layer, loss or optimizer of this class.

    Raises:
        Unsupported: this version of Keras has no such class.
    """
    return _class(name, _places(kind))(**{key: _argument(value) for key, value in arguments.items()})


def _argument(value: Any) -> Any:
    """Objects inside of arguments are {"class_name": ..., "config": ...}."""
    if isinstance(value, dict) and "class_name" in value:
        return made("any", value["class_name"], value["config"])
    if isinstance(value, dict):
        return {key: _argument(inner) for key, inner in value.items()}
    return [_argument(inner) for inner in value] if isinstance(value, list) else value


def _places(kind: str) -> list[Any]:
    import keras

    places = {"layer": keras.layers, "loss": keras.losses, "optimizer": keras.optimizers}
    return [places[kind]] if kind in places else [*places.values(), keras.optimizers.schedules]


def _class(name: str, places: Iterable[Any]) -> Any:
    import keras

    for place in places:
        if hasattr(place, name):
            return getattr(place, name)
    raise Unsupported(f"Keras {keras.__version__} has no {name}")


def forget_names() -> None:
    """Layers made from here on are numbered from the start: the names of weights below a layer do not depend on what was
    made before."""
    import keras

    try:
        keras.utils.clear_session(free_memory=False)
    except TypeError:  # before Keras 3.2
        keras.utils.clear_session()


def build(layer: Any, inputs: tuple[Any, ...], arguments: dict[str, Any]) -> None:
    """Makes the variables of a layer, all zero: their initial values are replaced anyway, and drawing them takes longer
    than the call itself on backends that compile.

    It is called with symbolic inputs on JAX, which costs least, and with the inputs themselves elsewhere.
    """
    import keras

    _without_initial_values(layer)
    symbolic = keras.backend.backend() == "jax"

    def stand_in(path: str, leaf: Any) -> Any:
        return keras.KerasTensor(leaf.shape, str(leaf.dtype)) if symbolic else tensor(leaf)

    layer(*structures.replaced(inputs, stand_in), **arguments)


def _without_initial_values(layer: Any) -> None:
    import keras

    for part in [layer, *models.layers_of(layer)]:
        for name, value in list(vars(part).items()):
            if isinstance(value, keras.initializers.Initializer):
                setattr(part, name, keras.initializers.Zeros())
