"""In which floating-point formats a model computes while it trains, where its layers are to compute in 16 bits.

A backend may skip the conversion that a dtype policy asks for: then it computes in float32 what others compute in bfloat16.
What is given to a layer, and what it returns, shows that.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from suite.records import FORMATS
from suite.runner import keras_versions, models
from suite.runner.layer_calls import layer_calls

NARROW = ("float16", "bfloat16")
OUTPUT = ""  # of the model, beside the paths of its layers

Found = dict[str, list[str]]  # path of a layer -> what its last call is given, and what it returns


@contextmanager
def seen(model: Any, found: Found) -> Iterator[None]:
    """While this is entered, adds the formats of each call of a layer; nothing where no layer computes in 16 bits. What is
    given counts as the layer's own format where the layer converts it to a narrower one."""
    import keras

    paths = models.layer_paths(model)
    if not any(_compute_dtype(layer) in NARROW for layer in models.layers_of(model)):
        yield
        return

    def called(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        returned = proceed(layer, *args, **kwargs)
        path = paths.get(id(layer))
        if path is not None and not isinstance(layer, keras.Model):
            own = _compute_dtype(layer)
            given = [own] if own in NARROW and getattr(layer, "autocast", True) else of(args)
            # The last call counts: before the first step, Keras calls layers without numbers to build them.
            found[path] = [" and ".join(given), " and ".join(of(returned))]
        return returned

    with layer_calls(called):
        yield


def of(value: Any) -> list[str]:
    """The floating-point formats of all tensors in a structure, each once; what Keras has no format for has none."""
    import keras

    kinds = set[str]()
    for one in keras_versions.tree().flatten(value):
        with contextlib.suppress(Exception):
            kinds.add(keras.backend.standardize_dtype(one.dtype))
    return sorted(kind for kind in kinds if "float" in kind)


def facts(found: Found, predicted: list[str]) -> dict[str, str]:
    """The fact of a run with layers that compute in 16 bits, as JSON; none of any other. `predicted`: the formats of
    predictions."""
    return {FORMATS: json.dumps(found | {OUTPUT: ["", " and ".join(predicted)]})} if found else {}


def _compute_dtype(layer: Any) -> str:
    with contextlib.suppress(Exception):  # a layer of the user's may have anything under this name
        return str(layer.compute_dtype)
    return ""
