"""Which faults fit a model, and where each must be found: computed from its recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from suite.records import STAGES
from suite.selftest.catalogue import BY_NAME
from suite.selftest.injection import one_layer
from suite.selftest.random_models import drawing, faults
from suite.selftest.random_models.faults import Fitting, fitting
from suite.selftest.random_models.recipe import INPUT, Inputs, Layer, Made, Recipe, Targets

RECIPES = [drawing.draw(seed) for seed in range(150)]


def layer(name: str, kind: str, *inputs: str, shape: tuple[int, ...] = (4,), **arguments: object) -> Layer:
    passed = "list" if len(inputs) > 1 else "one"
    return Layer(
        name=name, kind=kind, inputs=inputs or (INPUT,), passed=passed, arguments=tuple(arguments.items()), shape=shape
    )


def recipe(
    *layers: Layer, optimizer: str = "SGD", last_batch: int = 0, arguments: Mapping[str, object] | None = None
) -> Recipe:
    given = {"learning_rate": 0.05, **(arguments or {})}
    return Recipe(
        seed=1,
        inputs=Inputs(kind="vectors", shape=(4,)),
        layers=layers,
        outputs="values",
        targets=Targets(kind="values", units=4),
        loss="mse",
        optimizer=Made(of=f"optimizers.{optimizer}", arguments=tuple(given.items())),
        batch=8,
        last_batch=last_batch,
        steps=6,
    )


def of(found: Sequence[Fitting], name: str) -> list[Fitting]:
    return [one for one in found if one.fault == name]


def test_every_fault_that_fits_a_model_is_one_and_most_kinds_fit_some() -> None:
    counts = Counter(one.fault for recipe in RECIPES for one in fitting(recipe))
    assert counts.keys() <= BY_NAME.keys()
    assert len(counts) >= len(BY_NAME) - 10


@pytest.mark.parametrize("drawn", RECIPES, ids=lambda recipe: recipe.name)
def test_a_fault_is_expected_in_a_layer_of_the_model(drawn: Recipe) -> None:
    for one in fitting(drawn):
        for tensor in one.tensor.split("|"):
            name = tensor.partition("/")[0]
            assert name == "*" or name in drawn.by_name, one
        if one.target and one.stage in ("forward", "gradient"):
            assert {part.partition("/")[0] for part in one.target.split("-")} <= set(drawn.by_name), one


def test_a_fault_that_a_backend_could_have_shows_in_a_single_step() -> None:
    for one in (one for drawn in RECIPES for one in fitting(drawn) if one.everywhere):
        assert one.stage in STAGES


def test_a_batch_normalization_is_the_place_of_its_faults() -> None:
    found = fitting(
        recipe(
            layer("dense_1", "Dense", units=4),
            layer("batch_normalization_1", "BatchNormalization", "dense_1"),
            layer("dense_2", "Dense", "batch_normalization_1", units=4),
            layer("batch_normalization_2", "BatchNormalization", "dense_2"),
            layer("output", "Dense", "batch_normalization_2", units=4),
        )
    )
    assert of(found, "bn-epsilon-small")[0].tensor == "batch_normalization_1"
    assert of(found, "bn-momentum")[0].tensor == "batch_normalization_1/*"
    # The gradient is wrong in everything before the last one, which comes first on the way back.
    assert of(found, "bn-no-statistics-gradient")[0].tensor == "dense_2/*"
    assert of(found, "variance-not-saved")[0].target == "batch_normalization_1/moving_variance"


def test_without_batch_normalization_there_are_none_of_its_faults() -> None:
    found = fitting(recipe(layer("dense_1", "Dense", units=4), layer("output", "Dense", "dense_1", units=4)))
    assert not [one for one in found if one.fault.startswith(("bn-", "predict-", "moving-", "statistics-"))]
    assert not of(found, "rows-reversed")  # the mean over the same rows


def test_a_bias_before_a_batch_normalization_is_not_broken_because_nothing_would_show() -> None:
    found = fitting(
        recipe(
            layer("dense_1", "Dense", units=4),
            layer("batch_normalization_1", "BatchNormalization", "dense_1"),
            layer("output", "Dense", "batch_normalization_1", units=4),
        )
    )
    assert [one.target for one in of(found, "bias-skipped")] == ["output"]


def test_the_gradient_that_is_cut_is_missing_in_the_last_layer_before_with_weights() -> None:
    found = fitting(
        recipe(
            layer("dense_1", "Dense", units=4),
            layer("dense_2", "Dense", "dense_1", units=4),
            layer("activation_1", "Activation", "dense_2", activation="tanh"),
            layer("output", "Dense", "activation_1", units=4),
        )
    )
    assert {one.target: one.tensor for one in of(found, "gradient-cut")} == {
        "dense_2": "dense_1/*",
        "activation_1": "dense_2/*",
        "output": "dense_2/*",
    }


@pytest.mark.parametrize(
    ("optimizer", "arguments", "there", "absent"),
    [
        ("SGD", {}, "gradient-scaled", "slots-forgotten"),
        ("SGD", {"momentum": 0.9}, "nesterov", "adam-epsilon"),
        ("SGD", {"momentum": 0.9, "nesterov": True}, "slots-forgotten", "nesterov"),
        ("SGD", {"clipnorm": 0.5}, "clipping-missing", "gradient-scaled"),
        ("Adam", {}, "adam-bias-correction", "gradient-scaled"),
        ("AdamW", {}, "weight-decay-twice", "schedule-offset"),
        ("RMSprop", {"weight_decay": 0.02}, "weight-decay-missing", "clipping-per-replica"),
        ("SGD", {"learning_rate": Made(of="optimizers.schedules.CosineDecay")}, "schedule-offset", "weight-decay-twice"),
    ],
)
def test_faults_of_the_update_are_those_that_the_optimizer_can_have(
    optimizer: str, arguments: dict[str, object], there: str, absent: str
) -> None:
    found = fitting(recipe(layer("output", "Dense", units=4), optimizer=optimizer, arguments=arguments))
    assert of(found, there) and not of(found, absent)


def test_whole_batches_are_dealt_only_where_the_last_one_is_whole() -> None:
    one = layer("output", "Dense", units=4)
    assert of(fitting(recipe(one)), "batch-dropped")
    assert not of(fitting(recipe(one, last_batch=6)), "batch-dropped")


def test_the_layers_with_a_constant_are_those_that_one_is_changed_in() -> None:
    assert set(faults.CONSTANTS) == one_layer.CONSTANTS.keys()
    assert all(name in one_layer.INJECTIONS or name == "dtype-demoted" for name in faults.OF_ONE_LAYER)
