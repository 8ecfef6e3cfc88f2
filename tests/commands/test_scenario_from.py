"""A scenario that is made from a model is a good one: its text, its rows, and what it does where nothing is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.commands import arguments, options, scenario_from
from suite.commands.options import NewScenarioOptions
from suite.commands.scenario_from import Described
from suite.plan import discover
from suite.records import ConfigurationError, Scenario
from suite.records.files import ModelDescription

PROBABILITIES = np.full((8, 4), 0.25, np.float32)
VALUES = np.linspace(-1, 1, 16, dtype=np.float32).reshape(8, 2)


def given(folder: Path, source: str, *more: str) -> NewScenarioOptions:
    words = ["new-scenario", "mine", "--folder", str(folder), "--from", source, *more]
    found: NewScenarioOptions = options.of(arguments.parser().parse_args(words))
    return found


def described(
    predicted: dict[str, np.ndarray],
    *,
    compiled: dict[str, Any] | None = None,
    form: str = "list",
    keys: tuple[str, ...] = (),
) -> Described:
    rows = {name: np.zeros((8, 3), np.float32) for name in keys or ("x",)}
    model = ModelDescription(inputs=tuple(rows), form=form, keys=keys, compiled=json.dumps(compiled or {}))
    return Described(model=model, rows=rows, predicted=predicted)


def written(folder: Path, source: str, model: Described) -> Scenario:
    """The scenario as it is found in the folder, with its rows beside it."""
    with (folder / "mine.npz").open("wb") as stream:
        np.savez(stream, **scenario_from.rows_of(model, seed=0))  # type: ignore[arg-type]
    text = scenario_from.text(given(folder, source), model, folder / "mine.npz", drawn=True)
    (folder / "mine.py").write_text(text)
    (found,), broken = discover.scenarios([folder], plugins=False)
    assert broken == ()
    return found.scenario


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model file in the current folder. It is not loaded here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"")
    return "model.keras"


def test_an_uncompiled_model_gets_a_usual_loss_by_what_it_predicts(tmp_path: Path, file: str) -> None:
    scenario = written(tmp_path, file, described({"output": PROBABILITIES}))
    assert (scenario.loss, scenario.outputs, scenario.files) == (
        "sparse_categorical_crossentropy",
        "probabilities",
        ("model.keras", "mine.npz"),
    )
    data = scenario.data()
    assert np.shape(data.x) == (8, 3) and np.shape(data.y) == (8,) and np.asarray(data.y).dtype == np.int32
    assert written(tmp_path, file, described({"output": VALUES})).loss == "mean_squared_error"


def test_what_it_was_compiled_with_is_kept(tmp_path: Path, file: str) -> None:
    compiled = {
        "optimizer": {"module": "somewhere", "class_name": "SGD", "config": {"learning_rate": 0.5}},
        "loss": {"class_name": "CategoricalCrossentropy", "config": {"label_smoothing": 0.1}},
        "metrics": ["accuracy"],
    }
    scenario = written(tmp_path, file, described({"output": PROBABILITIES}, compiled=compiled))
    assert callable(scenario.loss) and scenario.metrics == ["accuracy"]
    y = np.asarray(scenario.data().y)
    assert y.shape == (8, 4) and (y.sum(1) == 1).all()
    text = (tmp_path / "mine.py").read_text()
    assert "keras.losses.deserialize({'class_name': 'CategoricalCrossentropy', 'config': {'label_smoothing': 0.1}})" in text
    assert "{'class_name': 'SGD', 'config': {'learning_rate': 0.5}}" in text and "somewhere" not in text


def test_several_inputs_and_outputs_have_their_names(tmp_path: Path, file: str) -> None:
    model = described({"output/a": PROBABILITIES, "output/b": VALUES}, form="dict", keys=("left", "right"))
    scenario = written(tmp_path, file, model)
    data = scenario.data()
    assert scenario.loss == {"a": "sparse_categorical_crossentropy", "b": "mean_squared_error"}
    assert set(data.x) == {"left", "right"} and isinstance(data.y, dict) and np.shape(data.y["b"]) == (8, 2)
    assert scenario.outputs == "values"


def test_a_function_of_a_script_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_train.py").write_text("def build():\n    return 'the model'\n")
    scenario = written(tmp_path, "_train.py:build", described({"output": VALUES}))
    assert scenario.model() == "the model" and scenario.files == ("_train.py", "mine.npz")


@pytest.mark.parametrize("source", ["nowhere.keras", "model.keras"])
def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path, file: str, source: str) -> None:
    more = ("--data", "nowhere.npz") if source == file else ()
    with pytest.raises(ConfigurationError, match="is no file: check the path, or write module:function"):
        scenario_from.question(given(tmp_path, source, *more))


def test_the_question_names_the_file_or_the_function(tmp_path: Path, file: str) -> None:
    of_file = scenario_from.question(given(tmp_path, file))
    assert (of_file.path, of_file.model, of_file.part) == (str(tmp_path / file), "", "described")
    of_function = scenario_from.question(given(tmp_path, "train:build"))
    assert (of_function.path, of_function.model) == ("", "train:build")
