"""Backends that compute the same on one device, and not where replicas compute a part of the batch each."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.explain import over_replicas
from suite.explain.backends import Parting
from suite.records import Code, Emulation, Run, Semantics
from tests.explain.run_folders import Folder, configuration, oracle, steps_of

REPLICATED = Semantics(gradients="mean of replica means")
SEVERAL = Emulation(semantics=REPLICATED)
ENVIRONMENTS = ("torch", "tensorflow", "jax")


def trained(path: Path, kernels: dict[str, float], alone: dict[str, float] | None = None) -> Folder:
    """torch and tensorflow declare replicas, and jax does not. Oracles of two devices train the kernel to these."""
    made = Folder(path, ENVIRONMENTS, devices=(1, 2), declared={2: REPLICATED}, whole=("jax",))
    for run in made.plan.runs:
        where = run.configuration
        by = kernels if where.devices == 2 and where.environment != "jax" else alone or {}
        made.trained(run, by.get(where.environment, 1.0))
    return made


def answered(made: Folder, kernels: dict[str, float], losses: dict[str, float]) -> list[Run]:
    """Everything that is asked for is answered. With all that was asked for."""
    asked: list[Run] = []
    while wanted := over_replicas.further(made.backends()):
        asked += wanted
        for run in wanted:
            name = run.configuration.environment
            if run.variation == "single-step":
                made.stepped(run, {"forward|dense": 1.0, "loss|loss": losses[name]})
            else:
                made.rerun(run, kernels[name])
    return asked


def parting(made: Folder, a: str = "tensorflow", b: str = "torch") -> Parting | None:
    return over_replicas.parting(made.backends(), configuration(a, 2), configuration(b, 2))


def test_the_third_emulates_the_replicas_too_and_shows_which_one_is_off(tmp_path: Path) -> None:
    kernels = {"torch": 3.0, "tensorflow": 1.0, "jax": 1.0}
    made = trained(tmp_path, kernels)
    asked = answered(made, kernels, {"torch": 2.0, "tensorflow": 1.0})
    steps = [steps_of(oracle(name, 2, SEVERAL)) for name in ("torch", "tensorflow")]
    assert set(asked) == {*steps, oracle("jax", 2, SEVERAL)}
    found = parting(made)
    assert found is not None and found.place is not None
    assert (found.off, found.place.stage) == ("torch", "loss")
    [cause] = found.causes
    assert cause.code == Code.ODD_ONE_OUT
    expected = {"others": "jax, tensorflow", "stage": "loss", "tensor": "loss", "replicas": "2"}
    assert dict(cause.detail) == expected


@pytest.mark.parametrize("third", [2.0, None])
def test_without_a_third_that_agrees_nobody_is_off_and_the_place_is_known(tmp_path: Path, third: float | None) -> None:
    kernels = {"torch": 3.0, "tensorflow": 1.0}
    made = trained(tmp_path, kernels)
    for run in over_replicas.further(made.backends()):
        if run.variation == "single-step":
            made.stepped(run, {"loss|loss": kernels[run.configuration.environment]})
        elif third is not None:
            made.rerun(run, third)
    found = parting(made)
    assert found is not None and found.place is not None
    assert (found.off, found.place.stage, [cause.code for cause in found.causes]) == ("", "loss", [Code.UNKNOWN])


def test_what_differs_on_one_device_is_not_explained_by_replicas(tmp_path: Path) -> None:
    made = trained(tmp_path, {"torch": 3.0, "tensorflow": 1.0}, alone={"torch": 3.0})
    assert over_replicas.further(made.backends()) == []
    assert parting(made) is None


def test_what_was_not_compared_on_one_device_does_not_show_over_replicas_alone(tmp_path: Path) -> None:
    made = trained(tmp_path, {"torch": 3.0, "tensorflow": 1.0})
    assert parting(made) is not None
    for run in made.plan.runs:
        if run.configuration.environment == "torch" and run.configuration.devices == 1 and run.precision == "float64":
            made.store.run(run).discard()
    assert over_replicas.further(made.backends()) == []
    assert parting(made) is None


def test_what_agrees_over_replicas_asks_for_nothing(tmp_path: Path) -> None:
    made = trained(tmp_path, {"torch": 3.0, "tensorflow": 3.0})
    assert over_replicas.further(made.backends()) == []
    assert parting(made) is None


def test_a_run_on_one_device_has_no_replicas(tmp_path: Path) -> None:
    made = trained(tmp_path, {"torch": 3.0, "tensorflow": 1.0})
    backends = made.backends()
    assert over_replicas.parting(backends, configuration("tensorflow", 1), configuration("torch", 2)) is None
