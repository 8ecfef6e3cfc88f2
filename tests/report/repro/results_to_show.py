"""Results of one small scenario, with a finding to show, in a run folder with their batches and weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from suite.artifacts.store import Store
from suite.explain import fingerprint
from suite.plan import discover
from suite.records import (
    Cause,
    Code,
    ConsistencyCheck,
    Finding,
    Manifest,
    Member,
    Pair,
    Place,
    Results,
    Source,
    Status,
    Tensor,
    TensorGroup,
    Verdict,
)
from suite.report import repro
from tests.report import sample

SCENARIO = """
from typing import Any
from suite.records import Data, Scenario


def model() -> Any:
    import keras
    return keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="norm")])


def data() -> Data: ...


def optimizer() -> Any:
    import keras
    return keras.optimizers.SGD()


def loss() -> Any:
    import keras
    return keras.losses.MeanSquaredError()


SCENARIO = Scenario(
    name="mine", description="small", model=model, data=data, optimizer=optimizer, loss={loss}, batch=8, {length},
    outputs="{outputs}", dtype_policy="{policy}", synchronized={synchronized},
)
"""
TENSORS = (
    ("gamma", TensorGroup.SCALE_OR_SHIFT, "float32"),
    ("moving_mean", TensorGroup.MOVING_MEAN, "float32"),
    ("moving_variance", TensorGroup.MOVING_VARIANCE, "float32"),
    ("bias", TensorGroup.NEUTRAL_BIAS, "float32"),
)


def prepared(
    folder: Path,
    *,
    loss: str = "loss",
    outputs: str = "probabilities",
    policy: str = "float32",
    synchronized: bool = False,
    epochs: int = 0,
    steps: str = "steps=30",
) -> Results:
    """Results of one scenario that exists, in a run folder with its batches and weights: of 30 steps, or of epochs with the
    rows of each in another order."""
    path = folder / "mine.py"
    length = f"epochs={epochs}, shuffle=True, callbacks=list" if epochs else steps
    path.write_text(SCENARIO.format(loss=loss, outputs=outputs, policy=policy, synchronized=synchronized, length=length))
    inputs = Store(folder).inputs("mine")
    names = [f"norm/{name}" for name, _, _ in TENSORS]
    manifest = Manifest(
        run="prepare/mine",
        status=Status.COMPLETE,
        tensors=(
            *(
                Tensor(name=f"norm/{name}", shape=(4,), dtype=dtype, group=group, layer="norm")
                for name, group, dtype in TENSORS
            ),
            Tensor(name="dropout/seed_generator_state", shape=(2,), dtype="int32", group=TensorGroup.OTHER, layer="dropout"),
        ),
    )
    inputs.begin(manifest)
    rows = np.arange(80.0, dtype=np.float32).reshape(20, 4)
    evaluated = {"evaluate_x": rows[:8], "evaluate_y": np.arange(8, dtype=np.int32)}
    predicted = {"predict/a": rows, "predict/b": rows}
    inputs.add("data", {"x": rows, "y": np.arange(20, dtype=np.int32), **predicted, **evaluated})
    inputs.add("initial", {name: np.ones(4, np.float32) for name in (*names, "dropout/seed_generator_state")})
    inputs.finish(manifest)
    results = sample.results(("mine",), verdicts=(Verdict.DIFFERENT,), healthy=True)
    digest = discover.digest_of(Source(kind="file", location=str(path)))
    row = replace(results.scenarios[0], source=str(path), digest=digest, batch=8, steps=0 if epochs else 30, epochs=epochs)
    return replace(results, scenarios=(row,))


def covering(results: Results, *members: Member) -> Results:
    """The results with one finding, which covers these."""
    finding = Finding(
        verdict=Verdict.DIFFERENT,
        causes=members[0].causes,
        members=members,
        place=Place(stage="gradient", tensor="norm/gamma", state="0", size=0.25, ratio=70.0),
    )
    return replace(results, findings=fingerprint.named([finding]))


def pair(results: Results, a: str, b: str) -> Pair:
    return next(one for one in results.pairs if f"/{a}/" in one.a.id and f"/{b}/" in one.b.id)


def check(results: Results, run: str, kind: str) -> ConsistencyCheck:
    return next(one for one in results.checks if f"/{run}/" in one.run.id and one.kind == kind)


UNSTABLE = (Cause(code=Code.UNSTABLE_KERNEL, subject="jax"),)
PER_REPLICA = (Cause(code=Code.BY_DESIGN, detail=(("batch statistics", "per replica"),)),)
MEMBERS: dict[str, Callable[[Results], Member]] = {
    "one backend": lambda results: pair(results, "tensorflow/single-x1", "tensorflow/tf_mirrored-x2"),
    "two backends": lambda results: pair(results, "tensorflow/single-x1", "jax/single-x1"),
    "two strategies": lambda results: pair(results, "tensorflow/tf_mirrored-x2", "torch/torch_ddp-x2"),
    "jax": lambda results: pair(results, "jax/jax_data_parallel-x2", "torch/torch_ddp-x2"),
    "saved": lambda results: check(results, "tensorflow/tf_mirrored-x2", "saved"),
    "saved by DDP": lambda results: check(results, "torch/torch_ddp-x2", "saved"),
    "reloaded": lambda results: check(results, "torch/torch_ddp-x2", "reloaded"),
    "replica": lambda results: check(results, "tensorflow/tf_mirrored-x2", "replica"),
}


def written(results: Results, folder: Path) -> tuple[str, str, dict[str, np.ndarray]]:
    """Script, bug report and arrays."""
    script = repro.write(results, folder, "1", folder / "out", [folder])
    return script.read_text(), (folder / "out" / repro.REPORT).read_text(), dict(np.load(folder / "out" / repro.ARRAYS))
