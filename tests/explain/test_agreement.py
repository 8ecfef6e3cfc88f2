"""Two backends on one device: whether they compute the same, and which runs are asked for to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.explain import further_runs
from suite.judge import equivalence, verdicts
from suite.records import OWN, TRAINING_STEP, Code, Emulation, Semantics, plain
from tests.explain.parted_backends import APART, CLOSE, folder, further
from tests.explain.run_folders import Folder, configuration, dense_call, layerwise, oracle, steps_of


def test_equal_backends_ask_for_the_calls_of_the_reference_alone(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + CLOSE, tensorflow=1.0)
    assert made.backends().agreement.apart == []
    assert further(made) == {layerwise("torch")}, "all of them may be wrong"
    made.recorded("torch", [dense_call()])
    assert further(made) == set()


def test_backends_that_differ_ask_for_steps_and_calls_of_both(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART, tensorflow=1.0 + CLOSE)
    assert set(made.backends().agreement.apart) == {("torch", "jax"), ("jax", "tensorflow")}
    names = ("torch", "jax", "tensorflow")
    assert further(made) == {*(steps_of(oracle(name)) for name in names), *map(layerwise, names)}


def test_they_are_compared_by_their_oracles_whatever_their_strategies_do(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.trained(plain(configuration("jax"), "float64"), 2.0)
    assert made.backends().agreement.apart == []
    missing = folder(tmp_path / "missing", torch=1.0, jax=1.0)
    missing.store.run(oracle("jax")).discard()
    missing.trained(plain(configuration("jax"), "float64"), 2.0)
    assert missing.backends().agreement.apart == [("torch", "jax")], "without an oracle, the float64 runs say it"
    found = missing.backends().agreement.measured("torch", "jax", 2, Emulation())
    assert found == "no oracle was planned", "of several devices, they say nothing of backends"


def test_nobody_is_the_odd_one_out_where_an_oracle_does_not_stand_for_its_run(tmp_path: Path) -> None:
    """As where a callback sets an attribute, which a compiled training step does not see, and its oracle does."""
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART, tensorflow=1.0)
    assert made.backends().agreement.odd_one_out("torch", "jax") == "jax"
    run = plain(configuration("tensorflow"), "float64")
    made.store.run(run).discard()
    made.trained(run, 1.0 + APART)
    agreement = made.backends().agreement
    assert agreement.differ("torch", "jax") and agreement.odd_one_out("torch", "jax") == ""


def test_a_training_step_of_the_models_own_is_in_an_oracle_only_if_that_is_known(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    for name in ("torch", "jax"):
        made.trained(plain(configuration(name)), 2.0, facts={TRAINING_STEP: OWN})
    made.trained(plain(configuration("jax"), "float64"), 2.0)
    agreement = made.backends().agreement
    assert agreement.apart == [("torch", "jax")]
    assert steps_of(plain(configuration("jax"))) in further(made)
    known = agreement.measured("torch", "jax", emulated=True)
    assert not isinstance(known, str) and not equivalence.differs(verdicts.oracle_distance(known))


def test_an_environment_that_trained_nothing_is_compared_with_nobody(tmp_path: Path) -> None:
    backends = folder(tmp_path, torch=1.0, jax=1.0 + APART).backends()
    assert backends.agreement.measured("torch", "tensorflow") == "tensorflow did not train it"
    assert not backends.agreement.differ("torch", "tensorflow")


def test_without_one_device_oracles_are_still_compared(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch", "jax", "tensorflow"], devices=(2,), declared={2: Semantics(saved="first replica")})
    made.all_trained({"torch": 1.0, "jax": 1.0, "tensorflow": 1.0 + APART})
    steps = [steps_of(oracle(name)) for name in ("torch", "jax", "tensorflow")]
    assert further(made) == set(steps), "nothing ran on one device"
    for step, size in zip(steps, (1.0, 1.0, 1.1), strict=True):
        made.stepped(step, {"update|dense/kernel": size})
    assert further(made) == set(), "nor can a hypothesis be tried on what did not run"
    parting = made.backends().parting("torch", "tensorflow")
    assert (parting.off, parting.causes[0].code) == ("tensorflow", Code.ODD_ONE_OUT)


def test_where_oracles_begin_equal_and_the_runs_do_not_the_reruns_that_decide_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a rate that begins at 0 moves nothing in the first step, and losses differ there alone."""
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART)
    monkeypatch.setattr(further_runs, "settled", lambda _: False)
    assert made.backends().agreement.apart == []
    reruns = {run for name in ("torch", "jax") for run in further_runs.permuted_float64(configuration(name))}
    assert further(made) == {layerwise("torch"), *reruns} and len(reruns) == 6


def test_whether_two_differ_does_not_depend_on_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backends = folder(tmp_path, torch=1.0, jax=1.0).backends()
    asked: list[tuple[str, str]] = []

    def measured(a: str, b: str) -> str:
        asked.append((a, b))
        return "not compared"

    monkeypatch.setattr(backends.agreement, "measured", measured)
    for pair in (("torch", "jax"), ("jax", "torch")):
        assert not backends.agreement.differ(*pair)
    assert asked == [("torch", "jax")] * 2
