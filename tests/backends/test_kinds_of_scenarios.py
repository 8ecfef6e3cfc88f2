"""Every kind of model, targets and losses trains in every variation, and is what its oracle says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.records import UNCOMPILED, Status
from tests.backends import training
from tests.backends.kinds.kinds_of_scenarios import KINDS
from tests.backends.marks import LONG
from tests.backends.training import SIDES, Side, Trained

pytestmark = LONG

MODULE = Path(__file__).parent / "kinds" / "kinds_of_scenarios.py"
NAMES = [kind.__name__.replace("_", "-") for kind in KINDS]
STEPPED = ("targets-in-a-dict", "frozen", "only-in-a-loss")
LOADED = ("inputs-in-a-tuple", "lambdas", "unknown-class", "registered-metric", "unknown-metric")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, [kind.__name__ for kind in KINDS])
    return training.train(tmp_path_factory.mktemp("kinds"), scenarios, stepped=STEPPED, loaded=LOADED)


def test_every_job_completes(trained: Trained) -> None:
    assert trained.failed == {}


@pytest.mark.parametrize("scenario", NAMES)
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_float64_run_is_what_its_oracle_says(trained: Trained, scenario: str, side: Side) -> None:
    mine, oracle = trained.run(scenario, side, "float64"), trained.oracle(scenario, side)
    apart = training.farthest(trained.last(mine), trained.last(oracle))
    if scenario != "not-a-number":
        assert apart < 1e-10


@pytest.mark.parametrize("scenario", STEPPED)
@pytest.mark.parametrize("side", SIDES, ids=str)
def test_single_steps_have_every_stage(trained: Trained, scenario: str, side: Side) -> None:
    mine, oracle = (trained.step(scenario, side, oracle=one).arrays(names.single_step("0")) for one in (False, True))
    stages = {name.partition("|")[0] for name in oracle}
    assert {name.partition("|")[0] for name in mine} == stages
    shared = [name for name in mine.keys() & oracle.keys() if name.partition("|")[0] != "forward"]
    assert training.farthest({name: mine[name] for name in shared}, {name: oracle[name] for name in shared}) < 1e-10


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_what_is_frozen_does_not_move(trained: Trained, side: Side) -> None:
    moved = {}
    for scenario in ("frozen", "frozen-in-part"):
        run = trained.run(scenario, side)
        first, last = run.arrays(names.step(0)), run.arrays(names.step(5))
        moved[scenario] = {name for name in first if not np.array_equal(first[name], last[name])}
    assert moved == {"frozen": set(), "frozen-in-part": {"output/kernel", "output/bias"}}


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_every_side_goes_to_nan(trained: Trained, side: Side) -> None:
    left = trained.run("not-a-number", side).arrays(names.step(5))
    assert not np.isfinite(left["output/kernel"]).any()


def test_every_output_has_its_own_targets_and_predictions(trained: Trained) -> None:
    data = trained.store.inputs("targets-in-a-dict").arrays(names.DATA)
    whole = {"x", "y/first", "y/second", "sample_weight/first", "sample_weight/second"}
    assert data.keys() == {"predict", *whole, *(f"evaluate_{name}" for name in whole)}
    predicted = trained.run("targets-in-a-dict", SIDES[0]).arrays(names.predictions(5))
    assert predicted.keys() == {"output/first", "output/second", "replica"}


@pytest.mark.parametrize("side", SIDES, ids=str)
@pytest.mark.parametrize("environment", ["tensorflow", "jax", "torch"])
def test_files_load_everywhere_with_what_model_registers(trained: Trained, side: Side, environment: str) -> None:
    for scenario in ("inputs-in-a-tuple", "lambdas"):
        said = trained.reload(scenario, side, environment)
        assert (said.status, said.reason) == (Status.COMPLETE, "")


def test_a_file_that_does_not_load_says_why_and_what_to_do(trained: Trained) -> None:
    said = trained.reload("unknown-class", SIDES[1], "torch")
    assert said.status is Status.FAILED
    assert "Keras does not know the class 'Doubled'" in said.reason and "custom_objects" in said.reason


@pytest.mark.parametrize("side", [side for side in SIDES if side[2] == 1], ids=str)
def test_a_file_that_only_does_not_load_compiled_still_predicts(trained: Trained, side: Side) -> None:
    whole, bare = (trained.reload(name, side, side[0]) for name in ("registered-metric", "unknown-metric"))
    for said in (whole, bare):
        assert (said.status, said.reason) == (Status.COMPLETE, "")
        assert names.has(said, names.predictions(0))
    assert (UNCOMPILED in whole.facts, whole.after_saving, names.has(whole, names.RESUMED)) == (False, "", True)
    assert bare.facts[UNCOMPILED] == bare.after_saving
    assert "it loads only with compile=False: Keras does not know the class 'Near'" in bare.after_saving
    assert not names.has(bare, names.RESUMED)
