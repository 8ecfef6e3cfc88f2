"""What people give to `compile` and `fit` trains on every backend, is what its oracle says, and gives what `fit` gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import arrays, names
from suite.records import Status
from tests.backends import inside_backends, training
from tests.backends.inside import fitted
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


def test_every_job_completes(trained: Trained) -> None:
    assert trained.failed == {}


@pytest.mark.parametrize("scenario", NAMES)
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_float64_run_is_what_its_oracle_says(trained: Trained, scenario: str, side: Side) -> None:
    mine, oracle = trained.run(scenario, side, "float64"), trained.oracle(scenario, side)
    assert training.farthest(trained.last(mine), trained.last(oracle)) < 1e-10
    for part in (names.LOSSES, names.EVALUATION):
        assert training.farthest(mine.arrays(part), oracle.arrays(part)) < 1e-10


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_what_fit_says_is_what_the_oracle_says(trained: Trained, side: Side) -> None:
    mine = trained.run(EPOCHS, side, "float64").arrays(names.HISTORY)
    said = trained.oracle(EPOCHS, side).arrays(names.HISTORY)
    assert mine.keys() - said.keys() == {"accuracy"}, "metrics over the rows that are trained on are not emulated"
    assert training.farthest({name: mine[name] for name in said}, said) < 1e-10
    assert mine["step"].tolist() == [4, 8], "the callback stops training after the second of four epochs"
    assert mine["learning_rate"].tolist() == [0.125, 0.0625]


@pytest.mark.parametrize("scenario", (EPOCHS, "weighted-outputs"))
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_single_steps_are_what_the_oracle_says(trained: Trained, scenario: str, side: Side) -> None:
    mine, oracle = (trained.step(scenario, side, oracle=one).arrays(names.single_step("0")) for one in (False, True))
    shared = [name for name in mine.keys() & oracle.keys() if name.partition("|")[0] != "forward"]
    assert training.farthest({name: mine[name] for name in shared}, {name: oracle[name] for name in shared}) < 1e-10


def test_every_output_is_evaluated(trained: Trained) -> None:
    found = trained.run("weighted-outputs", SIDES[1]).arrays(names.EVALUATION)
    assert {"loss", "first_loss", "second_loss", "second_mae"} <= found.keys()
    assert len([name for name in found if "accuracy" in name]) == 2


def test_the_numbers_are_those_of_fit_itself(trained: Trained, tmp_path: Path) -> None:
    initial = trained.store.inputs("plain-epochs").arrays(names.initial())
    arrays.write(tmp_path / fitted.INITIAL, dict(initial))
    said = inside_backends.run("fitted", "jax", tmp_path)
    mine = trained.run("plain-epochs", ("jax", "single", 1)).arrays(names.HISTORY)
    assert said.keys() == mine.keys() - {"step"}
    for name, values in said.items():
        assert np.allclose(values, mine[name], rtol=1e-5, atol=0), name


def test_steps_that_keras_takes_together_are_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    scenarios = training.files(tmp_path_factory.mktemp("together"), MODULE, ["steps_together"])
    found = training.train(tmp_path_factory.mktemp("together-run"), scenarios, sides=TOGETHER)
    assert found.failed == {}
    for side in TOGETHER:
        mine, oracle = found.run("steps-together", side, "float64"), found.oracle("steps-together", side)
        manifest = mine.manifest()
        assert manifest is not None and manifest.status is Status.COMPLETE and manifest.steps == (0, 2, 4)
        assert training.farthest(found.last(mine), found.last(oracle)) < 1e-10
        assert training.farthest(mine.arrays(names.LOSSES), oracle.arrays(names.LOSSES)) < 1e-10
