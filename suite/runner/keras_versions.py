"""What has another name, or other arguments, in some versions of Keras 3: looked for here, so that no caller assumes it.

Versions are never compared: a name is there or not, also in a development version and in a checkout.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from suite.runner.outcome import Unsupported

# Where each is, newest versions first.
TREES = ("keras.tree", "keras.src.utils.tree", "tree")  # the last one is dm-tree, which Keras 3.0 needs
POLICIES = ("keras.dtype_policies", "keras.mixed_precision")
SETTINGS = ("keras.config", "keras.mixed_precision")
# Private: the function by which a layer looks up the dtype policy that it names.
LOOK_UPS = (("keras.src.dtype_policies", "get"), ("keras.src.mixed_precision", "resolve_policy"))


def tree() -> Any:
    """The module with `flatten` and `map_structure`."""
    return _with_names(TREES, "flatten", "map_structure")


def dtype_policy() -> Any:
    """The policy that layers get if they name none."""
    return _with_names(SETTINGS, "dtype_policy").dtype_policy()


def set_dtype_policy(name: str) -> None:
    """Sets the policy that layers get if they name none."""
    _with_names(SETTINGS, "set_dtype_policy").set_dtype_policy(name)


def every_policy_is(name: str) -> None:
    """From now on every layer of this process has this dtype policy, also one that names its own.

    Raises:
        Unsupported: this version of Keras looks policies up in a place that is not known.
    """
    policy = _with_names(POLICIES, "DTypePolicy").DTypePolicy(name)
    found = [(module, look_up) for path, look_up in LOOK_UPS if (module := _module(path)) and hasattr(module, look_up)]
    if not found:
        raise Unsupported(f"no {name} run: {_version()} looks up the dtype policies of layers in a place that is not known")
    for module, look_up in found:
        setattr(module, look_up, lambda identifier=None: policy)


def is_variable(value: object) -> bool:
    """Whether it is a variable of Keras. Older versions make variables of the class that `keras.Variable` derives from."""
    import keras

    return isinstance(value, (keras.Variable, *(kind for kind in keras.Variable.__mro__ if is_of_keras(kind))))


def is_of_keras(kind: type) -> bool:
    """Whether Keras itself brings the class, and not a user or a plugin."""
    return kind.__module__.partition(".")[0] == "keras"


def as_in_fit() -> AbstractContextManager[Any]:
    """While this is entered, layers that prepare data do on TensorFlow what they do in the compiled steps of `fit`, though
    they are called eagerly: in a graph, they take themselves to be in a `tf.data` pipeline, and convert integers to floats.
    Private: there is no public way."""
    import keras

    module = _module("keras.src.utils.backend_utils")
    if keras.backend.backend() != "tensorflow" or not hasattr(module, "TFGraphScope"):
        return nullcontext()
    scope: AbstractContextManager[Any] = module.TFGraphScope()
    return scope


def trace_anew() -> None:
    """From now on, functions are traced again. JAX shares what it has traced among functions that are equal, as two bound
    methods of one model are."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        jax.clear_caches()


def compute_loss(model: Any, *, training: bool = True, **given: Any) -> Any:
    """The model's loss, in training or in an evaluation. `compute_loss` takes no `training` in Keras 3.3 and older, nor need
    a user's own."""
    if "training" in inspect.signature(model.compute_loss).parameters:
        given["training"] = training
    return model.compute_loss(**given)


def evaluated(model: Any, x: Any) -> Any:
    """What the model makes of `x` where Keras evaluates it: it tells those models alone that they do not train whose `call`
    takes `training`. Private: there is no public way; older versions tell all."""
    takes = getattr(model, "_call_has_training_arg", True)
    return model(x, training=False) if takes else model(x)


def count_names_anew() -> None:
    """From now on, layers without a name are counted from the beginning, as in a process that has built nothing. Private:
    there is no public way."""
    from keras.src.utils import naming

    naming.reset_uids()


def iterations(optimizer: Any) -> Any:
    """The variable that counts the gradients that an optimizer was given. Private where the public property counts updates,
    which are fewer where gradients are accumulated; older versions have the public one only."""
    return optimizer._iterations if hasattr(optimizer, "_iterations") else optimizer.iterations


def backend_module(name: str) -> Any:
    """The module `name` ("core", "nn") of the backend: Keras 3.16 keeps it with the operations.

    Raises:
        Unsupported: there is none.
    """
    import keras

    package = f"keras.src.backend.{keras.backend.backend()}"
    return _with_names((f"{package}.{name}", f"{package}.ops.{name}"), "__name__")


def without_policy() -> AbstractContextManager[Any]:
    """While this is entered, variables are read and assigned in their own formats, whatever a layer's policy asks for.
    Inside of a layer in mixed precision, torch assigns to a converted copy of the variable.

    Raises:
        Unsupported: there is no such scope.
    """
    modules = "keras.src.backend", "keras.src.backend.common.variables"
    scope: AbstractContextManager[Any] = _with_names(modules, "AutocastScope").AutocastScope(None)
    return scope


def own_moments(layer: Any, moments: Any) -> None:
    """From now on this batch normalization has its batch statistics from `moments(inputs, mask)`.

    Raises:
        Unsupported: this version of Keras computes them in a place that is not known, as 3.0.0 does.
    """
    if not hasattr(layer, "_moments"):
        raise Unsupported(
            f"{_version()} computes the batch statistics of {type(layer).__name__} in a place that is not known: use a "
            "newer version"
        )
    # Straight into the instance: Keras tracks what is set as an attribute.
    layer.__dict__["_moments"] = moments


def _with_names(modules: tuple[str, ...], *names: str) -> Any:
    """The first of these modules that is there and has all of these names.

    Raises:
        Unsupported: none has.
    """
    for path in modules:
        module = _module(path)
        if module is not None and all(hasattr(module, name) for name in names):
            return module
    raise Unsupported(f"{_version()} has {' and '.join(names)} in none of {', '.join(modules)}: use a newer version")


def _module(path: str) -> Any:
    """The module, or None if there is none."""
    try:
        return importlib.import_module(path)
    except ImportError:
        return None


def _version() -> str:
    import keras

    return f"Keras {keras.__version__}"


def configuration(model: Any) -> Mapping[str, Any]:
    """The arguments that the model was compiled with, as objects, by name; empty if Keras does not hold them. Private: the
    public configuration holds what a file would."""
    held = getattr(model, "_compile_config", None)
    return getattr(held, "config", None) or {}
