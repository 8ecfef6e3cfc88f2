"""Float64 runs made real: Keras and its layers in double precision on every backend.

A float64 run has the semantics of the float32 run and a rounding unit nine decades smaller. Three things stand in the way:
JAX needs x64, which widens integers, too (`float64_kernels`); Keras demotes float64 to float32 inside ops on JAX and torch
(keras#23223, keras#23704); and a decimal constant such as Adam's 0.999 may pass through float32 on one backend only. `adopt`
removes the first two, `exact_constants` the third.
"""

from __future__ import annotations

from typing import Any

from suite.records import NARROWED
from suite.runner import float64_kernels, keras_versions, operation_calls

_adopted: list[bool] = []  # whether this process has what float64 needs


def adopt(precision: str, policy: str) -> None:
    """Sets up this process, before anything is built: "float32" with the scenario's dtype policy, or "float64"."""
    import keras

    if precision == "float32":
        keras_versions.set_dtype_policy(policy)
        return
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    keras_versions.set_dtype_policy("float64")
    _keep_64_bits()
    keras_versions.every_policy_is("float64")  # a layer may name its own dtype; in a float64 run there is one
    if not _adopted:
        _adopted.append(True)
        _widen_weights()
        operation_calls.widen()
        float64_kernels.provide()


def _keep_64_bits() -> None:
    # Private, hence looked for: keras#23223. Where a version has no such table it demotes nothing, or the float64 probe
    # fails. Integers keep the width that they have in the user's runs.
    try:
        from keras.src.backend.common import dtypes
    except ImportError:
        return
    demoted = getattr(dtypes, "BIT64_TO_BIT32_DTYPE", {})
    for name in [one for one in demoted if "int" not in one]:
        del demoted[name]


def _widen_weights() -> None:
    """A layer may ask for a weight of a narrower format, whatever its policy, as those of LoRA are float32."""
    import keras

    add_weight = keras.layers.Layer.add_weight

    def widened(self: Any, *args: Any, **kwargs: Any) -> Any:
        if "float" in str(kwargs.get("dtype")):
            kwargs["dtype"] = "float64"
        return add_weight(self, *args, **kwargs)

    keras.layers.Layer.add_weight = widened


def narrowed(model: Any) -> dict[str, str]:
    """The fact of a model whose variables ask for one format and have their values in a narrower one, as float64 is float32
    on JAX without x64. None of any other."""
    import keras

    kept = {(keras.backend.standardize_dtype(one.value.dtype), str(one.dtype)) for one in model.variables}
    other = sorted(f"{values} for {asked}" for values, asked in kept if values != asked and "float" in asked)
    return {NARROWED: ", ".join(other)} if other else {}


def not_float64(model: Any) -> list[str]:
    """The names of floating-point variables of `model` that are not float64; a float64 run has none."""
    return [
        f"{variable.path} is {variable.dtype}"
        for variable in model.variables
        if "float" in str(variable.dtype) and str(variable.dtype) != "float64"
    ]
