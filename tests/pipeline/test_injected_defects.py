"""The whole pipeline with the fake backend, with each injected defect: its verdict, its cause, its place."""

from __future__ import annotations

import re

import pytest

from suite.runner.numpy_backend.training import DEFECTS
from tests.conftest import Parity
from tests.pipeline.fake_runs import ONE, TWO, checks, injected, pair, steps_of

# defect: (which pair shows it, its verdict, its cause, a quantity that shows it, quantities that stay clean)
WRONG = {
    "epsilon": (
        ONE,
        "different",
        "suspected: batch normalization adds another epsilon to the variance (0.00107422)",
        "trainable weights",
        (),
    ),
    "momentum": (
        ONE,
        "different",
        "suspected: moving statistics move with another momentum (0.9)",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "bessel": (
        ONE,
        "different",
        "suspected: the moving variance is unbiased (divided by n - 1), the normalizing one is not",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "rate": (
        ONE,
        "different",
        "suspected: the learning rate is multiplied by a constant (1.001)",
        "trainable weights",
        (),
    ),
    "summed": (
        TWO,
        "different",
        "suspected: gradients are summed over replicas, not averaged or the loss, or every gradient, is multiplied by a "
        "constant (the gradient, 2)",
        "trainable weights",
        (),
    ),
    "unreduced": (
        TWO,
        "different",
        "suspected: replicas do not exchange gradients (the first one's are used)",
        "trainable weights",
        (),
    ),
    "averaged": (
        TWO,
        "different",
        "suspected: it computes what another declaration says (averaged moving statistics)",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "skipped": (
        ONE,
        "different",
        "suspected: moving statistics move with another momentum (1) or moving statistics are not updated",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "initial": (
        ONE,
        "different",
        "suspected: a tensor starts at another value than the stored one (norm/beta)",
        "trainable weights",
        (),
    ),
    "order": (ONE, "different", "suspected: the first two batches are swapped", "trainable weights", ()),
    "nan": (ONE, "invalid", "output/bias holds NaN or infinity", "trainable weights", ()),
    "noise": (ONE, "noise", "the same run, repeated, differs as much", "trainable weights", ()),
}
PLACES = {
    "epsilon": "forward",
    "momentum": "moving statistics",
    "bessel": "moving statistics",
    "rate": "update",
    "summed": "gradient",
    "unreduced": "gradient",
    "averaged": "moving statistics",
    "skipped": "moving statistics",
    "initial": "initial state",
    "order": "trajectory",
}
BROKEN = {"raise": "failed", "hang": "timed out", "killed": "failed", "half": "failed"}
OTHER = {"unsaved", "swapped", "loaded", "demoted", "wide", "narrow", "crash"}  # tests of their own


def test_every_defect_is_tested() -> None:
    assert set(DEFECTS) == set(WRONG) | set(BROKEN) | OTHER


@pytest.mark.parametrize("defect", WRONG)
def test_a_wrong_run_is_told_from_rounding(parity: Parity, defect: str) -> None:
    devices, verdict, cause, shown, kept = WRONG[defect]
    code, results = injected(parity, defect)
    found = pair(results, f"fake-a/{devices}", f"fake-b/{devices}")
    assert (found["quantities"][shown]["verdict"], found["quantities"][shown]["cause"]) == (verdict, cause)
    assert all(found["quantities"][name]["verdict"] in ("identical", "rounding") for name in kept)
    assert code == (0 if verdict == "noise" else 1)
    if verdict == "different":
        off = {one["run"]: one for one in results["diagnoses"] if one["distance"] and one["distance"] >= 1e-10}
        assert all("fake-b" in run for run in off)
        assert found["side"] == f"clusters/fake-b/{devices}/plain" in off
        assert all(suspect["whole"] and suspect["distance"] < 1e-10 for one in off.values() for suspect in one["suspects"])
        assert off[found["side"]]["place"]["stage"] == PLACES[defect]
    # The other side's own runs stay what they are.
    assert checks(results, f"fake-a/{ONE}", "saved") == {"identical"}


@pytest.mark.parametrize("defect", BROKEN)
def test_a_broken_run_is_a_row_with_its_reason(parity: Parity, defect: str) -> None:
    code, results = injected(parity, defect, "--timeout", "3")
    rows = [run for run in results["runs"] if run["environment"] == "fake-b"]
    assert {run["status"] for run in rows} == {BROKEN[defect]}
    assert all(run["reason"] for run in rows)
    assert all(run["status"] == "complete" for run in results["runs"] if run["environment"] == "fake-a")
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")["verdict"] == "not run"
    assert code == 2
    assert "runs that failed" in results["answer"]


def test_statistics_that_are_not_saved_are_named(parity: Parity) -> None:
    _, results = injected(parity, "unsaved")
    saved = [check for check in results["checks"] if "fake-b/fake-x1" in check["run"] and check["kind"] == "saved"]
    assert {check["quantities"]["moving statistics"]["cause"] for check in saved} == {"not saved: norm/moving_variance"}
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")["verdict"] == "rounding"


def test_tensors_swapped_in_the_file_are_found(parity: Parity) -> None:
    _, results = injected(parity, "swapped")
    saved = next(check for check in results["checks"] if "fake-b/fake-x1" in check["run"] and check["kind"] == "saved")
    assert saved["quantities"]["trainable weights"]["verdict"] == "different"
    assert saved["quantities"]["moving statistics"]["verdict"] == "identical"


def test_who_loads_a_right_file_wrongly_is_named(parity: Parity) -> None:
    _, results = injected(parity, "loaded")
    loaded = {check["run"].split("/")[1]: check for check in results["checks"] if check["kind"] == "reloaded"}
    assert loaded["fake-a"]["quantities"]["trainable weights"]["cause"].endswith("when it is loaded by fake-b")
    assert loaded["fake-b"]["verdict"] == "different"
    assert "fake-a" not in loaded["fake-b"]["cause"], "it loads what it is given as it is"


def test_a_demoted_float64_is_not_trusted(parity: Parity) -> None:
    _, results = injected(parity, "demoted")
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert found["verdict"] == "inconclusive"
    assert "the float64 self-test of fake-b failed" in found["cause"]


def test_a_kernel_that_is_unstable_only_after_some_training_is_found(parity: Parity) -> None:
    code, results = injected(parity, "wide")
    assert code == 1
    for devices in (ONE, TWO):
        found = pair(results, f"fake-a/{devices}", f"fake-b/{devices}")
        assert (found["verdict"], found["cause"]) == ("different", "unstable kernel")
        assert found["side"] == f"clusters/fake-b/{devices}/plain"
    (finding,) = (one for one in results["findings"] if one["verdict"] == "different")
    assert (finding["cause"], finding["side"]) == ("unstable kernel in fake-b", "fake-b")
    place = finding["place"]
    assert (place["stage"], place["tensor"], place["state"]) == ("forward", "norm", "10")
    assert re.search(
        "single float32 steps from 5 common states: from 3 of them fake-b ×([12]) is much farther from float64, "
        r"first from state 10 in forward norm \(fake-a ×\1 [0-9.]+e-8, fake-b ×\1 [0-9.]+e-4\)$",
        finding["evidence"],
    )
    # Nobody is off its declaration, and nothing was asked that does not decide.
    assert all(one["distance"] < 1e-10 for one in results["diagnoses"])
    assert len(steps_of(results)) == 4 + 2


def test_kernels_that_are_as_far_from_float64_on_both_sides_are_not_unstable(parity: Parity) -> None:
    parity.scenario("clusters")
    wide, narrow = ({"PARITY_FAKE_DEFECT": name} for name in ("wide", "narrow"))
    parity.environments({"fake-a": narrow, "fake-b": {"PARITY_FAKE_ORDER": "1", **wide}})
    code, results = parity.compare("--devices", "1")
    assert code == 0
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert (found["verdict"], found["side"]) == ("inconclusive", "")
    assert len(steps_of(results)) == 3
    (finding,) = (one for one in results["findings"] if one["verdict"] == "inconclusive")
    said = "single float32 steps from 5 common states are as far from float64 on both sides, within a factor of 1."
    assert said in finding["evidence"]
    assert finding["evidence"].endswith(": what grows in training is rounding")
