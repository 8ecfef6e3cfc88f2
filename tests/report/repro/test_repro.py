"""Which case of a finding a script shows, and that every kind of script is Python that names no suite.

That they show what they say is tested on the real backends, in tests/backends/test_repro.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.artifacts.store import Store
from suite.commands import main
from suite.explain import findings, fingerprint
from suite.plan import discover
from suite.records import (
    Cause,
    Code,
    ConfigurationError,
    ConsistencyCheck,
    Finding,
    Judged,
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
from suite.report import declared_words, repro, results_json
from suite.report.repro import case
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
    name="mine", description="small", model=model, data=data, optimizer=optimizer, loss={loss}, batch=8, steps=30,
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
    folder: Path, *, loss: str = "loss", outputs: str = "probabilities", policy: str = "float32", synchronized: bool = False
) -> Results:
    """Results of one scenario that exists, in a run folder with its batches and weights."""
    path = folder / "mine.py"
    path.write_text(SCENARIO.format(loss=loss, outputs=outputs, policy=policy, synchronized=synchronized))
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
    return replace(results, scenarios=(replace(results.scenarios[0], source=str(path), digest=digest, steps=30),))


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


def test_one_backend_before_two_and_one_device_before_several(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    every = covering(results, *results.pairs)
    chosen = case.choose(every, every.findings[0], "", {"mine": 10})
    assert chosen.sides == (("tensorflow", "single"), ("tensorflow", "tf_mirrored"))
    across = covering(results, MEMBERS["two strategies"](results), MEMBERS["two backends"](results))
    assert {strategy for _, strategy in case.choose(across, across.findings[0], "", {}).sides} == {"single"}


def test_no_confounded_pair_is_shown_while_there_is_another(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    confounded = pair(results, "tensorflow/single-x1", "torch/torch_ddp-x2")
    simple = pair(results, "jax/single-x1", "torch/single-x1")
    for members, wanted in (((confounded, simple), simple), ((confounded,), confounded)):
        found = covering(results, *members)
        assert case.choose(found, found.findings[0], "", {}).member == wanted


def test_the_side_that_is_off_takes_part(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    others, with_it = (
        pair(results, "tensorflow/single-x1", "jax/single-x1"),
        pair(results, "jax/single-x1", "torch/single-x1"),
    )
    found = covering(results, others, with_it)
    finding = replace(found.findings[0], environment="torch")
    assert case.choose(found, finding, "", {}).member == with_it


def test_a_bug_report_says_nothing_that_is_within_rounding(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    found = covering(results, MEMBERS["two backends"](results))
    chosen = case.choose(found, found.findings[0], "", {})
    assert {metric for _, metric, _, _ in case.measured(chosen)} == {"train", "mean", "var"}
    near = with_limit(chosen, "mean", 1e6)
    assert {metric for _, metric, _, _ in case.measured(near)} == {"train", "var"}
    numbers = (("a", 0.25), ("b", 1e-7), ("states", 4.0), ("measured", 4.0))
    unstable = replace(chosen.member, causes=(replace(UNSTABLE[0], evidence=numbers),))
    first, *_ = case.measured(replace(chosen, member=unstable, kind="unstable"))
    assert first[1:] == ("one step", 0.25, case.ONE_STEP)


def with_limit(chosen: case.Case, metric: str, limit: float) -> case.Case:
    quantities = tuple(replace(one, limits={**one.limits, metric: limit}) for one in chosen.member.quantities)
    return replace(chosen, member=replace(chosen.member, quantities=quantities))


def test_runs_against_their_declaration_are_shown_by_their_pairs(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    declared = replace(check(results, "jax/single-x1", "saved"), kind="declared", form="")
    results = replace(results, checks=(declared,))
    every = covering(results, declared)
    chosen = case.choose(every, every.findings[0], "", {})
    assert chosen.kind == "pair"
    assert "jax" in {name for name, _ in chosen.sides}


def test_a_difference_within_rounding_and_an_unknown_strategy_cannot_be_shown(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    found = pair(results, "tensorflow/single-x1", "tensorflow/tf_mirrored-x2")
    near = replace(found, quantities=tuple(replace(one, limits=dict.fromkeys(one.limits, 0.02)) for one in found.quantities))
    odd = replace(found, b=replace(found.b, configuration=replace(found.b.configuration, strategy="own_strategy")))
    for member in (near, odd):
        with pytest.raises(ConfigurationError, match="cannot be shown by a script: none of its 1 pairs and checks"):
            repro.write(covering(replace(results, pairs=(member,)), member), tmp_path, "1", tmp_path / "out", [tmp_path])


def test_a_finding_by_number_by_fingerprint_and_by_a_part() -> None:
    results = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)
    named = fingerprint.named(findings.group(results.members, ()))
    results = replace(results, findings=named)
    for number, one in enumerate(named, 1):
        assert case.find(results, str(number)) == (one, "")
        assert case.find(results, one.fingerprint[:9]) == (one, "")
        assert case.find(results, one.fingerprint) == (one, "")
    part = named[-1].parts[1]
    assert case.find(results, part.fingerprint) == (named[-1], part.scenario)
    for wanted in ("zz", "9z"):
        with pytest.raises(
            ConfigurationError, match=re.escape(f"no findings match '{wanted}', but exactly one must: the report has 1 (")
        ):
            case.find(results, wanted)
    with pytest.raises(ConfigurationError, match=f"{len(named)} findings match ''"):
        case.find(results, "")


def test_without_its_run_folder_or_its_scenario_it_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = prepared(tmp_path)
    alone = tmp_path / "elsewhere" / "results.json"
    results_json.write(covering(results, MEMBERS["one backend"](results)), alone)
    there = ["--scenario-path", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["repro", "1", "--results", str(alone), *there]) == 3
    assert "does not hold the batches and weights of mine" in capsys.readouterr().err
    (tmp_path / "mine.py").unlink()
    results_json.write(covering(results, MEMBERS["one backend"](results)), tmp_path / "results.json")
    assert main(["repro", "1", "--results", str(tmp_path / "results.json"), *there]) == 3
    assert (
        f"{tmp_path / 'mine.py'} is in no folder of scenarios here: give its folder with --scenario-path"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- what is in results.json becomes no code


def marked(folder: Path) -> str:
    """Python that leaves a file: it must never run."""
    return f"__import__('pathlib').Path({str(folder / 'ran')!r}).touch()"


def test_a_file_is_executed_only_where_the_user_says_that_scenarios_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = prepared(tmp_path)
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + marked(tmp_path))
    digest = discover.digest_of(Source(kind="file", location=str(tmp_path / "mine.py")))
    results = replace(results, scenarios=(replace(results.scenarios[0], digest=digest),))
    results_json.write(covering(results, MEMBERS["one backend"](results)), tmp_path / "results.json")
    assert main(["repro", "1", "--results", str(tmp_path / "results.json"), "--out", str(tmp_path / "out")]) == 3
    assert "is in no folder of scenarios here: give its folder with --scenario-path" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("source", ["mine.py", "../mine.py", "/elsewhere/mine.py", "C:\\there\\mine.py"])
def test_a_file_that_is_not_the_one_that_ran_is_not_executed(tmp_path: Path, source: str) -> None:
    results = prepared(tmp_path)
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + marked(tmp_path))
    results = replace(results, scenarios=(replace(results.scenarios[0], source=source),))
    with pytest.raises(ConfigurationError, match=r"mine\.py is not the scenario that ran \(its sha256 differs\)"):
        written(covering(results, MEMBERS["one backend"](results)), tmp_path)
    assert not (tmp_path / "ran").exists()


PAYLOADS = (
    '"""\nCODE\n"""', "\nCODE\n", "'''\nCODE\n'''", "\\", '"', "\u2028CODE\u2028", "\rCODE\r", "\x0cCODE\x0c",
    "```\n# a heading", "{% CODE %}", "{{ 7 * 191 }}",
)  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_words_and_versions_become_no_code(tmp_path: Path, payload: str) -> None:
    hostile = payload.replace("CODE", marked(tmp_path))
    results = prepared(tmp_path)
    environments = tuple(replace(one, packages={"keras": hostile, hostile: "1"}) for one in results.environments)
    rows = tuple(replace(row, facts={"machine": hostile, "devices": hostile}) for row in results.runs)
    cause = (Cause(code=Code.UNKNOWN, subject=hostile, detail=(("reason", hostile),)),)
    member = replace(MEMBERS["two backends"](results), causes=cause)
    results = covering(replace(results, environments=environments, runs=rows), member)
    place = Place(stage=hostile, tensor=hostile, state="0", size=0.25, ratio=70.0)
    results = replace(results, findings=tuple(replace(one, place=place) for one in results.findings))
    script, report, _ = written(results, tmp_path)
    tree = ast.parse(script)
    assert "ran" not in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Call) and "__import__" in ast.unparse(node)]
    assert not any(line.startswith(("```", "# a heading")) for line in report.partition("<details>")[0].splitlines())
    assert "1337" not in script + report


@pytest.mark.parametrize("name", ['jax"; import os #', "jax\n", "$(id)", "../jax", "a b", ""])
def test_an_environment_that_has_no_name_becomes_neither_code_nor_command(tmp_path: Path, name: str) -> None:
    results = prepared(tmp_path)
    found = pair(results, "tensorflow/single-x1", "jax/single-x1")
    odd = replace(found, b=replace(found.b, configuration=replace(found.b.configuration, environment=name)))
    one = next(ready for ready in results.environments if ready.environment.name == "jax")
    more = replace(one, environment=replace(one.environment, name=name))
    results = replace(results, environments=(*results.environments, more))
    with pytest.raises(ConfigurationError, match="is no name of an environment, a backend or a device"):
        written(covering(results, odd), tmp_path)


@pytest.mark.parametrize("change", [{"device": 'cpu"]); 1 #'}, {"backend": "jax'"}], ids=["device", "backend"])
def test_a_device_or_backend_that_is_none_becomes_no_code(tmp_path: Path, change: dict[str, Any]) -> None:
    results = prepared(tmp_path)
    environments = tuple(replace(one, environment=replace(one.environment, **change)) for one in results.environments)
    every = replace(results, environments=environments)
    with pytest.raises(ConfigurationError, match="is no name of an environment, a backend or a device"):
        written(covering(every, MEMBERS["one backend"](every)), tmp_path)


def test_a_fingerprint_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    results = prepared(tmp_path)
    results = covering(results, MEMBERS["one backend"](results))
    results = replace(results, findings=tuple(replace(one, fingerprint="../../out") for one in results.findings))
    with pytest.raises(ConfigurationError, match="which is no name of a folder: give one with --out"):
        repro.write(results, tmp_path, "1", None, [tmp_path])
    assert not list((tmp_path / "here").iterdir()) and not (tmp_path / "out").exists()


def test_a_scenario_or_environment_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    every = covering(results, MEMBERS["one backend"](results))
    with pytest.raises(ConfigurationError, match="does not say where the scenario 'mine' is from"):
        written(replace(every, scenarios=()), tmp_path)
    with pytest.raises(ConfigurationError, match="is no name of an environment, a backend or a device"):
        written(replace(every, environments=()), tmp_path)
