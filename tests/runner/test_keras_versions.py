"""Names that differ between versions of Keras are found in each, and what is nowhere is a sentence."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from suite.runner import keras_versions
from suite.runner.outcome import Unsupported


class Policy:
    def __init__(self, name: str) -> None:
        self.name = name


def install(monkeypatch: pytest.MonkeyPatch, **modules: dict[str, Any]) -> dict[str, Any]:
    """A Keras of these modules, dots written as two underscores, and no other."""
    for path in (*keras_versions.TREES, *keras_versions.SETTINGS, *keras_versions.POLICIES):
        monkeypatch.setitem(sys.modules, path, None)
    for path, _ in keras_versions.LOOK_UPS:
        monkeypatch.setitem(sys.modules, path, None)
    made = {}
    for path, names in {"keras": {"__version__": "3.9.9"}, **modules}.items():
        module = made[path] = ModuleType(path.replace("__", "."))
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


TREE = {"flatten": lambda value: [value], "map_structure": lambda function, value: function(value)}


@pytest.mark.parametrize("path", ["keras__tree", "keras__src__utils__tree", "tree"])
def test_the_tree_is_where_a_version_has_it(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    made = install(monkeypatch, **{path: TREE})
    assert keras_versions.tree() is made[path]


def test_a_module_without_the_names_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made = install(monkeypatch, keras__tree={"flatten": TREE["flatten"]}, tree=TREE)
    assert keras_versions.tree() is made["tree"]


@pytest.mark.parametrize("path", ["keras__src__backend__jax__core", "keras__src__backend__jax__ops__core"])
def test_a_module_of_the_backend_is_where_a_version_has_it(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    made = install(monkeypatch, **{path: {"cast": None}})
    made["keras"].backend = SimpleNamespace(backend=lambda: "jax")
    for package in ("keras.src", "keras.src.backend", "keras.src.backend.jax", "keras.src.backend.jax.ops"):
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    assert keras_versions.backend_module("core") is made[path]


def test_what_is_nowhere_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    with pytest.raises(
        Unsupported, match=r"Keras 3.9.9 has flatten and map_structure in none of keras.tree, .*: use a newer"
    ):
        keras_versions.tree()


@pytest.mark.parametrize("path", ["keras__config", "keras__mixed_precision"])
def test_the_dtype_policy_is_set_and_read_where_a_version_has_it(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    told: list[str] = []
    install(monkeypatch, **{path: {"set_dtype_policy": told.append, "dtype_policy": lambda: Policy(told[-1])}})
    keras_versions.set_dtype_policy("mixed_bfloat16")
    assert keras_versions.dtype_policy().name == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("policies", "place", "look_up"),
    [
        ("keras__dtype_policies", "keras__src__dtype_policies", "get"),
        ("keras__mixed_precision", "keras__src__mixed_precision", "resolve_policy"),
    ],
)
def test_a_layer_that_names_its_own_policy_gets_the_one_of_the_process(
    monkeypatch: pytest.MonkeyPatch, policies: str, place: str, look_up: str
) -> None:
    made = install(monkeypatch, **{policies: {"DTypePolicy": Policy}, place: {look_up: Policy}})
    keras_versions.every_policy_is("float64")
    assert getattr(made[place], look_up)("float32").name == "float64"


def test_without_a_known_place_of_policies_there_is_no_such_run(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, keras__dtype_policies={"DTypePolicy": Policy})
    with pytest.raises(Unsupported, match=r"no float64 run: Keras 3\.9\.9 looks up the dtype policies of layers in a place"):
        keras_versions.every_policy_is("float64")


def test_a_variable_is_one_also_where_the_public_class_is_derived_from_that_of_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = type("Variable", (), {"__module__": "keras.src.backend.common.variables"})
    public = type("Variable", (kind,), {"__module__": "keras.src.backend.exports"})
    install(monkeypatch, keras={"Variable": public})
    assert keras_versions.is_variable(kind()) and keras_versions.is_variable(public())
    assert not keras_versions.is_variable(object())


def test_the_loss_is_told_of_training_where_it_can_be() -> None:
    def new(x: int, training: bool = False) -> tuple[int, bool]:
        return x, training

    def old(x: int) -> int:
        return x

    assert keras_versions.compute_loss(SimpleNamespace(compute_loss=new), x=3) == (3, True)
    assert keras_versions.compute_loss(SimpleNamespace(compute_loss=old), x=3) == 3


def test_the_private_counter_comes_first_because_the_public_one_may_count_something_else() -> None:
    assert keras_versions.iterations(SimpleNamespace(iterations=2, _iterations=8)) == 8
    assert keras_versions.iterations(SimpleNamespace(iterations=2)) == 2


def test_moments_are_replaced_where_the_layer_asks_for_them_and_refused_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    layer = SimpleNamespace(_moments=lambda inputs, mask: (0, 1))
    keras_versions.own_moments(layer, lambda inputs, mask: (inputs, mask))
    assert layer._moments(3, None) == (3, None)
    with pytest.raises(Unsupported, match=r"Keras 3\.9\.9 computes the batch statistics of SimpleNamespace in a place"):
        keras_versions.own_moments(SimpleNamespace(), lambda inputs, mask: (inputs, mask))


@pytest.mark.parametrize("held", [None, SimpleNamespace(), SimpleNamespace(config=None)])
def test_arguments_of_compile_that_are_not_held_are_none(held: object) -> None:
    assert keras_versions.configuration(SimpleNamespace(_compile_config=held)) == {}
    assert keras_versions.configuration(SimpleNamespace()) == {}


def test_arguments_of_compile_are_the_objects() -> None:
    loss = object()
    assert (
        keras_versions.configuration(SimpleNamespace(_compile_config=SimpleNamespace(config={"loss": loss})))["loss"] is loss
    )
