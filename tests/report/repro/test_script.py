"""Every kind of script is Python that names no suite, with the batches and weights of the run; its bug report is ready.

That they show what they say is tested on the real backends, in tests/backends/test_repro.py.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from suite.plan import batches, discover
from suite.records import ConfigurationError, Judged, Results, Source
from suite.report import declared_words
from tests.report.repro.results_to_show import MEMBERS, PER_REPLICA, UNSTABLE, covering, pair, prepared, written


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("outputs", ["probabilities", "logits", "values"])
@pytest.mark.parametrize("name", MEMBERS)
def test_every_kind_of_script_is_python_of_keras_alone(tmp_path: Path, name: str, outputs: str, device: str) -> None:
    results = prepared(tmp_path, outputs=outputs, policy="mixed_bfloat16", synchronized=device == "gpu")
    results = replace(results, plan=replace(results.plan, options=replace(results.plan.options, device=device)))
    if outputs == "values":
        results = with_metric(results, "pmax", "values")
    text, report, _ = written(covering(results, MEMBERS[name](results)), tmp_path)
    tree = ast.parse(text)
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {one for one in modules if one.startswith(("suite", "scenarios", "typing"))}
    assert undefined(tree) == set()
    assert len(text.splitlines()) < 270
    assert text.rstrip() in report
    assert 'keras.config.set_dtype_policy("mixed_bfloat16")' in text
    assert ("CPU" in text or "cpu" in text) <= (device == "cpu")


def with_metric(results: Results, old: str, new: str) -> Results:
    """The results of a regression: predictions have a different metric."""

    def renamed(judged: Judged) -> Judged:
        at = tuple(
            replace(one, plain={new if key == old else key: value for key, value in one.plain.items()})
            for one in judged.distances.at
        )
        limits = {new if key == old else key: value for key, value in judged.limits.items()}
        return replace(judged, limits=limits, distances=replace(judged.distances, at=at))

    return replace(
        results,
        pairs=tuple(replace(one, quantities=tuple(renamed(judged) for judged in one.quantities)) for one in results.pairs),
        checks=tuple(replace(one, quantities=tuple(renamed(judged) for judged in one.quantities)) for one in results.checks),
    )


def undefined(tree: ast.Module) -> set[str]:
    """Names that are read and nowhere bound: what a template left out and still uses."""
    bound = set(dir(__builtins__)) | set(__builtins__ if isinstance(__builtins__, dict) else ())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return read - bound - {"__file__", "__name__"}


def test_batches_and_weights_are_those_of_the_run_in_the_models_order(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    text, _, arrays = written(covering(results, MEMBERS["one backend"](results)), tmp_path)
    assert [name for name in sorted(arrays) if name.startswith("start ")] == [
        "start 000 norm/gamma", "start 001 norm/moving_mean", "start 002 norm/moving_variance", "start 003 norm/bias",
    ]  # fmt: skip
    assert arrays["x"].shape == (20 * 8, 4)  # the judged step, though the scenario trains longer
    assert arrays["y"].tolist() == [index % 20 for index in range(160)]
    assert arrays["predict/a"].shape == (16, 4)  # whole batches
    assert "evaluate_x" not in arrays
    assert "STEPS = 2, 8, 20" in text
    assert 'neutral = ["start 003 norm/bias"]' in text


def test_of_epochs_the_batches_before_the_first_that_is_not_full_are_shown(tmp_path: Path) -> None:
    """Rows are in the order of the first epoch, which is another one than that of the data."""
    results = prepared(tmp_path, epochs=3)
    text, _, arrays = written(covering(results, MEMBERS["one backend"](results)), tmp_path)
    scenario = discover.load_scenario(Source(kind="file", location=str(tmp_path / "mine.py")))
    first, second, short, *_ = batches.schedule(scenario, 20).batches
    assert arrays["y"].tolist() == [*first, *second] != list(range(16)) and len(short) == 4
    assert "STEPS = 2, 8, 2" in text and "The callbacks of the training" in text
    results = replace(results, plan=replace(results.plan, options=replace(results.plan.options, steps=1)))
    text, _, arrays = written(covering(results, MEMBERS["one backend"](results)), tmp_path)
    assert arrays["y"].tolist() == first.tolist() and "STEPS = 2, 8, 1" in text


@pytest.mark.parametrize(("steps", "shown"), [(30, 20), (10, 9)])
def test_a_last_batch_that_is_not_full_is_in_no_script(tmp_path: Path, steps: int, shown: int) -> None:
    """It is the last one of the run, and not of what a script shows."""
    results = prepared(tmp_path, steps=f"steps={steps}, last_batch=4")
    text, _, arrays = written(covering(results, MEMBERS["saved by DDP"](results)), tmp_path)
    assert f"STEPS = 2, 8, {shown}" in text
    assert arrays["y"].tolist() == [row % 20 for row in range(8 * shown)]


def test_without_a_full_batch_there_is_no_script(tmp_path: Path) -> None:
    results = prepared(tmp_path, steps="steps=1, last_batch=4")
    with pytest.raises(ConfigurationError, match="mine has no full batch"):
        written(covering(results, MEMBERS["saved"](results)), tmp_path)


def test_several_inputs_go_by_name(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    text, _, _ = written(covering(results, MEMBERS["saved"](results)), tmp_path)
    assert 'net.predict({"a": ARRAYS["predict/a"], "b": ARRAYS["predict/b"]}, batch_size=BATCH' in text
    text, _, _ = written(covering(results, MEMBERS["saved by DDP"](results)), tmp_path)
    assert '{"a": ARRAYS["predict/a"][part(16)], "b": ARRAYS["predict/b"][part(16)]}' in text


def test_an_unstable_kernel_is_shown_against_float64(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    off = pair(results, "tensorflow/single-x1", "jax/single-x1")
    off = replace(off, causes=UNSTABLE, side=off.b)
    results = replace(results, pairs=(off,))
    text, report, arrays = written(covering(results, off), tmp_path)
    assert 'BACKENDS = {"jax": "jax"}' in text
    assert "STEPS = 1, 8, 1" in text
    assert arrays["x"].shape == (8, 4)
    assert "# jax: one training step in float32 is far from the same step in float64" in report
    assert undefined(ast.parse(text)) == set()


def test_a_kernel_that_is_unstable_only_later_is_shown_as_the_pair(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    off = pair(results, "tensorflow/single-x1", "jax/single-x1")
    off = replace(off, causes=UNSTABLE, side=off.b)
    quantities = tuple(
        replace(one, distances=replace(one.distances, at=tuple(at for at in one.distances.at if at.step > 1)))
        for one in off.quantities
    )
    off = replace(off, quantities=quantities)
    text, report, _ = written(covering(replace(results, pairs=(off,)), off), tmp_path)
    assert "STEPS = 1, 8, 20" in text
    assert "one training step in float32" not in report


def test_the_bug_report_is_ready(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    shown = replace(MEMBERS["one backend"](results), causes=PER_REPLICA)
    _, report, _ = written(covering(results, shown), tmp_path)
    for words in (
        "# tensorflow on one device and tensorflow on 2 devices (tf_mirrored) train different models from the same start",
        "| trainable weights | train | 4.00e-02 | 5.00e-06 |",
        'It begins at the stage "gradient", in `norm/gamma` (2.5e-01, 70 times the limit of rounding).',
        "| tensorflow | keras | 3.15.1 |",
        f"Until it is fixed: {declared_words.SYNCHRONIZE} ({declared_words.PER_REPLICA_ISSUE})",
        "`--synchronized` computes batch statistics over all devices. The suite has not run this script with it.",
        "devices: 1 x cpu / 2 x cpu",
    ):
        assert words in report
    assert "| torch |" not in report
