"""Single-step comparison on the real backends: equal semantics agree at every stage, others come apart at the batch
normalization."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts.artifact import Complete
from suite.artifacts.store import Store
from suite.compare import single_step
from suite.engine import provision
from suite.engine.local import Local
from suite.judge import limits
from suite.plan import discover, planning
from suite.plan.environments import environments
from suite.plan.jobs import Jobs
from suite.records import STAGES, Configuration, Emulation, Options, Plan, Run, Semantics, Status
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 1e-10
STATES = ("0", "1", "2", "4", "saturated")
GLOBAL = (("torch", "single", 1), ("tensorflow", "single", 1), ("jax", "single", 1), ("jax", "jax_data_parallel", 2))
PER_REPLICA = (("torch", "torch_ddp", 2), ("tensorflow", "tf_mirrored", 2))
Side = tuple[str, str, int]


def oracle(devices: int, precision: str = "float64") -> Run:
    """A step of what one device, or two with statistics of their own, are declared to compute."""
    own = Semantics(
        batch_statistics="per replica",
        moving_statistics="per replica",
        gradients="mean of replica means",
        live_predictions="own statistics of each replica",
        saved="first replica",
    )
    emulation = Emulation(semantics=own if devices > 1 else Semantics())
    return replace(planning.oracle("article-mlp", "torch", devices, emulation), variation="single-step", precision=precision)


def configuration(side: Side) -> Configuration:
    environment, strategy, devices = side
    return Configuration(scenario="article-mlp", environment=environment, strategy=strategy, devices=devices)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The single-step comparisons of all sides, and of what they declare."""
    single_steps = [
        Run(configuration=configuration(side), variation="single-step", precision="float64")
        for side in (*GLOBAL, *PER_REPLICA)
    ]
    single_steps += [
        Run(configuration=configuration(side), variation="single-step") for side in (*GLOBAL[:2], GLOBAL[3], PER_REPLICA[0])
    ]
    oracles = [oracle(devices, precision) for devices in (1, 2) for precision in ("float64", "float32")]
    return run_all(tmp_path_factory.mktemp("single-step"), "article-mlp", [*single_steps, *oracles])


def run_all(folder: Path, scenario: str, runs: list[Run], scenarios: Path = ROOT / "scenarios") -> Store:
    """These single-step comparisons, from the states of an oracle of four steps."""
    ready = provision.provision(environments(), folder=ROOT / ".environments", device="cpu")
    found = [one for one in discover.scenarios([scenarios], plugins=False)[0] if one.scenario.name == scenario]
    trajectory = planning.oracle(scenario, "torch", 1, Emulation())
    jobs = Jobs(Store(folder), Plan(runs=(trajectory,), refused=(), options=Options(steps=4), digest=""), found, ready)
    environments_folder = ROOT / ".environments"
    with Local().engine(
        ready, folder=folder, environments=environments_folder, cores=2, timeout=600, listen=lambda event: None
    ) as engine:
        ended = {**engine.run([job for job in jobs.first() if job.kind != "reload"])}
        ended |= engine.run(jobs.training(runs))
    assert {job: outcome.reason for job, outcome in ended.items() if outcome.status is not Status.COMPLETE} == {}
    return Store(folder)


MEAN_OF_MEANS = Semantics(gradients="mean of replica means")


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> dict[Side, Complete]:
    """Single-step comparisons of a run of four steps whose last batch has 13 of 32 rows; "oracle" is what several devices
    declare. The model's name has a dot, as MobileNetV2's has, which torch knows no variables by."""
    sides = (("jax", "single", 1), ("tensorflow", "tf_mirrored", 2), ("torch", "torch_ddp", 2))
    runs = {
        side: Run(
            configuration=replace(configuration(side), scenario="uneven-last-batch"),
            variation="single-step",
            precision="float64",
        )
        for side in sides
    }
    emulated = planning.oracle("uneven-last-batch", "torch", 2, Emulation(semantics=MEAN_OF_MEANS))
    runs["torch", "oracle", 2] = replace(emulated, variation="single-step")
    scenarios = tmp_path_factory.mktemp("scenarios")
    text = (ROOT / "scenarios" / "uneven_last_batch.py").read_text()
    text = text.replace("return keras.Sequential(", "chain = keras.Sequential(")
    named = '    )\n    return keras.Model(chain.inputs, chain.outputs, name="mlp_1.0")\n'
    (scenarios / "uneven.py").write_text(text.replace('        name="mlp",\n    )\n', named))
    found = run_all(tmp_path_factory.mktemp("uneven"), "uneven-last-batch", list(runs.values()), scenarios)
    return {side: complete(found, run) for side, run in runs.items()}


def test_the_state_before_an_uneven_batch_shows_what_devices_do_with_it(uneven: dict[Side, Complete]) -> None:
    single, *several, oracle = uneven.values()
    for side in (single, *several, oracle):
        assert (side[1].facts.get("probe"), single_step.states(side[1], side[1])) == (
            None,
            ["0", "1", "2", "3", "4", "saturated"],
        )
        assert side[0].arrays("single-step-3")["forward|norm"].shape == (13, 32)
    for side in several:
        found = farthest(side, oracle)
        assert max(value for (state, _), value in found.items() if state != "saturated") < LIMIT
        apart = farthest(side, single)
        off = {stage for (state, stage), value in apart.items() if state == "3" and value > LIMIT}
        assert off == {"loss", "gradient", "update", "optimizer state"}, "statistics are synchronized, and losses are not"
        assert max(value for (state, _), value in apart.items() if state in ("0", "1", "2")) < LIMIT


def stepped(store: Store, side: Side, precision: str = "float64") -> Complete:
    return complete(store, Run(configuration=configuration(side), variation="single-step", precision=precision))


def complete(store: Store, run: Run) -> Complete:
    artifact = store.run(run)
    manifest = artifact.manifest()
    assert manifest
    return artifact, manifest


@pytest.mark.parametrize("side", [*GLOBAL, *PER_REPLICA])
def test_every_state_has_every_stage(store: Store, side: Side) -> None:
    artifact, manifest = stepped(store, side)
    assert manifest.facts["states"] == ", ".join(STATES)
    assert (manifest.facts.get("probe"), manifest.calls) == (None, ("hidden", "norm", "output"))
    for state in STATES:
        arrays = artifact.arrays(f"single-step-{state}")
        assert {name.partition("|")[0] for name in arrays} == set(STAGES[1:])
        assert not [name for name in arrays if "tap" in name]
        assert {name: arrays[name].shape for name in arrays if name.startswith("forward|")} == {
            "forward|hidden": (64, 128),
            "forward|norm": (64, 128),
            "forward|output": (64, 10),
        }
        assert arrays["batch statistics|norm/moving_mean"].shape == (side[2], 128)
        assert {arrays[f"{stage}|hidden/kernel"].dtype.name for stage in ("gradient", "update")} == {"float64"}


def farthest(a: Complete, b: Complete) -> dict[tuple[str, str], float]:
    """(state, stage) -> the largest distance."""
    found: dict[tuple[str, str], float] = {}
    for state, distances in single_step.stage_distances(a, b).items():
        for one in distances:
            found[state, one.stage] = max(one.value, found.get((state, one.stage), 0.0))
    return found


@pytest.mark.parametrize(("a", "b"), [(GLOBAL[0], GLOBAL[1]), (GLOBAL[0], GLOBAL[2]), (GLOBAL[0], GLOBAL[3]), PER_REPLICA])
def test_equal_semantics_agree_at_every_stage(store: Store, a: Side, b: Side) -> None:
    found = farthest(stepped(store, a), stepped(store, b))
    assert len(found) == len(STATES) * len(STAGES[1:])
    if "tensorflow" in (a[0], b[0]):
        # TensorFlow alone takes the logits before a softmax; the others clip its probabilities, which shows where they are
        # 0.
        assert found["saturated", "loss"] > LIMIT
        found = {
            (state, stage): value for (state, stage), value in found.items() if state != "saturated" or stage == "forward"
        }
    assert {place: value for place, value in found.items() if not value < LIMIT} == {}


@pytest.mark.parametrize("side", [*GLOBAL, *PER_REPLICA])
def test_every_step_is_the_one_that_is_declared(store: Store, side: Side) -> None:
    found = farthest(stepped(store, side), complete(store, oracle(2 if side in PER_REPLICA else 1)))
    assert len(found) == len(STATES) * len(STAGES[1:])
    assert {place: value for place, value in found.items() if place[0] != "saturated" and not value < LIMIT} == {}


@pytest.mark.parametrize("side", PER_REPLICA)
def test_statistics_of_each_replica_come_apart_at_the_batch_normalization(store: Store, side: Side) -> None:
    place = single_step.first(single_step.stage_distances(stepped(store, side), stepped(store, GLOBAL[0])), LIMIT)
    assert place is not None
    assert (place.stage, place.tensor, place.state) == ("batch statistics", "norm/moving_mean", "0")
    assert place.size > 1e-3


@pytest.mark.parametrize("side", [*GLOBAL, *PER_REPLICA])
def test_batch_statistics_are_those_of_the_rows_of_each_device(store: Store, side: Side) -> None:
    """By hand, from what the layer before returned."""
    artifact, _ = stepped(store, side)
    arrays = artifact.arrays("single-step-4")
    groups = 2 if side in PER_REPLICA else 1
    hidden = arrays["forward|hidden"].reshape(groups, -1, 128)
    for name, expected in (("moving_mean", hidden.mean(1)), ("moving_variance", hidden.var(1))):
        found = arrays[f"batch statistics|norm/{name}"]
        assert np.abs(found - np.repeat(expected, side[2] // groups, axis=0)).max() < 1e-13


@pytest.mark.parametrize("side", [*GLOBAL, *PER_REPLICA])
def test_the_gradient_is_the_one_that_makes_the_optimizer_state(store: Store, side: Side) -> None:
    """Adam's first momentum, from nothing: (1 - beta1) times the gradient, and beta1 is 0.875 in a trajectory."""
    arrays = stepped(store, side)[0].arrays("single-step-0")
    for name in ("hidden/kernel", "norm/gamma", "output/kernel"):
        gradient, momentum = arrays[f"gradient|{name}"], arrays[f"optimizer state|{name}/momentum"]
        assert np.linalg.norm(momentum - 0.125 * gradient) < 1e-12 * np.linalg.norm(momentum)


@pytest.mark.parametrize("side", [*GLOBAL[:2], GLOBAL[3], PER_REPLICA[0]])
def test_taps_change_no_bit_of_float32_steps(store: Store, side: Side) -> None:
    artifact, manifest = stepped(store, side, "float32")
    assert "probe" not in manifest.facts
    arrays = artifact.arrays("single-step-0")
    assert {arrays[name].dtype.name for name in ("forward|norm", "gradient|norm/gamma", "update|norm/gamma")} == {"float32"}


@pytest.mark.parametrize("side", [*GLOBAL[:2], GLOBAL[3], PER_REPLICA[0]])
def test_float32_steps_are_within_rounding_of_float64_ones_with_the_same_constants(store: Store, side: Side) -> None:
    devices = 2 if side in PER_REPLICA else 1
    found = farthest(stepped(store, side, "float32"), complete(store, oracle(devices, "float32")))
    for state in STATES[:-1]:
        for stage, floor in limits.STEP_FLOORS.items():
            # Measured: up to 29 floors in torch's one-pass variance, 7 elsewhere.
            assert found[state, stage] < 0.5 * limits.UNSTABLE_FLOORS * floor
    # Float64 runs have other constants, which show: epsilon in the outputs.
    assert farthest(stepped(store, side, "float32"), complete(store, oracle(devices)))["0", "forward"] > 1e-6
