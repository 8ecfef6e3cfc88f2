"""Strategies over several hosts, on the real backends: each computes what it declares, and what it computes on one host."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.artifacts import names
from tests.backends import training
from tests.backends.marks import REAL_BACKENDS
from tests.backends.training import Side, Trained

pytestmark = REAL_BACKENDS

MODULE = Path(__file__).parent / "kinds" / "kinds_of_recipes.py"
EPOCHS, WEIGHTED = "epochs-with-callbacks", "weighted-outputs"
TOGETHER = "few-steps"  # Keras takes and predicts several batches together: not on torch, and not under MirroredStrategy
ON_HOSTS: tuple[tuple[Side, Side], ...] = (
    (("tensorflow", "tf_mirrored_hosts", 2), ("tensorflow", "tf_mirrored", 2)),
    (("jax", "jax_data_parallel_hosts", 2), ("jax", "jax_data_parallel", 2)),
    (("torch", "torch_ddp_hosts", 2), ("torch", "torch_ddp", 2)),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    kinds = [name.replace("-", "_") for name in (EPOCHS, WEIGHTED)]
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, kinds)
    sides = [side for pair in ON_HOSTS for side in pair]
    return training.train(tmp_path_factory.mktemp("hosts"), scenarios, sides=sides, stepped=(WEIGHTED,))


def test_every_job_completes(trained: Trained) -> None:
    assert trained.failed == {}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("together"), MODULE, [TOGETHER.replace("-", "_")])
    return training.train(tmp_path_factory.mktemp("together-run"), scenarios, sides=ON_HOSTS[1])


def test_batches_that_are_predicted_together_keep_their_rows(together: Trained) -> None:
    assert together.failed == {}
    hosts, one_host = (together.run(TOGETHER, side, "float64") for side in ON_HOSTS[1])
    for part in (names.predictions(20), names.LOSSES, names.EVALUATION):
        assert training.farthest(hosts.arrays(part), one_host.arrays(part)) < 1e-10


@pytest.mark.parametrize("scenario", [EPOCHS, WEIGHTED])
@pytest.mark.parametrize(("hosts", "one_host"), ON_HOSTS, ids=str)
def test_it_is_what_it_declares_and_what_one_host_computes(
    trained: Trained, scenario: str, hosts: Side, one_host: Side
) -> None:
    mine, same, oracle = (
        trained.run(scenario, hosts, "float64"),
        trained.run(scenario, one_host, "float64"),
        trained.oracle(scenario, hosts),
    )
    for other in (same, oracle):
        assert training.farthest(trained.last(mine), trained.last(other)) < 1e-10
        for part in (names.LOSSES, names.EVALUATION):
            assert training.farthest(mine.arrays(part), other.arrays(part)) < 1e-10
    manifest = mine.manifest()
    assert manifest is not None
    parts = [names.predictions(manifest.predicted[-1]), *(names.replica(index) for index in range(2))]
    parts += [names.HISTORY] if scenario == EPOCHS else []
    for part in parts:
        assert training.farthest(mine.arrays(part), same.arrays(part)) < 1e-10, part


@pytest.mark.parametrize(("hosts", "one_host"), ON_HOSTS, ids=str)
def test_its_single_steps_are_those_of_one_host_stage_by_stage(trained: Trained, hosts: Side, one_host: Side) -> None:
    mine, same = (trained.step(WEIGHTED, side).arrays(names.single_step("0")) for side in (hosts, one_host))
    stages = {name.partition("|")[0] for name in mine}
    assert {"forward", "loss", "gradient", "update", "moving statistics"} <= stages
    assert training.farthest(dict(mine), dict(same)) < 1e-10
