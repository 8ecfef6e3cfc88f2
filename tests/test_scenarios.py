"""What every built-in scenario promises, without Keras: one per file, light to import, with data that divides."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scenarios import _digits
from suite.artifacts.rows import count, names_of
from suite.plan import discover
from suite.records import Data, Scenario
from suite.runner.scenario_data import data_arrays

ROOT = Path(__file__).resolve().parent.parent
FILES = {path.stem.replace("_", "-"): path for path in sorted((ROOT / "scenarios").glob("*.py")) if path.name[0] != "_"}
BUILT_IN = {
    "article-mlp", "issue-46488-cnn", "control-no-bn", "sync-bn", "residual-cnn", "mobilenet-v2",
    "large-mean-bn", "shifted-shards", "frozen-bn", "masked-bn", "mixed-precision", "dropout-bn",
    "uneven-last-batch", "two-inputs-two-outputs", "from-a-script",
    "evaluation-after-few-steps", "small-vision-transformer", "fine-tuning-in-phases",
}  # fmt: skip
HEAVY = ("keras", "tensorflow", "jax", "torch", "sklearn", "numpy")
BACKEND = re.compile(r"\b(tensorflow|tf|jax|py_?torch|torch)\b", re.IGNORECASE)
ISSUE = re.compile(r"\b[\w/-]+#\d+")  # tensorflow#46488 names where a question was asked, not a backend


@pytest.fixture(scope="module")
def found() -> dict[str, Scenario]:
    scenarios, broken = discover.scenarios([ROOT / "scenarios"], plugins=False)
    assert broken == ()
    return {each.scenario.name: each.scenario for each in scenarios}


@pytest.fixture(scope="module")
def rows(found: dict[str, Scenario]) -> dict[str, Data]:
    return {name: scenario.data() for name, scenario in found.items()}


def imported(modules: list[str], folder: Path) -> set[str]:
    """Which of HEAVY a fresh interpreter holds after importing `modules`, found from `folder`."""
    load = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
    code = load + f"print(*set({HEAVY}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def backends_named(source: str) -> list[str]:
    return BACKEND.findall(ISSUE.sub("", source))


def array(x: object) -> np.ndarray:
    """The rows of a scenario with one input, and one target."""
    assert isinstance(x, np.ndarray)
    return x


def test_the_built_in_scenarios_are_there() -> None:
    assert not BUILT_IN - FILES.keys()


def test_every_file_holds_the_scenario_of_its_name(found: dict[str, Scenario]) -> None:
    assert found.keys() == FILES.keys()


def test_importing_every_scenario_imports_nothing_heavy() -> None:
    assert imported([f"scenarios.{path.stem}" for path in FILES.values()], ROOT) == set()


def test_the_import_check_notices(tmp_path: Path) -> None:
    (tmp_path / "keras.py").touch()
    (tmp_path / "hasty.py").write_text("import keras\n")
    assert imported(["hasty"], tmp_path) == {"keras"}


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_no_backend_is_named(path: Path) -> None:
    assert backends_named(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import torch", ["torch"]),
        ("from jax import numpy", ["jax"]),
        ("with tf.device('CPU:0'):", ["tf"]),
        ('if keras.backend.backend() == "tensorflow":', ["tensorflow"]),
        ("what PyTorch does", ["PyTorch"]),
        ('"the model of tensorflow#46488 and keras-team/tf-keras#2"', []),
        ("each backend draws its own numbers; from torchlight to ajax", []),
    ],
)
def test_the_backend_check_notices(source: str, named: list[str]) -> None:
    assert backends_named(source) == named


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_a_scenario_says_what_it_asks(path: Path) -> None:
    assert path.read_text().startswith('"""')


@pytest.fixture(scope="module")
def arrays(found: dict[str, Scenario], rows: dict[str, Data]) -> dict[str, dict[str, np.ndarray]]:
    """What is stored of each scenario's data, by name."""
    return {name: data_arrays(rows[name], found[name]) for name in found}


def part(arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    return [arrays[key] for key in names_of(arrays, name)]


Stored = dict[str, dict[str, np.ndarray]]


@pytest.mark.parametrize("name", FILES)
def test_shapes_and_dtypes(arrays: Stored, name: str) -> None:
    x, y, predict = (part(arrays[name], kind) for kind in ("x", "y", "predict"))
    assert {one.dtype for one in (*x, *predict)} <= {np.dtype(np.float32), np.dtype(np.int32)}
    assert {one.dtype for one in y} <= {np.dtype(np.int32), np.dtype(np.float32)}
    assert [one.shape[1:] for one in predict] == [one.shape[1:] for one in x]


@pytest.mark.parametrize("name", FILES)
def test_values_are_finite_and_labels_are_classes(arrays: Stored, name: str) -> None:
    assert all(np.isfinite(one).all() for one in arrays[name].values())
    labels = next(one for one in part(arrays[name], "y") if one.dtype == np.int32)
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


@pytest.mark.parametrize("name", FILES)
def test_every_batch_is_full_and_divides_over_up_to_eight_devices(
    found: dict[str, Scenario], arrays: Stored, name: str
) -> None:
    """Training rows are used again from row 0: if they did not divide into batches, later batches would be cut elsewhere."""
    batch = found[name].batch
    assert batch % 8 == 0
    assert {len(one) % batch for kind in ("x", "y", "predict") for one in part(arrays[name], kind)} == {0}
    assert count(arrays[name], "predict") >= batch


@pytest.mark.parametrize("name", FILES)
def test_data_is_the_same_every_time(found: dict[str, Scenario], arrays: Stored, name: str) -> None:
    again = data_arrays(found[name].data(), found[name])
    assert {key: one.tobytes() for key, one in again.items()} == {key: one.tobytes() for key, one in arrays[name].items()}


@pytest.mark.parametrize("part", ["x", "predict"])
def test_shifted_shards_have_halves_that_do_not_overlap(
    found: dict[str, Scenario], rows: dict[str, Data], part: str
) -> None:
    """In every batch the halves' means are more than 3 of their standard deviations apart."""
    values = array(getattr(rows["shifted-shards"], part))
    halves = values.reshape(-1, 2, found["shifted-shards"].batch // 2 * values.shape[1]).astype(np.float64)
    apart = np.abs(np.diff(halves.mean(2), axis=1))[:, 0]
    assert (apart > 3 * halves.std(2).max(1)).all()


@pytest.mark.parametrize("part", ["x", "predict"])
def test_large_mean_is_1000_standard_deviations_from_zero(rows: dict[str, Data], part: str) -> None:
    """256 rows know their mean to 1/16 and their standard deviation to 5 %: four times that."""
    values = array(getattr(rows["large-mean-bn"], part)).astype(np.float64)
    assert np.abs(values.mean(0) - 1000.0).max() < 0.25
    assert np.abs(values.std(0) - 1.0).max() < 0.2


@pytest.mark.parametrize("part", ["x", "predict"])
def test_masked_sequences_have_padding_and_steps_in_every_batch(
    found: dict[str, Scenario], rows: dict[str, Data], part: str
) -> None:
    """`Masking` leaves out a step whose features are all zero; a sequence without any step would have no average."""
    steps = (array(getattr(rows["masked-bn"], part)) != 0).any(axis=2)
    assert steps.any(axis=1).all()
    per_batch = steps.reshape(-1, found["masked-bn"].batch * steps.shape[1])
    assert not per_batch.all(axis=1).any()


def test_masked_shards_are_unequally_long(found: dict[str, Scenario], rows: dict[str, Data]) -> None:
    """Only then does the mean of the shards' means differ from the mean over the batch."""
    steps = (array(rows["masked-bn"].x) != 0).any(axis=2)
    per_shard = steps.reshape(-1, 2, found["masked-bn"].batch // 2 * steps.shape[1]).sum(axis=2)
    assert (per_shard[:, 0] != per_shard[:, 1]).any()


def test_the_cure_only_synchronises_the_issue(found: dict[str, Scenario], rows: dict[str, Data]) -> None:
    issue, cure = found["issue-46488-cnn"], found["sync-bn"]
    assert (issue.synchronized, cure.synchronized) == (False, True)
    assert (issue.batch, issue.steps, issue.loss, issue.outputs) == (cure.batch, cure.steps, cure.loss, cure.outputs)
    assert np.array_equal(array(rows["issue-46488-cnn"].x), array(rows["sync-bn"].x))


def test_the_control_sees_the_rows_of_the_article(rows: dict[str, Data]) -> None:
    assert np.array_equal(array(rows["control-no-bn"].x), array(rows["article-mlp"].x))


def test_only_mixed_precision_leaves_float32(found: dict[str, Scenario]) -> None:
    assert {name: each.dtype_policy for name, each in found.items() if each.dtype_policy != "float32"} == {
        "mixed-precision": "mixed_bfloat16"
    }


def test_digits_at_their_own_size_are_untouched() -> None:
    from sklearn.datasets import load_digits

    assert np.array_equal(_digits.images(8)[0][..., 0], (load_digits().images / 16).astype(np.float32))


@pytest.mark.parametrize("size", [16, 28, 32])
def test_resized_digits_keep_their_range_and_every_channel_is_the_same(size: int) -> None:
    x, y = _digits.images(size, channels=3)
    assert x.shape == (1797, size, size, 3)
    assert y.shape == (1797,)
    assert 0.0 <= x.min() < x.max() <= 1.0
    assert np.array_equal(x[..., 0], x[..., 2])


@pytest.mark.parametrize("size", [16, 28, 32])
def test_resizing_keeps_a_ramp_a_ramp(size: int) -> None:
    """Linear interpolation between pixel centres, held at the border: the ramp's own value at every centre."""
    centres = np.clip((np.arange(size) + 0.5) * 8 / size - 0.5, 0, 7)
    assert np.allclose(_digits._bilinear(8, size) @ np.arange(8.0), centres, rtol=0, atol=1e-12)
