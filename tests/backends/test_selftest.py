"""Faults injected in real runs on the real backends, from four families: none goes unseen, and nothing clean is flagged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from tests.backends.marks import LONG

pytestmark = LONG

CHOSEN = ("moving-averaged", "gradients-first", "learning-rate", "save-last-replica")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out: Path = tmp_path_factory.mktemp("selftest")
    chosen = [word for name in CHOSEN for word in ("--fault", name)]
    main(["selftest", "--ground", "built-in", *chosen, "--device", "cpu", "--out", str(out)])
    [ground] = json.loads((out / "selftest.json").read_text())["grounds"]
    return dict(ground)


def test_every_injected_fault_is_detected_in_every_strategy(found: dict[str, Any]) -> None:
    assert {(one["name"], one["environment"], one["strategy"]) for one in found["faults"]} == {
        *((name, *drive) for name in CHOSEN for drive in (("tensorflow", "tf_mirrored"), ("torch", "torch_ddp"))),
        *(("learning-rate", name, "single") for name in ("tensorflow", "jax", "torch")),
        ("learning-rate", "jax", "jax_data_parallel"),
    }
    assert [(one["name"], one["strategy"], one["note"]) for one in found["faults"] if not one["detected"]] == []
    assert min(one["size"] for one in found["faults"]) > 1e-7


def test_nothing_clean_is_flagged(found: dict[str, Any]) -> None:
    assert found["alarms"] == []
    assert found["clean_pairs"] >= 15
