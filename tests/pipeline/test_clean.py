"""The whole pipeline with the fake backend, without a defect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, ONE, TWO, checks, pair, steps_of


@pytest.fixture(scope="module")
def clean(parity_of: Callable[[str], Parity]) -> tuple[int, dict[str, Any]]:
    parity = parity_of("clean")
    parity.scenario("clusters")
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    return parity.compare()


def test_every_planned_run_is_a_row(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    oracles = [run for run in results["runs"] if run["variation"] == "oracle"]
    assert len(oracles) == 2 + 2  # of each scenario's declarations: on one device, and on two
    assert results["plan"]["runs"] == 2 * 2 * 2 * 6 + len(oracles)
    assert {run["status"] for run in results["runs"]} == {"complete"}


def test_every_run_is_what_its_strategy_declares(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    assert len(results["diagnoses"]) == 8
    assert all(one["distance"] < 1e-10 for one in results["diagnoses"])
    assert checks(results, "", "declared") <= {"identical", "rounding"}


def test_one_device_is_rounding(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-b/{ONE}")
    assert found["verdict"] == "rounding"
    assert not found["quantities"]["trainable weights"]["bits"]


def test_devices_differ_by_what_is_declared(clean: tuple[int, dict[str, Any]]) -> None:
    code, results = clean
    assert code == 0
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-a/{TWO}")
    assert found["verdict"] == "by design"
    assert "batch statistics: global or per replica" in found["cause"]
    assert pair(results, f"clusters/fake-a/{TWO}", f"clusters/fake-b/{TWO}")["verdict"] == "rounding"


def test_the_file_holds_the_first_replica_only(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    assert checks(results, f"clusters/fake-a/{TWO}", "saved") == {"by design"}
    assert checks(results, f"clusters/fake-a/{TWO}", "replica") == {"by design"}
    assert checks(results, f"clusters/fake-a/{ONE}", "saved") == {"identical"}
    assert checks(results, "clusters/", "reloaded") == {"identical"}


def test_synchronized_agrees_everywhere(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    found = {one["verdict"] for one in results["pairs"] if one["scenario"] == "synchronized"}
    assert found <= {"identical", "rounding"}
    assert checks(results, "synchronized/", "saved") == {"identical"}


def test_the_answer_counts_the_pairs(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    assert results["answer"].startswith(
        "Not everywhere, and every difference is by design and was checked: across backends on one device, all 2 pairs "
        "agree; "
    )
    assert "with several devices, 6 of 10 pairs agree and 4 differ by design" in results["answer"]


def test_equal_float32_runs_ask_for_no_steps(clean: tuple[int, dict[str, Any]]) -> None:
    assert steps_of(clean[1]) == set()
