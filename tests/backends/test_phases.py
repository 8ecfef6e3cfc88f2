"""Trainings in phases are what their oracles say, on several devices too; what backends make of a phase that is not compiled
is seen; several optimizers begin anew in each run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.records import Run, Status
from tests.backends import training
from tests.backends.marks import LONG
from tests.backends.training import Side, Trained

pytestmark = LONG

MODULE = Path(__file__).parent / "kinds" / "kinds_of_phases.py"
AGAIN, NOT_AGAIN, OWN = "compiled-again", "not-compiled-again", "two-optimizers"
SEVERAL: tuple[Side, ...] = (("jax", "single", 1), ("torch", "torch_ddp", 2))
ADVERSARIAL: tuple[Side, ...] = (
    ("tensorflow", "single", 1),
    ("torch", "single", 1),
    ("tensorflow", "tf_mirrored", 2),
    ("torch", "torch_ddp", 2),
)
ALONE: tuple[Side, ...] = (("tensorflow", "single", 1), ("jax", "single", 1), ("torch", "single", 1))


@pytest.fixture(scope="module")
def phased(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, ["compiled_again"])
    return training.train(tmp_path_factory.mktemp("phases"), scenarios, sides=SEVERAL, stepped=(AGAIN,), loaded=(AGAIN,))


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, ["not_compiled_again"])
    return training.train(tmp_path_factory.mktemp("not-compiled"), scenarios, sides=ALONE)


@pytest.mark.parametrize("side", SEVERAL, ids=str)
def test_a_training_in_phases_is_what_its_oracle_says(phased: Trained, side: Side) -> None:
    assert phased.failed == {}
    mine, oracle = phased.run(AGAIN, side, "float64"), phased.oracle(AGAIN, side)
    assert training.farthest(phased.last(mine), phased.last(oracle)) < 1e-10
    for part in (names.LOSSES, names.HISTORY):
        assert training.farthest(mine.arrays(part), oracle.arrays(part)) < 1e-10
    manifest = mine.manifest()
    assert manifest is not None and manifest.phases == (4, 12, 16), "the second phase stops after two epochs"


@pytest.mark.parametrize("side", SEVERAL, ids=str)
def test_what_a_phase_freezes_does_not_move_in_it(phased: Trained, side: Side) -> None:
    states = [phased.run(AGAIN, side).arrays(names.step(step)) for step in (4, 12, 16)]
    frozen = ("hidden/kernel", "norm/gamma", "norm/moving_mean")
    assert all(np.array_equal(states[0][name], states[1][name]) for name in frozen)
    assert all(not np.array_equal(states[1][name], states[2][name]) for name in frozen)


@pytest.mark.parametrize("side", SEVERAL, ids=str)
def test_single_steps_of_every_phase_are_what_the_oracle_says(phased: Trained, side: Side) -> None:
    for state, trained in (("4", "hidden/kernel"), ("5", ""), ("16", "hidden/kernel")):
        mine, oracle = (phased.step(AGAIN, side, oracle=one).arrays(names.single_step(state)) for one in (False, True))
        shared = [name for name in mine.keys() & oracle.keys() if name.partition("|")[0] != "forward"]
        assert training.farthest({name: mine[name] for name in shared}, {name: oracle[name] for name in shared}) < 1e-10
        assert ("gradient|hidden/kernel" in shared) == bool(trained)


def test_a_file_of_the_last_phase_loads_with_its_optimizer(phased: Trained) -> None:
    for form in (names.KERAS_FILE, names.WEIGHTS_FILE):
        said = phased.reload(AGAIN, SEVERAL[0], "jax", form)
        assert (said.status, said.reason) == (Status.COMPLETE, "") and names.has(said, names.optimizer(0))


def test_a_backend_keeps_what_is_trained_or_takes_it_at_once_or_refuses(uncompiled: Trained) -> None:
    tensorflow, _, torch = ALONE
    kept = uncompiled.last(uncompiled.run(NOT_AGAIN, tensorflow, "float64"))
    assert training.farthest(kept, uncompiled.last(uncompiled.oracle(NOT_AGAIN, tensorflow))) < 1e-10
    at_once = uncompiled.last(uncompiled.run(NOT_AGAIN, torch, "float64"))
    said = uncompiled.last(uncompiled.oracle(NOT_AGAIN, torch))
    assert training.farthest(at_once, said) > 1e-3
    assert np.array_equal(
        at_once["hidden/kernel"], uncompiled.run(NOT_AGAIN, torch, "float64").arrays(names.step(2))["hidden/kernel"]
    )
    reasons = [reason for job, reason in uncompiled.failed.items() if "/jax/" in job]
    assert len(reasons) == len(uncompiled.failed) == 2
    assert all(
        "phase 2 is not compiled, and this backend refuses to train what its prepare has changed" in one for one in reasons
    )


def test_several_optimizers_begin_anew_in_each_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    sides: tuple[Side, ...] = (ALONE[0], ALONE[2])
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, ["two_optimizers"])
    found = training.train(tmp_path_factory.mktemp("own"), scenarios, sides=sides, repeated=True)
    assert found.failed == {}
    ends = [found.last(found.run(OWN, side, "float64")) for side in sides]
    assert {"optimizer/slow/iteration", "optimizer/fast/iteration", "first/kernel/momentum"} <= ends[0].keys()
    assert training.farthest(*ends) < 1e-10
    for side, end in zip(sides, ends, strict=True):
        assert training.farthest(end, found.last(found.oracle(OWN, side))) < 1e-10
        plain = found.run(OWN, side)
        repeat = found.store.run(Run(configuration=training._configuration(OWN, side), variation="repeat"))
        assert training.farthest(found.last(plain), found.last(repeat)) == 0


@pytest.fixture(scope="module")
def adversarial(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    scenarios = training.files(tmp_path_factory.mktemp("scenarios"), MODULE, ["adversaries"])
    return training.train(tmp_path_factory.mktemp("adversarial"), scenarios, sides=ADVERSARIAL)


@pytest.mark.parametrize("side", ADVERSARIAL, ids=str)
def test_a_step_of_several_updates_is_what_its_oracle_says(adversarial: Trained, side: Side) -> None:
    assert adversarial.failed == {}
    mine, oracle = adversarial.run("adversaries", side, "float64"), adversarial.oracle("adversaries", side)
    assert training.farthest(adversarial.last(mine), adversarial.last(oracle)) < 1e-10
