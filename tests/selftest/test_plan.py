"""Which faults are injected where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.records import ORACLE, Configuration, Emulation, Options, Plan, Run, UsageError, plain
from suite.selftest.catalogue import FAULTS, SYNC
from suite.selftest.plan import BACKENDS as NAMES
from suite.selftest.plan import (
    Expected,
    Injected,
    check_names,
    chosen,
    device_counts,
    injected,
    restricted,
    scenarios,
    variants,
)

BACKENDS = {name: name for name in NAMES}


def of(name: str) -> list[str]:
    return [one.configuration.id for one in chosen([name], 0, 0, BACKENDS)]


def test_a_fault_is_injected_in_every_strategy_that_it_acts_in() -> None:
    assert of("bn-epsilon-small") == [
        "injected-adam/tensorflow/single+bn-epsilon-small-x1",
        "injected-adam/jax/single+bn-epsilon-small-x1",
        "injected-adam/torch/single+bn-epsilon-small-x1",
        "injected-adam/tensorflow/tf_mirrored+bn-epsilon-small-x2",
        "injected-adam/jax/jax_data_parallel+bn-epsilon-small-x2",
        "injected-adam/torch/torch_ddp+bn-epsilon-small-x2",
    ]
    assert of("gradients-unreduced") == ["injected-adam/torch/torch_ddp+gradients-unreduced-x2"]


def test_faults_of_several_devices_act_over_hosts_too_where_that_is_asked_for() -> None:
    faults = [fault for fault in FAULTS if fault.name in ("bn-epsilon-small", "gradients-unreduced")]
    one_host, hosts = injected(faults, BACKENDS), injected(faults, BACKENDS, over_hosts=True)
    assert set(one_host) < set(hosts)
    assert {one.configuration.id.removeprefix("injected-adam/") for one in set(hosts) - set(one_host)} == {
        "tensorflow/tf_mirrored_hosts+bn-epsilon-small-x2",
        "jax/jax_data_parallel_hosts+bn-epsilon-small-x2",
        "torch/torch_ddp_hosts+bn-epsilon-small-x2",
        "torch/torch_ddp_hosts+gradients-unreduced-x2",
    }
    assert chosen([], 0, 0, BACKENDS, over_hosts=True) == injected(FAULTS, BACKENDS, over_hosts=True)


def test_environments_that_are_not_there_have_none() -> None:
    assert {one.configuration.environment for one in injected(FAULTS, {"jax": "jax"})} == {"jax"}


def test_environments_of_one_backend_have_the_same_faults() -> None:
    found = injected(FAULTS, {"torch": "torch", "torch-next": "torch", "fake-a": "fake"})
    names = [
        {one.fault for one in found if one.configuration.environment == name} for name in ("torch", "torch-next", "fake-a")
    ]
    assert names[0] == names[1]
    assert names[2] == set()


def test_a_sample_is_as_large_as_asked_for_and_the_same_for_one_seed() -> None:
    everything = chosen([], 0, 0, BACKENDS)
    sample = chosen([], 12, 5, BACKENDS)
    assert len(sample) == len(set(sample)) == 12
    assert set(sample) <= set(everything)
    assert sample == chosen([], 12, 5, BACKENDS) != chosen([], 12, 6, BACKENDS)
    assert chosen([], 10_000, 5, BACKENDS) == everything


def test_an_unknown_fault_is_refused_with_those_there_are() -> None:
    check_names(["bn-epsilon-small", "gradient-cut"])
    with pytest.raises(UsageError, match="no fault 'bn-everything'; there are bn-epsilon-small, "):
        check_names(["bn-everything"])


def test_a_fault_of_a_whole_environment_is_compared_with_the_environment_without_it() -> None:
    faulty = Configuration(scenario="random-1", environment="jax-defect", strategy="single", devices=1)
    expected = Expected(causes=("unknown",), stage="forward")
    found = Injected(fault="bias-again", configuration=faulty, expected=expected, original="jax")
    assert found.clean == replace(faulty, environment="jax")


def test_an_environment_with_a_fault_runs_alone_in_that_scenario() -> None:
    def of(scenario: str, environment: str, devices: int) -> Run:
        strategy = "single" if devices == 1 else "jax_data_parallel"
        return plain(Configuration(scenario=scenario, environment=environment, strategy=strategy, devices=devices))

    kept = [of("random-1", "jax", 1), of("random-1", "jax", 2), of("random-1", "jax-defect", 1), of("random-2", "jax", 1)]
    dropped = [of("random-1", "jax-defect", 2), of("random-2", "jax-defect", 1)]
    expected = Expected(causes=("unknown",), stage="forward")
    fault = Injected(fault="bias-again", configuration=kept[2].configuration, expected=expected, original="jax")
    clean = Plan(runs=(*kept, *dropped), refused=(), options=Options(), digest="d")
    assert list(restricted(clean, [fault]).runs) == kept


def test_variants_lie_beside_the_faults_only() -> None:
    faults = chosen(["gradients-unreduced"], 0, 0, BACKENDS)
    assert [one.configuration.id for one in variants(faults, BACKENDS)] == [
        "injected-adam/torch/torch_ddp+variant-layer-x2",
        "injected-adam/torch/torch_ddp+variant-threads-x2",
    ]


def run(strategy: str, devices: int, scenario: str = SYNC, variation: str = "plain") -> Run:
    configuration = Configuration(scenario=scenario, environment="jax", strategy=strategy, devices=devices)
    return Run(configuration=configuration, variation=variation, emulates=Emulation() if strategy == ORACLE else None)


def test_a_plan_keeps_what_is_clean_and_adds_two_runs_of_each_fault() -> None:
    kept = [
        run("single", 1),
        run("single", 1, variation="permuted"),
        run("jax_data_parallel", 2),
        run("jax_data_parallel", 4),
        run(ORACLE, 4, variation=ORACLE),
    ]
    dropped = [run("torch_ddp", 4), run("jax_data_parallel", 4, scenario="injected-adam")]
    faults = chosen(["statistics-unsynchronized"], 0, 0, {"jax": "jax"})
    clean = Plan(runs=(*kept, *dropped), refused=(), options=Options(), digest="d")
    plan = restricted(clean, faults)
    assert list(plan.runs[: len(kept)]) == kept
    assert [one.id for one in plan.runs[len(kept) :]] == [
        f"injected-sync/jax/jax_data_parallel+statistics-unsynchronized-x2/{variation}"
        for variation in ("plain", "plain-float64")
    ]
    assert plan.digest != restricted(clean, ()).digest


def test_more_devices_are_tried_where_statistics_are_synchronized() -> None:
    assert device_counts(["injected-adam"]) == (1, 2)
    assert device_counts([SYNC]) == device_counts([]) == (1, 2, 4)


def test_scenarios_are_those_of_the_faults() -> None:
    faults = chosen(["nesterov", "bn-axis", "learning-rate-of-momentum"], 0, 0, BACKENDS)
    assert scenarios(faults) == ("injected-cnn", "injected-sgd")
