"""A recipe as a scenario file: readable, valid, and found like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.plan import discover
from suite.selftest.random_models import drawing, module
from suite.selftest.random_models.recipe import Recipe

RECIPES = [drawing.draw(seed) for seed in range(60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("scenarios")
    for recipe in RECIPES:
        (found / module.file_name(recipe)).write_text(module.source(recipe))
    return found


def test_every_model_is_a_scenario_that_is_found_in_its_folder(folder: Path) -> None:
    found, broken = discover.scenarios([folder], plugins=False)
    assert broken == ()
    assert {one.scenario.name for one in found} == {recipe.name for recipe in RECIPES}
    by_name = {one.scenario.name: one.scenario for one in found}
    for recipe in RECIPES:
        scenario = by_name[recipe.name]
        assert (scenario.batch, scenario.last_batch, scenario.steps) == (recipe.batch, recipe.last_batch, recipe.steps)
        assert scenario.outputs == recipe.outputs


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_its_data_have_the_shapes_that_the_model_takes(recipe: Recipe, folder: Path) -> None:
    names: dict[str, object] = {}
    exec((folder / module.file_name(recipe)).read_text(), names)
    data = names["data"]()  # type: ignore[operator]
    assert data.x.shape == (recipe.rows, *recipe.inputs.shape)
    assert len(data.y) == recipe.rows
    assert data.predict.shape == (2 * recipe.batch, *recipe.inputs.shape)
    assert data.y.shape[1:] == (() if recipe.targets.kind == "classes" else (recipe.targets.units,))
    assert data.x.dtype == ("int32" if recipe.inputs.kind == "tokens" else "float32")
    again = names["data"]()  # type: ignore[operator]
    assert (again.x == data.x).all() and (again.y == data.y).all()


def test_a_file_reads_as_a_user_would_write_it() -> None:
    text = module.source(drawing.draw(3))
    assert text.startswith('"""Drawn at random: ')
    assert "    import keras\n\n    layers = keras.layers\n" in text
    assert 'name="output")' in text
    assert "None" not in text and "Made(" not in text
