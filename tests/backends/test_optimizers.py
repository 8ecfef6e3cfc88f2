"""Every option and wrapper of optimizers trains, is stored by name, and is what its oracle says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.runner import optimizers
from tests.backends import training
from tests.backends.kinds.kinds_of_optimizers import KINDS
from tests.backends.marks import LONG
from tests.backends.training import SIDES, Side, Trained

pytestmark = LONG

MODULE = Path(__file__).parent / "kinds" / "kinds_of_optimizers.py"
NAMES = [f"optimizer-{kind.__name__.replace('_', '-')}" for kind in KINDS]
MIRRORED = SIDES[0]
# Keras (3.15) averages gradients inside the update, and TensorFlow allows that under no condition.
REFUSED = {("optimizer-accumulated", MIRRORED), ("optimizer-overwritten", MIRRORED)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, [kind.__name__ for kind in KINDS])
    folder = tmp_path_factory.mktemp("optimizers")
    return training.train(folder, scenarios, stepped=("optimizer-float16", "optimizer-averaged"))


def test_every_job_completes_or_says_what_keras_cannot_do(trained: Trained) -> None:
    refused = {job: reason for job, reason in trained.failed.items() if "Keras cannot update on a condition" in reason}
    assert {job: reason for job, reason in trained.failed.items() if job not in refused} == {}
    assert len(refused) == 2 * len(REFUSED)


@pytest.mark.parametrize("scenario", NAMES)
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_float64_run_is_what_its_oracle_says(trained: Trained, scenario: str, side: Side) -> None:
    if (scenario, side) in REFUSED:
        return
    mine, oracle = trained.run(scenario, side, "float64"), trained.oracle(scenario, side)
    assert training.farthest(trained.last(mine), trained.last(oracle)) < 1e-10


@pytest.mark.parametrize("scenario", NAMES)
def test_names_are_the_same_on_every_backend(trained: Trained, scenario: str) -> None:
    sides = [side for side in SIDES if (scenario, side) not in REFUSED]
    stored = [trained.last(trained.run(scenario, side)).keys() for side in sides]
    assert all(one == stored[0] for one in stored) and not any("#" in name for name in stored[0])


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_weights_are_taken_when_fit_has_replaced_them_by_their_averages(trained: Trained, side: Side) -> None:
    left = trained.last(trained.run("optimizer-averaged", side))
    averages = {name.removesuffix("/average"): value for name, value in left.items() if name.endswith("/average")}
    assert len(averages) == 8
    for name, average in averages.items():
        assert np.array_equal(left[name], average) and np.any(average)


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_single_step_is_an_update_and_not_yet_an_average(trained: Trained, side: Side) -> None:
    mine = trained.step("optimizer-averaged", side).arrays(names.single_step("0"))
    oracle = trained.step("optimizer-averaged", side, oracle=True).arrays(names.single_step("0"))
    updates = {name: value for name, value in mine.items() if name.startswith("update|")}
    assert training.farthest(updates, {name: oracle[name] for name in updates}) < 1e-10


def test_a_wrapper_has_variables_of_its_own(trained: Trained) -> None:
    for scenario in ("optimizer-loss-scaled", "optimizer-float16"):
        left = trained.last(trained.run(scenario, MIRRORED))
        own = {name for name in left if optimizers.of_a_wrapper(name)}
        assert {name.rpartition("/")[2] for name in own} == {"iteration", "learning_rate", "step_counter", "dynamic_scale"}
        assert int(left["optimizer/iteration"]) == 5 and "dense/kernel/momentum" in left
    left = trained.last(trained.run("optimizer-loss-scaled", MIRRORED))
    assert float(left["optimizer/LossScaleOptimizer/dynamic_scale"]) == 2.0**16
