"""The whole pipeline with the fake backend, without a defect."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suite.records import ORACLE, Code, Status, Verdict
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, ONE, TWO, Compared, checks, compared, pair, quantity, steps_of

AGREE = {Verdict.IDENTICAL, Verdict.ROUNDING}


@pytest.fixture(scope="module")
def folder(parity_of: Callable[[str], Parity]) -> Parity:
    parity = parity_of("clean")
    parity.scenario("clusters")
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    return parity


@pytest.fixture(scope="module")
def clean(folder: Parity) -> Compared:
    return compared(folder)


def test_every_planned_run_is_a_row(clean: Compared) -> None:
    _, results = clean
    oracles = [row.run for row in results.runs if row.run.variation == ORACLE]
    assert len(oracles) == 2 * (2 + 2)  # in each environment, of each scenario's declarations: on one device, and on two
    assert len(results.plan.runs) == 2 * 2 * 2 * 6 + len(oracles)
    assert set(results.plan.runs) <= {row.run for row in results.runs}
    assert {row.status for row in results.runs} == {Status.COMPLETE}


def test_every_run_does_what_its_strategy_declares(clean: Compared) -> None:
    _, results = clean
    assert len(results.diagnoses) == 8
    assert all(one.distance is not None and one.distance < 1e-10 for one in results.diagnoses)
    assert checks(results, "", "declared") <= AGREE


def test_one_device_is_rounding(clean: Compared) -> None:
    _, results = clean
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-b/{ONE}")
    assert (found.verdict, found.causes) == (Verdict.ROUNDING, ())
    assert not quantity(found, "trainable weights").distances.bits


def test_devices_differ_by_what_is_declared(clean: Compared) -> None:
    code, results = clean
    assert code == 0
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-a/{TWO}")
    assert found.verdict is Verdict.BY_DESIGN
    (cause,) = found.causes
    assert cause.code == Code.BY_DESIGN
    assert dict(cause.detail)["batch statistics"] == "per replica"
    assert all(distance < 1e-10 for _, distance in cause.evidence)
    assert found.place is not None
    assert (found.place.stage, found.place.tensor) == ("batch statistics", "norm/moving_mean")
    assert pair(results, f"clusters/fake-a/{TWO}", f"clusters/fake-b/{TWO}").verdict is Verdict.ROUNDING


def test_the_file_holds_the_first_replica_only(clean: Compared) -> None:
    _, results = clean
    assert checks(results, f"clusters/fake-a/{TWO}", "saved") == {Verdict.BY_DESIGN}
    assert checks(results, f"clusters/fake-a/{TWO}", "replica") == {Verdict.BY_DESIGN}
    assert checks(results, f"clusters/fake-a/{ONE}", "saved") == {Verdict.IDENTICAL}
    assert checks(results, "clusters/", "reloaded") == {Verdict.IDENTICAL}


def test_synchronized_agrees_everywhere(clean: Compared) -> None:
    _, results = clean
    found = [one.verdict for one in results.pairs if one.scenario == "synchronized"]
    assert len(found) == 6
    assert set(found) <= AGREE
    # Each replica predicts its own rows, and how a product of matrices rounds may depend on how many there are.
    assert checks(results, "synchronized/", "saved") <= {Verdict.IDENTICAL, Verdict.ROUNDING}


def test_the_answer_counts_the_causes(folder: Parity, clean: Compared) -> None:
    words = folder.results()["answer"]
    assert words == "Yes, but for 3 expected causes; everything else is equal, up to rounding."


def test_equal_float32_runs_ask_for_no_steps(clean: Compared) -> None:
    assert steps_of(clean[1]) == set()
