"""Which cells are asked for, and that the variants are scenarios with one thing changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from suite.artifacts.store import Store
from suite.explain.claims import design as designing
from suite.explain.claims.design import BATCH_NORMALIZED, Cell, Design, Variant
from suite.plan import discover
from suite.plan.jobs import Jobs
from suite.records import (
    ConfigurationError,
    Data,
    Environment,
    FoundScenario,
    Job,
    Options,
    Provisioned,
    Run,
    Source,
    Status,
)
from suite.runner import variant
from tests.conftest import Parity


def ready(*names: str) -> dict[str, Provisioned]:
    return {
        name: Provisioned(environment=Environment(name=name, backend="fake"), python="python", digest="1") for name in names
    }


def inputs(data: Data) -> np.ndarray:
    """Of a model with one input."""
    assert isinstance(data.x, np.ndarray)
    return data.x


def targets(data: Data) -> np.ndarray:
    """Of a model with one output."""
    assert isinstance(data.y, np.ndarray)
    return data.y


@pytest.fixture
def base(tmp_path: Path) -> FoundScenario:
    parity = Parity(tmp_path)
    parity.scenario("clusters")
    found, _ = discover.scenarios([tmp_path / "scenarios"], plugins=False)
    return found[0]


@pytest.fixture
def design(base: FoundScenario) -> Design:
    return designing.design(base, ready("a", "b"), Options(devices=(1, 2), reference="b"))


def test_the_factorial_runs_once_in_the_reference_environment(design: Design) -> None:
    assert (design.environment, design.others) == ("b", ("b", "a"))
    cells = design.cells()
    assert len(cells) == len(set(cells))
    levels = Counter((cell.environment, cell.variation, cell.precision) for cell in cells)
    assert levels["b", "plain", "float64"] == 2 * 3 * 2 * 2 * 2
    assert levels["a", "plain", "float64"] == 5  # one device without statistics to synchronize
    assert (
        levels["a", "plain", "float32"] == levels["a", "repeat", "float32"] == levels["b", "plain", "float32"] == 2 * 2 * 2
    )
    assert levels["b", "permuted", "float64"] == 2 and ("a", "permuted", "float64") not in levels


def test_an_uneven_batch_leaves_every_device_rows_and_some_batches_have_none(base: FoundScenario) -> None:
    def rows(batch: int, devices: int) -> int:
        scenario = replace(base.scenario, batch=batch)
        options = Options(devices=(1, devices))
        return designing.design(replace(base, scenario=scenario), ready("a"), options).last_batch

    assert [rows(64, 2), rows(64, 4), rows(4, 2), rows(3, 2), rows(2, 2)] == [5, 11, 3, 0, 0]


def test_without_an_uneven_batch_there_is_one_level(base: FoundScenario) -> None:
    small = replace(base, scenario=replace(base.scenario, batch=2))
    assert len(designing.design(small, ready("a"), Options(devices=(1, 2))).factorial()) == 3 * 2 * 2


def test_no_environment_is_a_sentence(base: FoundScenario) -> None:
    broken = {"a": Provisioned(environment=Environment(name="a", backend="fake"), reason="no network")}
    with pytest.raises(ConfigurationError, match="no environment is ready: a: no network"):
        designing.design(base, broken, Options())
    assert designing.design(base, {**broken, **ready("b")}, Options(devices=(1, 2), reference="a")).environment == "b"


def test_variants_are_scenarios_with_one_thing_changed(design: Design, base: FoundScenario) -> None:
    found = {one.scenario.name: one.scenario for one in designing.variants(design)}
    assert len(found) == 24 + 2
    plain, other = found["clusters.per-replica"], found["clusters.none.uneven.reshuffled.free"]
    assert (plain.synchronized, plain.last_batch, plain.batch) == (False, 0, base.scenario.batch)
    assert (found["clusters.synchronized"].synchronized, other.last_batch) == (True, 5)
    original, same, shuffled = base.scenario.data(), variant.data(plain), variant.data(other)
    assert np.array_equal(inputs(original), inputs(same)) and np.array_equal(targets(original), targets(same))
    assert not np.array_equal(targets(original), targets(shuffled))
    assert sorted(map(tuple, inputs(original))) == sorted(map(tuple, inputs(shuffled)))
    even = variant.data(found["clusters.none.reshuffled"])
    assert np.array_equal(inputs(even), inputs(shuffled)) and np.array_equal(targets(even), targets(shuffled))


def test_a_variant_is_data_that_a_worker_loads_again(design: Design) -> None:
    for made in designing.variants(design):
        source = msgspec.json.decode(msgspec.json.encode(made.source), type=Source)
        loaded = discover.load_scenario(source)
        assert (source, loaded.variant) == (made.source, source.variant)
        assert (loaded.name, loaded.description, loaded.synchronized, loaded.last_batch) == (
            made.scenario.name,
            made.scenario.description,
            made.scenario.synchronized,
            made.scenario.last_batch,
        )
    digests = {made.digest for made in designing.variants(design)}
    assert len(digests) == 24 + 2


def test_another_scenario_makes_other_variants(design: Design, base: FoundScenario) -> None:
    before = {one.scenario.name: one.digest for one in designing.variants(design)}
    after = designing.variants(replace(design, base=replace(base, digest="another")))
    assert all(before[one.scenario.name] != one.digest for one in after)


def test_reordering_keeps_rows_together_and_leaves_the_unused_ones(base: FoundScenario) -> None:
    data = base.scenario.data()
    moved = variant._reordered(replace(data, x={"one": inputs(data), "two": inputs(data)}), 3, 10)
    assert isinstance(moved.x, dict)
    assert np.array_equal(moved.x["one"], moved.x["two"]) and not np.array_equal(moved.x["one"][:10], inputs(data)[:10])
    assert np.array_equal(moved.x["one"][10:], inputs(data)[10:]) and np.array_equal(targets(moved)[10:], targets(data)[10:])
    rows = {tuple(row): label for row, label in zip(inputs(data), targets(data), strict=True)}
    assert all(rows[tuple(row)] == label for row, label in zip(moved.x["one"], targets(moved), strict=True))


def test_the_plan_is_the_cells(design: Design) -> None:
    variants = designing.variants(design)
    strategies, _ = discover.strategies()
    plan = designing.plan(design, variants, ready("a", "b"), strategies, gpus=0, command="parity claims")
    assert len(plan.runs) == len(set(plan.runs)) == len(design.cells())
    for cell in design.cells():
        assert designing.configuration(plan, design, cell) is not None
    nowhere = Cell(variant=Variant(), environment="c", devices=1)
    assert designing.configuration(plan, design, nowhere) is None


def test_a_batch_that_does_not_divide_is_refused_with_its_reason(base: FoundScenario) -> None:
    odd = designing.design(base, ready("a"), Options(devices=(1, 3)))
    plan = designing.plan(odd, designing.variants(odd), ready("a"), discover.strategies()[0], gpus=0, command="")
    assert {run.configuration.devices for run, _, _ in plan.refused} == {3}
    assert {status for _, status, _ in plan.refused} == {Status.UNSUPPORTED}


def test_files_are_loaded_again_at_home_from_plain_float64_runs_only(design: Design, tmp_path: Path) -> None:
    variants = designing.variants(design)
    plan = designing.plan(design, variants, ready("a", "b"), discover.strategies()[0], gpus=0, command="")

    jobs = Jobs(Store(tmp_path / "run"), plan, variants, ready("a", "b")).first()
    reloads = [job for job in designing.needed(jobs, design) if job.kind == "reload"]
    names = {design.name(Variant(normalization=normalization)) for normalization in BATCH_NORMALIZED}
    assert {job.scenario for job in reloads} == names
    for job in reloads:
        assert job.precision == "float64" and {run.configuration.environment for run in job.runs} == {job.environment.name}
    others = [job for job in jobs if job.kind != "reload"]
    assert [job for job in designing.needed(jobs, design) if job.kind != "reload"] == others
    assert isinstance(others[0], Job) and isinstance(plan.runs[0], Run)


def test_a_scenario_in_epochs_has_no_design(base: FoundScenario) -> None:
    in_epochs = replace(base, scenario=replace(base.scenario, epochs=2))
    with pytest.raises(ConfigurationError, match="trains in epochs, and the claims vary single batches"):
        designing.design(in_epochs, ready("a"), Options(devices=(1, 2)))
