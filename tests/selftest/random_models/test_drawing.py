"""Models drawn at random: the same for one seed, of every kind, and what their records say of themselves is true."""

from __future__ import annotations

from collections import Counter

import pytest

from suite.selftest.random_models import drawing
from suite.selftest.random_models.recipe import INPUT, OUTPUT, RANDOM, Layer, Recipe, size

SEEDS = range(400)
RECIPES = [drawing.draw(seed) for seed in SEEDS]


def test_a_seed_gives_one_model() -> None:
    assert [drawing.draw(seed) for seed in range(20)] == RECIPES[:20]
    assert len({(recipe.inputs, recipe.layers) for recipe in RECIPES}) > 390


@pytest.mark.parametrize("recipe", RECIPES[:100], ids=lambda recipe: recipe.name)
def test_every_layer_comes_after_its_inputs_under_a_name_of_its_own(recipe: Recipe) -> None:
    known = [INPUT]
    for layer in recipe.layers:
        assert set(layer.inputs) <= set(known)
        assert layer.name not in known and layer.name.isidentifier()
        known.append(layer.name)
    assert recipe.layers[-1].name == OUTPUT
    assert recipe.layers[-1].shape == (recipe.targets.units,)


@pytest.mark.parametrize("recipe", RECIPES[:100], ids=lambda recipe: recipe.name)
def test_every_layer_is_used(recipe: Recipe) -> None:
    assert recipe.before(OUTPUT) | {OUTPUT} == set(recipe.by_name)


def test_models_are_small_and_their_batches_divide() -> None:
    for recipe in RECIPES:
        assert max(size(layer.shape) for layer in recipe.layers) <= 1200
        assert recipe.batch % 2 == recipe.last_batch % 2 == 0
        assert recipe.last_batch < recipe.batch and 6 <= recipe.steps <= 12
        # A short output is one, and an embedding, a rescaling, or an activation may come on top.
        assert 3 <= len(recipe.layers) <= 20


def test_about_half_of_them_have_a_batch_normalization() -> None:
    counts = Counter(len(recipe.of_kind("BatchNormalization")) for recipe in RECIPES)
    assert 160 <= sum(counts.values()) - counts[0] <= 240
    assert counts[2] >= 10


def test_there_is_something_of_everything() -> None:
    kinds = Counter(layer.kind for recipe in RECIPES for layer in recipe.layers)
    for wanted in ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D",
                   "AveragePooling2D", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "Attention", "MultiHeadAttention",
                   "GroupQueryAttention", "Embedding", "LayerNormalization", "GroupNormalization", "RMSNormalization",
                   "UnitNormalization", "Dropout", "Add", "Concatenate", "ZeroPadding2D", "Cropping2D", "UpSampling2D",
                   "Reshape", "Rescaling", "PReLU", "LeakyReLU", "EinsumDense", "ConvLSTM2D"):  # fmt: skip
        assert kinds[wanted] >= 1, wanted
    assert {recipe.inputs.kind for recipe in RECIPES} == {
        "vectors", "sequences", "tokens", "images", "pixels", "volumes",
    }  # fmt: skip
    assert {recipe.outputs for recipe in RECIPES} == {"probabilities", "logits", "values"}
    assert len({recipe.optimizer.of for recipe in RECIPES}) >= 10
    assert len({recipe.loss if isinstance(recipe.loss, str) else recipe.loss.of for recipe in RECIPES}) >= 15


def test_layers_that_draw_random_numbers_have_a_seed() -> None:
    found = [layer for recipe in RECIPES for layer in recipe.of_kind(*RANDOM)]
    assert found
    assert all(layer.argument("seed") is not None for layer in found)


# ---------------------------------------------------------------- the graph of a recipe


def graph() -> Recipe:
    """inputs -> dense_1 -> batch_normalization_1 -> add_1 (with dense_1) -> dense_2 -> output."""

    def layer(name: str, *inputs: str, **arguments: object) -> Layer:
        kind = {"d": "Dense", "b": "BatchNormalization", "a": "Add", "o": "Dense"}[name[0]]
        return Layer(name=name, kind=kind, inputs=inputs, arguments=tuple(arguments.items()), shape=(4,))

    layers = (
        layer("dense_1", INPUT),
        layer("batch_normalization_1", "dense_1", center=False, scale=False),
        layer("add_1", "batch_normalization_1", "dense_1"),
        layer("dense_2", "add_1"),
        layer("output", "dense_2"),
    )
    drawn = RECIPES[0]
    return Recipe(
        seed=0,
        inputs=drawn.inputs,
        layers=layers,
        outputs="values",
        targets=drawn.targets,
        loss="mse",
        optimizer=drawn.optimizer,
        batch=8,
        last_batch=0,
        steps=6,
    )


def test_what_comes_before_and_after_a_layer() -> None:
    recipe = graph()
    assert recipe.before("add_1") == {"dense_1", "batch_normalization_1"}
    assert recipe.before("dense_1") == frozenset()
    assert recipe.after("add_1") == {"dense_2", "output"}
    assert [one.name for one in recipe.consumers("dense_1")] == ["batch_normalization_1", "add_1"]
    assert recipe.feeds_normalization(recipe.by_name["dense_1"])
    assert not recipe.feeds_normalization(recipe.by_name["add_1"])


def test_a_normalization_without_scale_and_shift_has_no_weights() -> None:
    assert [layer.name for layer in graph().trained()] == ["dense_1", "dense_2", "output"]
