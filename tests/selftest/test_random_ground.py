"""The random ground: which models and faults are drawn, and that they are the same today and tomorrow."""

from __future__ import annotations

from collections import Counter

import pytest

from suite.records import Environment
from suite.selftest import random_ground
from suite.selftest.plan import RANDOM, Injected
from suite.selftest.random_ground import Batch, batches, faults_of

ENVIRONMENTS = {name: name for name in ("tensorflow", "jax", "torch")}


def drawn(models: int = 20, sample: int = 0, seed: int = 0, together: int = 5, names: tuple[str, ...] = ()) -> list[Batch]:
    return list(batches(names, models, sample, seed, ENVIRONMENTS, together))


def injected(found: list[Batch]) -> list[Injected]:
    return [one for batch in found for one in batch.injected]


def test_one_seed_gives_one_ground_and_the_next_one_others() -> None:
    assert drawn() == drawn()
    names = [{recipe.name for batch in drawn(seed=seed) for recipe in batch.recipes} for seed in (0, 1)]
    assert len(names[0]) == 20 and not names[0] & names[1]


def test_models_are_the_same_however_many_share_a_folder() -> None:
    assert injected(drawn(together=5)) == injected(drawn(together=7))
    assert [batch.name for batch in drawn(models=7)] == ["random-0-1-5", "random-0-6-7"]
    assert [len(batch.recipes) for batch in drawn(models=7)] == [5, 2]


@pytest.mark.parametrize(("models", "sample", "wanted"), [(4, 0, 4 * random_ground.EACH), (4, 10, 10), (5, 3, 3)])
def test_there_are_as_many_faults_as_asked_for(models: int, sample: int, wanted: int) -> None:
    found = injected(drawn(models=models, sample=sample))
    assert len(found) == len({(one.fault, one.configuration) for one in found}) == wanted
    assert {one.ground for one in found} == {RANDOM}


def test_faults_are_spread_over_all_kinds() -> None:
    counts = Counter(one.fault for one in injected(drawn(models=20)))
    assert len(counts) >= 60
    assert max(counts.values()) <= 6


def test_one_fault_in_each_model_is_a_backends() -> None:
    for batch in drawn():
        for recipe in batch.recipes:
            mine = [one for one in batch.injected if one.configuration.scenario == recipe.name]
            [of_backend] = [one for one in mine if one.original]
            assert of_backend.configuration.environment == f"{of_backend.original}-defect"
            assert of_backend.configuration.fault == ""
            assert any(cause.startswith("definition ") for cause in of_backend.expected.causes)
            assert all(one.configuration.fault.partition("@")[0] == one.fault for one in mine if not one.original)


def test_a_fault_about_one_layer_is_named_with_it() -> None:
    found = [one for one in injected(drawn()) if one.target and not one.original]
    assert found
    assert all(one.configuration.fault == f"{one.fault}@{one.target}" for one in found)


def test_only_named_faults_are_injected() -> None:
    found = injected(drawn(names=("bias-again", "learning-rate")))
    assert {one.fault for one in found} == {"bias-again", "learning-rate"}


def test_an_environment_knows_its_fault_by_the_scenario() -> None:
    [batch] = drawn(models=5)
    for name in {one.configuration.environment for one in batch.injected if one.original}:
        environment = Environment(name=name, backend="jax", faults=faults_of(name, batch.injected))
        for one in batch.injected:
            if one.configuration.environment == name:
                wanted = f"{one.fault}@{one.target}" if one.target else one.fault
                assert environment.fault_in(one.configuration.scenario) == wanted
    assert Environment(name="jax", backend="jax").fault_in("random-1") == ""
