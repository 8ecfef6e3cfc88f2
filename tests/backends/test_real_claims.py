"""The claims on real backends: a tiny scenario with two batch normalizations, few steps, all three backends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.artifacts.store import Store
from suite.commands import main
from suite.records import Status
from suite.report import results_json
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

SCENARIO = """
from suite.records import Data, Scenario


def model():
    import keras

    inner = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, name="dense"), keras.layers.BatchNormalization(name="norm")], name="inner"
    )
    x = keras.Input((8,))
    hidden = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(6, activation="tanh", name="hidden")(x))
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="output")(inner(hidden)))


def subclassed():
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm = keras.layers.BatchNormalization(name="norm")
            self.out = keras.layers.Dense(3, activation="softmax", name="out")

        def call(self, x, training=None):
            return self.out(self.norm(x, training=training))

    return Own()


def data():
    import numpy as np

    random = np.random.default_rng(7)
    y = random.integers(0, 3, 64 + 16).astype("int32")
    x = (random.normal(size=(3, 8))[y] + random.normal(size=(len(y), 8))).astype("float32")
    return Data(x=x[:64], y=y[:64], predict=x[64:])


def optimizer():
    import keras

    return keras.optimizers.SGD(0.125)


SCENARIO = Scenario(
    name="{name}", description="tiny", model={model}, data=data, optimizer=optimizer, loss="sparse_categorical_crossentropy",
    batch=16, steps=4, last_batch={last_batch},
)
"""


def write(folder: Path, name: str, *, model: str = "model", last_batch: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    text = SCENARIO.replace("{name}", name).replace("{model}", model).replace("{last_batch}", str(last_batch))
    (folder / f"{name}.py").write_text(text)
    return folder


def run(command: str, scenarios: Path, name: str, out: Path, *extra: str) -> int:
    return main(
        [command, "--scenario-path", str(scenarios), "--scenario", name, "--device", "cpu", "--out", str(out), *extra]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("claims")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    assert run("claims", write(folder / "scenarios", "tiny"), "tiny", folder) == 0
    claims: dict[str, Any] = json.loads((folder / "claims.json").read_text())
    return claims


@pytest.mark.long
def test_every_cell_has_a_result_where_jax_can_have_one(found: dict[str, Any]) -> None:
    assert found["cells"] == 48
    assert found["missing"] == []
    assert found["drift"] < 1e-12
    assert set(found["environments"]) == {"tensorflow", "jax", "torch"}


@pytest.mark.long
def test_the_claims_are_answered_from_the_runs(found: dict[str, Any]) -> None:
    answers = {claim["number"]: (claim["answer"], claim["because"]) for claim in found["claims"]}
    assert {number: answer for number, (answer, _) in answers.items()} == {
        1: "false", 2: "false", 3: "false", 4: "true", 5: "not testable here", 6: "true", 7: "false",
    }  # fmt: skip
    assert "18 repeats with batch normalization and 18 without" in answers[1][1]
    assert "On torch x2, tensorflow x2 each replica has moving statistics of its own" in answers[6][1]


def given(found: dict[str, Any], factor: str, *by: str) -> dict[tuple[str, ...], float]:
    (interaction,) = [
        one for one in found["interactions"] if one["by"] == list(by) and one["effects"][0]["factor"] == factor
    ]
    return {tuple(level for _, level in one["given"]): one["weights"]["largest"] for one in interaction["effects"]}


@pytest.mark.long
def test_devices_matter_by_normalization_and_by_the_last_batch(found: dict[str, Any]) -> None:
    sizes = given(found, "devices", "normalization", "last batch")
    assert max(sizes["none", "even"], sizes["synchronized", "even"]) < 1e-12
    assert min(value for levels, value in sizes.items() if levels not in (("none", "even"), ("synchronized", "even"))) > 1e-4


@pytest.mark.long
def test_one_device_has_nothing_to_synchronize(found: dict[str, Any]) -> None:
    (effect,) = [one for one in found["effects"] if one["levels"] == ["per replica", "synchronized"]]
    assert effect["weights"]["smallest"] == 0.0 < effect["weights"]["largest"]


@pytest.mark.long
def test_uneven_batches_are_dealt_alike_by_tensorflow_and_torch_and_refused_by_jax(tmp_path: Path) -> None:
    run("compare", write(tmp_path / "scenarios", "uneven", last_batch=7), "uneven", tmp_path / "run", "--devices", "4")
    results = results_json.read(tmp_path / "run" / "results.json")
    (pair,) = [one for one in results.pairs if not any(run.configuration.environment == "jax" for run in one.runs)]
    assert {run.configuration.strategy for run in pair.runs} == {"tf_mirrored", "torch_ddp"}
    last = {judged.quantity: judged.distances.at[-1].float64 for judged in pair.quantities}
    assert last["trainable weights"]["train"] < 1e-12
    assert last["loss"]["loss"] < 1e-12
    jax = [row for row in results.runs if row.run.id == "uneven/jax/jax_data_parallel-x4/plain"]
    assert [(row.status, row.reason) for row in jax] == [
        (
            Status.UNSUPPORTED,
            "JAX shards a batch evenly or not at all (IndivisibleError): "
            "a last batch of 7 rows does not divide by 4 devices",
        )
    ]


def test_a_subclassed_model_keeps_its_batch_normalization_and_says_so(tmp_path: Path) -> None:
    scenarios = write(tmp_path / "scenarios", "own", model="subclassed")
    run("claims", scenarios, "own", tmp_path, "--backend", "torch", "--steps", "2")
    claims = json.loads((tmp_path / "claims.json").read_text())
    assert claims["cells"] == 32
    reasons = {reason for cell, reason in claims["missing"] if ".none" in cell}
    assert len(reasons) == 1 and "its model is subclassed, and only its author can" in reasons.pop()
    answers = [claim["answer"] for claim in claims["claims"]]
    assert answers == ["false", "false", "not testable here", "true", "not testable here", "true", "false"]


def test_a_scenario_without_batch_normalization_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["claims", "--scenario", "control-no-bn", "--backend", "torch", "--device", "cpu", "--out", str(tmp_path)]) == 4
    )
    assert "control-no-bn has no batch normalization, which the claims are about" in capsys.readouterr().err
    assert not (tmp_path / "claims.json").exists()


@pytest.mark.long
def test_without_batch_normalization_the_other_weights_stay(folder: Path, found: dict[str, Any]) -> None:
    store = Store(folder / "claims")
    normalized, plain, free = (
        store.inputs(f"tiny.{name}").arrays("initial") for name in ("per-replica", "none", "none.free")
    )
    assert set(plain) == {name for name in normalized if "norm/" not in name} == set(free)
    assert all((plain[name] == normalized[name]).all() for name in plain)
    assert not (plain["inner/dense/kernel"] == free["inner/dense/kernel"]).all()
