"""What people give to `compile` and `fit` trains on every backend, is what its oracle says, and gives what `fit` gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import arrays, names
from suite.plan.locations import ROOT
from suite.records import Status
from tests.backends import inside_backends, training
from tests.backends.inside import fitted
from tests.backends.kinds import kinds_of_recipes
from tests.backends.kinds.kinds_of_recipes import KINDS
from tests.backends.marks import REAL_BACKENDS
from tests.backends.training import SIDES, Side, Trained

pytestmark = REAL_BACKENDS

MODULE = Path(__file__).parent / "kinds" / "kinds_of_recipes.py"
NAMES = [kind.__name__.replace("_", "-") for kind in KINDS]
EPOCHS = "epochs-with-callbacks"
TOGETHER: tuple[Side, ...] = (("tensorflow", "single", 1), ("jax", "jax_data_parallel", 2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, [kind.__name__ for kind in KINDS])
    return training.train(tmp_path_factory.mktemp("recipes"), scenarios, stepped=(EPOCHS, "weighted-outputs"))


@pytest.mark.long
def test_every_job_completes(trained: Trained) -> None:
    assert trained.failed == {}


@pytest.mark.long
@pytest.mark.parametrize("scenario", NAMES)
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_float64_run_is_what_its_oracle_says(trained: Trained, scenario: str, side: Side) -> None:
    mine, oracle = trained.run(scenario, side, "float64"), trained.oracle(scenario, side)
    assert training.farthest(trained.last(mine), trained.last(oracle)) < 1e-10
    for part in (names.LOSSES, names.EVALUATION):
        assert training.farthest(mine.arrays(part), oracle.arrays(part)) < 1e-10


@pytest.mark.long
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_what_fit_says_is_what_the_oracle_says(trained: Trained, side: Side) -> None:
    mine = trained.run(EPOCHS, side, "float64").arrays(names.HISTORY)
    said = trained.oracle(EPOCHS, side).arrays(names.HISTORY)
    assert mine.keys() - said.keys() == {"accuracy"}, "metrics over the rows that are trained on are not emulated"
    assert training.farthest({name: mine[name] for name in said}, said) < 1e-10
    assert mine["step"].tolist() == [4, 8], "the callback stops training after the second of four epochs"
    assert mine["learning_rate"].tolist() == [0.125, 0.0625]


@pytest.mark.long
@pytest.mark.parametrize("scenario", (EPOCHS, "weighted-outputs"))
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_single_steps_are_what_the_oracle_says(trained: Trained, scenario: str, side: Side) -> None:
    mine, oracle = (trained.step(scenario, side, oracle=one).arrays(names.single_step("0")) for one in (False, True))
    shared = [name for name in mine.keys() & oracle.keys() if name.partition("|")[0] != "forward"]
    assert training.farthest({name: mine[name] for name in shared}, {name: oracle[name] for name in shared}) < 1e-10


@pytest.mark.long
def test_batches_are_read_where_they_can_be(trained: Trained) -> None:
    inputs = trained.store.inputs("weighted-outputs")
    manifest, data = inputs.manifest(), inputs.arrays(names.DATA)
    assert manifest is not None and manifest.facts["environment"] == "tensorflow"
    assert np.array_equal(data["evaluate_x"], kinds_of_recipes.X[48:80])
    assert np.array_equal(data["evaluate_y/first"][:, 0], kinds_of_recipes.LABELS[48:80])


@pytest.mark.long
def test_every_output_is_evaluated(trained: Trained) -> None:
    found = trained.run("weighted-outputs", SIDES[1]).arrays(names.EVALUATION)
    assert {"loss", "first_loss", "second_loss", "second_mae"} <= found.keys()
    assert len([name for name in found if "accuracy" in name]) == 2


@pytest.mark.long
def test_the_numbers_are_those_of_fit_itself(trained: Trained, tmp_path: Path) -> None:
    initial = trained.store.inputs("plain-epochs").arrays(names.initial())
    arrays.write(tmp_path / fitted.INITIAL, dict(initial))
    said = inside_backends.run("fitted", "jax", tmp_path)
    mine = trained.run("plain-epochs", ("jax", "single", 1)).arrays(names.HISTORY)
    assert said.keys() == mine.keys() - {"step"}
    for name, values in said.items():
        assert np.allclose(values, mine[name], rtol=1e-5, atol=0), name


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("few"), MODULE, ["few_steps", "few_steps_cured"])
    return training.train(tmp_path_factory.mktemp("few-run"), scenarios, sides=TOGETHER)


@pytest.mark.parametrize("side", TOGETHER, ids=str)
def test_steps_that_keras_takes_together_are_one(few: Trained, side: Side) -> None:
    assert few.failed == {}
    mine, oracle = few.run("few-steps", side, "float64"), few.oracle("few-steps", side)
    manifest = mine.manifest()
    assert manifest is not None and manifest.status is Status.COMPLETE and manifest.steps == (0, 2, 6, 10, 20)
    assert training.farthest(few.last(mine), few.last(oracle)) < 1e-10
    assert training.farthest(mine.arrays(names.LOSSES), oracle.arrays(names.LOSSES)) < 1e-10


def test_what_fit_says_and_evaluate_does_not_is_cured_by_the_momentum_that_is_named(few: Trained) -> None:
    lagging, cured = (few.run(name, TOGETHER[0]).manifest() for name in ("few-steps", "few-steps-cured"))
    assert lagging is not None and cured is not None
    assert lagging.facts["momentum for 1 %"] == "0.79" and lagging.facts["initial share of moving statistics"] == "82%"
    assert "fit says" in lagging.facts and "fit says" not in cured.facts


@pytest.mark.long
def test_an_epoch_with_uneven_shares_reports_what_its_oracle_does(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    side: Side = ("tensorflow", "tf_mirrored", 2)
    scenarios = training.files(tmp_path_factory.mktemp("uneven"), MODULE, ["uneven_epochs"])
    found = training.train(tmp_path_factory.mktemp("uneven-run"), scenarios, sides=(side,))
    assert found.failed == {}
    mine, oracle = found.run("uneven-epochs", side, "float64"), found.oracle("uneven-epochs", side)
    for part in (names.LOSSES, names.HISTORY):
        assert training.farthest(mine.arrays(part), oracle.arrays(part)) < 1e-10


def test_the_scenario_of_the_document_trains(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = (ROOT / "docs" / "from-a-script.md").read_text(encoding="utf-8")
    scenario = text.split("```python\n")[2].split("```")[0]
    folder = tmp_path_factory.mktemp("document")
    (folder / "eights.py").write_text(scenario)
    found = training.train(tmp_path_factory.mktemp("document-run"), folder, sides=SIDES[1:2])
    assert found.failed == {}
    history = found.run("eights", SIDES[1]).arrays(names.HISTORY)
    assert {"loss", "accuracy", "auc", "val_loss", "val_auc"} <= history.keys()
    assert found.run("eights", SIDES[1]).arrays(names.EVALUATION).keys() == {"loss", "accuracy", "auc"}
