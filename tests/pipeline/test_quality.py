"""With --seeds, every configuration trains from other initial states, and the quality of each two is compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.records import Quality, Status
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, Compared, compared


@pytest.fixture(scope="module")
def folder(parity_of: Callable[[str], Parity]) -> Parity:
    parity = parity_of("quality")
    parity.scenario("clusters")
    parity.environments(CLEAN)
    return parity


@pytest.fixture(scope="module")
def trained(folder: Parity) -> Compared:
    return compared(folder, "--seeds", "3")


def test_every_configuration_trains_from_every_initial_state(trained: Compared, folder: Parity) -> None:
    _, results = trained
    seeds = [row.run for row in results.runs if row.run.variation == "seed"]
    assert {row.status for row in results.runs} == {Status.COMPLETE}
    assert len(seeds) == 3 * len({run.configuration for run in seeds}) == 12
    manifests = [Store(folder.run).run(run).manifest() for run in seeds]
    assert all(manifest is not None and names.has(manifest, names.EVALUATION) for manifest in manifests)


def test_what_differs_by_rounding_is_equivalent_and_four_states_are_paired(trained: Compared) -> None:
    _, results = trained
    assert {one.metric for one in results.quality} == {"loss", "accuracy"}
    alone = [one for one in results.quality if one.a.configuration.devices == one.b.configuration.devices == 1]
    assert len(alone) == 2
    assert {(one.quality, one.states) for one in alone} == {(Quality.EQUIVALENT, 4)}
    assert all(abs(one.difference) < 1e-4 for one in alone)


def test_without_seeds_nothing_is_said_of_quality(folder: Parity) -> None:
    _, results = compared(folder, "--rerun", "failed")
    assert results.quality == ()
