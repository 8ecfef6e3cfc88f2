"""What a script's sides are told of devices and precision."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from suite.records import Environment, Results
from suite.report.repro import numerics
from tests.report import sample
from tests.report.repro.results_to_show import covering, pair, prepared, written


def on(results: Results, **environments: Mapping[str, object]) -> Results:
    """The same with environments that compute so."""
    made = []
    for ready in results.environments:
        changed = environments.get(ready.environment.name, {"device": "gpu", "precision": "default"})
        made.append(replace(ready, environment=replace(ready.environment, **changed)))  # type: ignore[arg-type]
    return replace(results, environments=tuple(made))


RESULTS = sample.results(healthy=True)


def test_on_cpus_there_is_nothing_to_say() -> None:
    cpu = {"device": "cpu", "precision": "exact", "deterministic": True}
    results = on(RESULTS, torch=cpu, jax=cpu)
    assert numerics.variables(results, ("torch", "jax")) == {}


def test_a_side_on_a_cpu_sees_no_gpu_and_an_exact_one_rounds_no_operands() -> None:
    results = on(RESULTS, torch={"device": "cpu"}, jax={"device": "gpu", "precision": "exact"})
    found = numerics.variables(results, ("torch", "jax", "tensorflow"))
    assert found["torch"] == {"CUDA_VISIBLE_DEVICES": ""}
    assert found["jax"] == {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
    assert found["tensorflow"] == {}


def test_deterministic_kernels_are_asked_for_before_the_import() -> None:
    results = on(RESULTS, torch={"device": "gpu", "deterministic": True})
    assert numerics.variables(results, ("torch",))["torch"]["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_the_script_gives_them_to_each_side(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    found = pair(results, "tensorflow/single-x1", "jax/single-x1")
    sides = [run.configuration.environment for run in found.runs]
    one = replace(results, pairs=(found,), checks=())
    assert "NUMERICS" not in _script(one, tmp_path)
    text = _script(on(one, **{sides[0]: {"device": "cpu"}}), tmp_path)
    ast.parse(text)
    assert f'"{sides[0]}": {{"CUDA_VISIBLE_DEVICES": ""}}' in text
    assert "**NUMERICS[side]" in text


def _script(results: Results, folder: Path) -> str:
    return written(covering(results, *results.pairs), folder)[0]


def test_an_environment_without_a_device_is_none_on_a_gpu() -> None:
    assert numerics._of(Environment(name="a", backend="torch")) == {"CUDA_VISIBLE_DEVICES": ""}
