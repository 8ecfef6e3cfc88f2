"""Clean and faulty environments of the fake backend, and how to find a pair or a check in their results.json."""

from __future__ import annotations

from typing import Any

from tests.conftest import Parity

CLEAN = {"fake-a": {"PARITY_FAKE_ORDER": "0"}, "fake-b": {"PARITY_FAKE_ORDER": "1"}}
ONE, TWO = "fake-x1", "fake-x2"


def pair(results: dict[str, Any], a: str, b: str) -> dict[str, Any]:
    found = [one for one in results["pairs"] if (a in one["a"] and b in one["b"]) or (a in one["b"] and b in one["a"])]
    assert len(found) == 1
    first: dict[str, Any] = found[0]
    return first


def checks(results: dict[str, Any], run: str, kind: str) -> set[str]:
    found = {check["verdict"] for check in results["checks"] if run in check["run"] and check["kind"] == kind}
    assert found
    return found


def injected(parity: Parity, defect: str, *extra: str) -> tuple[int, dict[str, Any]]:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": defect}})
    return parity.compare(*extra)


def steps_of(results: dict[str, Any]) -> set[str]:
    return {run["id"] for run in results["runs"] if run["variation"] == "single-step" and run["precision"] == "float32"}
