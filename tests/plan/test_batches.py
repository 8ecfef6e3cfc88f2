"""How a run's rows become batches and shares of devices, the uneven last batch included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.plan import discover, planning
from suite.plan.batches import Schedule, permuted, schedule, shard
from suite.records import (
    Configuration,
    Data,
    Environment,
    FoundScenario,
    Options,
    Provisioned,
    Run,
    Scenario,
    Source,
    Status,
    shares,
)
from suite.runner.numpy_backend import batch_norm_network as network
from suite.runner.outcome import Unsupported
from suite.runner.rerounding import nudged
from suite.runner.strategies import jax_data_parallel
from tests.conftest import Parity


def nothing() -> Data:
    raise AssertionError("not called")


SCENARIO = Scenario(
    name="one", description="one", model=nothing, data=nothing, optimizer=nothing, loss="mse", batch=8, last_batch=5, steps=3
)


def run(variation: str) -> Run:
    return Run(configuration=Configuration(scenario="one", environment="a", strategy="b", devices=2), variation=variation)


@pytest.mark.parametrize(
    ("rows", "devices", "expected"),
    [(5, 2, (3, 2)), (8, 2, (4, 4)), (5, 4, (2, 2, 1, 0)), (7, 4, (2, 2, 2, 1)), (1, 2, (1, 0)), (9, 1, (9,))],
)
def test_rows_are_dealt_as_tensorflow_deals(rows: int, devices: int, expected: tuple[int, ...]) -> None:
    assert shares(rows, devices) == expected


@pytest.mark.parametrize(("double", "roundoff"), [(False, 2.0**-24), (True, 2.0**-53)])
def test_weights_are_moved_by_one_unit_in_the_last_place_of_what_the_run_computes_in(double: bool, roundoff: float) -> None:
    initial = {"kernel": np.full(100, 1.5, np.float32), "count": np.array(3)}
    run = Run(
        configuration=Configuration(scenario="one", environment="a", strategy="single", devices=1),
        variation="permuted",
        precision="float64",
        index=1,
    )
    moved = nudged(initial, run, 0, double)
    assert set(np.abs(moved["kernel"].astype(np.float64) - 1.5)) == {2 * roundoff}
    assert moved["count"] == 3


def sizes(found: Schedule) -> list[int]:
    return [len(rows) for rows in found.batches]


def test_only_the_last_batch_of_the_whole_run_is_short() -> None:
    assert sizes(schedule(SCENARIO, 100)) == [8, 8, 5]
    assert schedule(SCENARIO, 100).uneven == 2
    assert sizes(schedule(replace(SCENARIO, last_batch=0), 100)) == [8, 8, 8]
    assert schedule(replace(SCENARIO, last_batch=0), 100).uneven is None


def test_rows_come_in_order_and_start_again() -> None:
    found = schedule(SCENARIO, 10, 2)
    assert [rows.tolist() for rows in found.batches] == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 1, 2]]
    assert found.after(5).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_permuted_rows_stay_with_their_device() -> None:
    batches = schedule(SCENARIO, 100).batches
    order = np.concatenate(permuted(run("permuted"), batches, 2, seed=0))
    assert order.tolist() != list(range(21))
    ends = np.cumsum([4, 4, 4, 4, 3, 2])
    for part in np.split(order, ends[:-1]):
        assert sorted(part) == list(range(min(part), max(part) + 1))
    assert order.tolist() != np.concatenate(permuted(replace(run("permuted"), index=2), batches, 2, seed=0)).tolist()


EPOCHS = replace(SCENARIO, last_batch=0, epochs=3)


def test_epochs_take_every_row_once_and_end_with_a_short_batch() -> None:
    found = schedule(EPOCHS, 20)
    assert sizes(found) == [8, 8, 4] * 3
    assert (found.epochs, found.whole, found.uneven) == ((3, 6, 9), 3, 2)
    assert found.fits(9) == (3, 6, 9) and found.segments(9) == (9,)
    assert found.after(9).tolist() == [*range(12, 20)]


def test_a_shuffled_epoch_has_every_row_in_an_order_of_its_own_that_is_always_the_same() -> None:
    found = schedule(replace(EPOCHS, shuffle=True), 20)
    orders = [np.concatenate(found.batches[start : start + 3]).tolist() for start in (0, 3, 6)]
    assert [sorted(order) for order in orders] == [list(range(20))] * 3
    assert orders[0] != orders[1] != orders[2] and list(range(20)) not in orders
    again = schedule(replace(EPOCHS, shuffle=True), 20)
    assert all(np.array_equal(one, other) for one, other in zip(found.batches, again.batches, strict=True))


def test_an_epoch_that_is_cut_is_not_whole() -> None:
    found = schedule(EPOCHS, 20, 5)
    assert (found.steps, found.epochs, found.whole) == (5, (3, 5), 1)


def test_predictions_are_made_after_the_last_epoch_before_the_judged_step() -> None:
    assert schedule(replace(EPOCHS, epochs=9), 20).segments(27) == (18, 27)
    assert schedule(SCENARIO, 100, 30).segments(30) == (20, 30)


def test_losses_in_epochs_are_running_means_over_rows() -> None:
    found = schedule(replace(EPOCHS, epochs=2), 12)
    assert found.reported([1.0, 4.0, 3.0]).tolist() == [1.0, 2.0, 3.0]
    assert schedule(SCENARIO, 100).reported([1.0, 4.0]).tolist() == [1.0, 4.0]
    together = schedule(replace(SCENARIO, last_batch=0, steps=4, steps_per_execution=2), 100)
    assert together.reported([1.0, 3.0, 5.0, 5.0]).tolist() == [2.0, 2.0, 5.0, 5.0]
    assert together.checkpoints(4) == (2, 4)


def test_the_rows_that_each_process_has_seen_begin_anew_with_an_epoch() -> None:
    assert schedule(replace(EPOCHS, epochs=2), 11).counted(3, 2).tolist() == [[4.0, 6.0, 4.0], [4.0, 5.0, 4.0]]


def test_each_process_has_its_share_of_every_batch() -> None:
    rows = np.arange(8 + 5)
    assert shard(rows, 8, 2, 0).tolist() == [0, 1, 2, 3, 8, 9, 10]
    assert shard(rows, 8, 2, 1).tolist() == [4, 5, 6, 7, 11, 12]
    assert shard(rows[:8], 8, 2, 1).tolist() == [4, 5, 6, 7]
    assert shard(rows[:5], 8, 2, 1).tolist() == [3, 4]
    assert shard(rows, 8, 1, 0).tolist() == rows.tolist()


def test_unequal_groups_are_groups_of_their_own() -> None:
    random = np.random.default_rng(0)
    x, y, recipe = random.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1]), network.Recipe()
    weights = {name: value.astype(np.float64) for name, value in network.initial(3, 2, 0).items()}
    moving = ("norm/moving_mean", "norm/moving_variance")
    replicas = weights | {name: np.repeat(weights[name][None], 2, axis=0) for name in moving}
    gradients, statistics, loss = network.step(replicas, x, y, recipe, 2)
    first, second = network.step(weights, x[:3], y[:3], recipe), network.step(weights, x[3:], y[3:], recipe)
    assert np.allclose(gradients["hidden/kernel"], (first[0]["hidden/kernel"] + second[0]["hidden/kernel"]) / 2, rtol=1e-12)
    assert np.array_equal(statistics[moving[0]], np.concatenate([first[1][moving[0]], second[1][moving[0]]]))
    assert loss == pytest.approx((first[2] + second[2]) / 2)


def test_equal_groups_are_what_groups_of_their_own_are() -> None:
    random = np.random.default_rng(0)
    x, y, recipe = random.normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0]), network.Recipe()
    weights = {name: value.astype(np.float64) for name, value in network.initial(3, 2, 0).items()}
    replicas = weights | {name: np.repeat(value[None], 2, axis=0) for name, value in weights.items() if "moving" in name}
    together, apart = network.step(replicas, x, y, recipe, 2), network._unequal(replicas, x, y, recipe, 2)
    for name, value in together[0].items():
        assert np.allclose(value, apart[0][name], rtol=1e-12, atol=1e-15), name
    assert together[2] == pytest.approx(apart[2])


def planned(last_batch: int, devices: int) -> tuple[tuple[Run, Status, str], ...]:
    found = FoundScenario(
        scenario=replace(SCENARIO, last_batch=last_batch), source=Source(kind="file", location="/nowhere"), digest=""
    )
    environment = Provisioned(environment=Environment(name="a", backend="fake"))
    strategies, _ = discover.strategies()
    plan = planning.plan([found], {"a": environment}, {"fake": strategies["fake"]}, Options(devices=(devices,)))
    assert plan.runs
    return plan.refused


def test_a_last_batch_that_leaves_a_device_without_rows_is_refused_before_anything_starts() -> None:
    assert planned(5, 2) == planned(0, 4) == planned(7, 4) == ()
    refused = planned(5, 4)
    assert {status for _, status, _ in refused} == {Status.UNSUPPORTED}
    assert refused[0][2] == (
        "with a last batch of 5 rows, one of 4 devices gets no rows, and backends crash or hang: "
        "give it more rows, or drop it"
    )


def test_jax_refuses_a_batch_that_does_not_divide() -> None:
    drive = jax_data_parallel.Drive.__new__(jax_data_parallel.Drive)
    drive.devices = 2
    drive.adapt(None, replace(SCENARIO, last_batch=4))
    with pytest.raises(Unsupported, match="a last batch of 5 rows does not divide by 2 devices"):
        drive.adapt(None, SCENARIO)


def test_an_uneven_last_batch_changes_what_several_devices_compute_and_one_device_agrees_with_itself(
    tmp_path: Path,
) -> None:
    parity = Parity(tmp_path)
    parity.scenario("uneven", synchronized=True, last_batch=5)
    parity.scenario("ghosts", last_batch=5)
    parity.environments({"fake-a": {"PARITY_FAKE_ORDER": "0"}, "fake-b": {"PARITY_FAKE_ORDER": "1"}})
    _, results = parity.compare()
    assert {row["status"] for row in results["runs"]} == {"complete"}
    verdicts = {(pair["a"], pair["b"]): pair["verdict"] for pair in results["pairs"]}
    one, other = "ghosts/fake-a/fake-x1/plain", "ghosts/fake-b/fake-x1/plain"
    two, again = "ghosts/fake-a/fake-x2/plain", "ghosts/fake-b/fake-x2/plain"
    assert verdicts[one, other] == verdicts[two, again] == "rounding"
    assert verdicts[one, two] == "by design"
