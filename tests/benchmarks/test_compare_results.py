"""Two small results.json, one of each schema, that say the same; and each difference that must be noticed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare_results

DECLARED = "declared otherwise (batch statistics: global or per replica)"
A, B = "planted-mlp/torch/single-x1/plain", "planted-mlp/torch/torch_ddp-x2/plain"
PLACE = {"stage": "gradient", "tensor": "norm/gamma", "state": "0", "size": 0.5, "ratio": 100.0}

Document = dict[str, Any]


def old_quantity(verdict: str, cause: str, float32: float, float64: float) -> Document:
    step = {"step": 1, "plain": {"train": float32}, "envelope": {}, "twin": {"train": float64}, "twin_envelope": {}}
    return {"verdict": verdict, "cause": cause, "trajectory": [step]}


def old() -> Document:
    """Schema 1."""
    quantities = {
        "trainable weights": old_quantity("different", "suspected: gradients are summed", 0.25, 0.5),
        "loss": old_quantity("designed", DECLARED, 0.125, 0.0625),
    }
    check = {"run": A, "kind": "saved", "environment": "torch", "form": "model.keras", "replica": 0, "verdict": "not run"}
    finding = {"verdict": "different", "cause": "suspected: gradients are summed", "pairs": [f"{A} | {B}"], "side": B}
    return {
        "schema": 1,
        "pairs": [
            {
                "a": A,
                "b": B,
                "verdict": "different",
                "cause": "suspected: gradients are summed",
                "side": B,
                "quantities": quantities,
            }
        ],
        "views": [{**check, "cause": "torch x1: it crashed", "quantities": {}}],
        "findings": [{**finding, "place": dict(PLACE)}],
        "diagnoses": [
            {"run": B, "distance": 1.23456e-3, "place": dict(PLACE)},
            {"run": A, "distance": 2e-13, "place": None},
        ],
    }


def new_quantity(name: str, verdict: str, code: str, float32: float, float64: float) -> Document:
    step = {"step": 1, "plain": {"train": float32}, "envelope": {}, "float64": {"train": float64}, "float64_envelope": {}}
    return {"quantity": name, "verdict": verdict, "causes": [{"code": code}], "distances": {"at": [step]}}


def new() -> Document:
    """Schema 2. It says the same, in its own order and its own words."""
    a, b = (name.replace("planted-", "injected-") for name in (A, B))
    quantities = [
        new_quantity("loss", "by design", "by-design", 0.125, 0.0625),
        new_quantity("trainable weights", "different", "gradients-summed", 0.25, 0.5),
    ]
    causes = [{"code": "gradients-summed"}]
    pair = {"a": b, "b": a, "verdict": "different", "causes": causes, "cause": "words", "side": b, "quantities": quantities}
    check = {"run": a, "kind": "saved", "environment": "torch", "form": "model.keras", "replica": 0, "verdict": "not run"}
    place = {**PLACE, "size": 0.4999}
    finding = {"verdict": "different", "causes": causes, "members": [f"{b} | {a}"], "environment": "torch", "side": None}
    return {
        "schema": 2,
        "pairs": [pair],
        "checks": [{**check, "causes": [{"code": "not-run"}], "quantities": []}],
        "findings": [{**finding, "place": place}],
        "diagnoses": [{"run": b, "distance": 1.235e-3, "place": place}, {"run": a, "distance": 3e-12, "place": None}],
    }


def outcome(before: Document, after: Document, tolerance: float = 0.0) -> compare_results.Outcome:
    return compare_results.compare(compare_results.said(before), compare_results.said(after), tolerance)


@pytest.mark.parametrize(("before", "after"), [(old, new), (old, old), (new, new), (new, old)])
def test_two_reports_that_say_the_same_are_the_same(before: Callable[[], Document], after: Callable[[], Document]) -> None:
    found = outcome(before(), after())
    assert found.lines == []
    assert found.largest == 0.0
    counts = {what: (count.of, count.same) for what, count in found.counts.items()}
    assert counts == {
        "pairs": (1, 1),
        "quantities": (2, 2),
        "checks": (1, 1),
        "findings": (1, 1),
        "diagnoses": (2, 2),
        "verdicts": (5, 5),
        "cause codes": (5, 5),
        "sides": (2, 2),
        "places": (3, 3),
        "distances": (6, 6),
    }


def change(document: Document, path: tuple[Any, ...], value: object) -> Document:
    changed = copy.deepcopy(document)
    inner: Any = changed
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return changed


WEIGHTS = ("pairs", 0, "quantities", 1)
STEP = (*WEIGHTS, "distances", "at", 0)
OLD_STEP = ("pairs", 0, "quantities", "trainable weights", "trajectory", 0)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("pairs", 0, "side"), "", "sides: pair injected-mlp/torch/single-x1/plain"),
        (("checks", 0, "verdict"), "invalid", "verdicts: check injected-mlp/torch/single-x1/plain | saved"),
        ((*WEIGHTS, "verdict"), "by design", "different became by design"),
        ((*WEIGHTS, "causes"), [{"code": "unknown"}], "hypothesis became unknown"),
        ((*WEIGHTS, "causes"), [], "hypothesis became none"),
        (("checks", 0, "causes"), [{"code": "constant"}], "not-run became constant"),
        (("findings", 0, "place", "tensor"), "norm/beta", "gradient + norm/gamma + 0 became gradient + norm/beta + 0"),
        (("findings", 0, "environment"), "jax", "sides: finding injected-mlp"),
        (("diagnoses", 0, "place"), None, "gradient + norm/gamma + 0 became none"),
        (("diagnoses", 0, "distance"), None, "0.00123456 became absent"),
        (("diagnoses", 1, "distance"), 2e-10, "2e-13 became 2e-10"),
        ((*STEP, "plain", "train"), 0.2501, "0.25 became 0.2501"),
        ((*STEP, "float64", "train"), 0.4, "float64 train: 0.5 became 0.4"),
        ((*STEP, "plain"), {}, "0.25 became absent"),
        (("pairs",), [], "pairs: injected-mlp/torch/single-x1/plain | injected-mlp/torch/torch_ddp-x2/plain"),
        (("checks",), [], "only before"),
        (("findings",), [], "findings: injected-mlp"),
    ],
)
def test_every_difference_is_named(path: tuple[Any, ...], value: object, said: str) -> None:
    found = outcome(old(), change(new(), path, value))
    assert any(said in line for line in found.lines), found.lines


def test_something_new_is_named() -> None:
    after = new()
    after["checks"].append({**after["checks"][0], "form": "model.weights.h5"})
    (line,) = outcome(old(), after).lines
    assert "model.weights.h5" in line and "only after" in line


def test_only_float64_runs_are_equal_below_their_limit() -> None:
    before = change(old(), (*OLD_STEP, "plain", "train"), 1e-12)
    after = change(new(), (*STEP, "plain", "train"), 2e-12)
    assert outcome(before, after).lines
    before, after = change(old(), (*OLD_STEP, "twin", "train"), 1e-12), change(new(), (*STEP, "float64", "train"), 2e-12)
    assert outcome(before, after).lines == []


def test_the_tolerance_is_relative() -> None:
    after = change(new(), (*STEP, "plain", "train"), 0.2475)
    assert outcome(old(), after, tolerance=0.011).lines == []
    assert len(outcome(old(), after, tolerance=0.009).lines) == 1
    assert outcome(old(), after).largest == pytest.approx(0.01)


def test_the_causes_of_a_pair_are_those_of_all_its_quantities_with_its_verdict() -> None:
    """Schema 1 kept only the first of them."""
    before = change(old(), ("pairs", 0, "quantities", "loss"), old_quantity("different", "unstable kernel", 0.125, 0.0625))
    after = change(new(), ("pairs", 0, "quantities", 0), new_quantity("loss", "different", "unstable-kernel", 0.125, 0.0625))
    after = change(after, ("pairs", 0, "causes"), [{"code": "gradients-summed"}, {"code": "unstable-kernel"}])
    assert outcome(before, after).lines == []


@pytest.mark.parametrize(
    ("sentence", "verdict", "code"),
    [
        (DECLARED, "designed", "by-design"),
        (f"{DECLARED}; not checked", "different", "by-design-unchecked"),
        ("unstable kernel in torch", "different", "unstable-kernel"),
        ("random streams", "designed", "random-streams"),
        ("not saved: dropout/seed_generator_state", "different", "not-saved"),
        ("the file holds an earlier state: that of step 10", "different", "save-stale"),
        ("the file holds another replica's state: that of replica 1", "different", "save-wrong-replica"),
        ("the file holds tensors in each other's place: a in place of b", "different", "save-swapped"),
        ("the file does not hold the optimizer's slots", "different", "slots-not-saved"),
        (
            "the file is right, and the model that is made of it is not when it is loaded by jax",
            "different",
            "loaded-wrongly",
        ),
        (
            "equal in float64, yet float32 is farther apart than its own rounding was measured to be",
            "inconclusive",
            "beyond-envelope",
        ),
        ("the float64 self-test of jax failed: only a float64 twin shows equal semantics", "inconclusive", "no-float64"),
        ("output/bias holds NaN or infinity", "invalid", "invalid"),
        ("unsupported: torch cannot load it", "not run", "not-run"),
    ],
)
def test_a_sentence_of_schema_1_has_a_code(sentence: str, verdict: str, code: str) -> None:
    assert compare_results.codes({"cause": sentence, "verdict": verdict}) == {code}


def test_a_sentence_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="'a moon phase' \\(different\\) is in no row of CODES: add one"):
        compare_results.codes({"cause": "a moon phase", "verdict": "different"})


def test_a_different_schema_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got a results.json of schema 3, wanted one of \(1, 2\)"):
        compare_results.said({"schema": 3})


def test_the_command_prints_a_table_and_exits_with_1_if_anything_is_not_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"{name}.json" for name in ("before", "after", "changed")]
    documents = (old(), new(), change(new(), (*STEP, "plain", "train"), 0.2))
    for file, document in zip(files, documents, strict=True):
        file.write_text(json.dumps(document), encoding="utf-8")
    assert compare_results.main([str(files[0]), str(files[1])]) == 0
    assert "0 are not the same" in capsys.readouterr().out
    assert compare_results.main([str(files[0]), str(files[2])]) == 1
    table = capsys.readouterr().out
    assert "distances               6          5" in table
    assert "largest relative change of a distance: 0.2" in table
    assert "1 are not the same:\ndistances: quantity injected-mlp/torch/single-x1/plain" in table
