"""Workers run on every Keras from 3.0.0 on: what that version does not have is looked for, and never assumed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.plan.locations import ROOT

# Public names of Keras 3.0.0 that workers use. Before you add one, look it up in an environment with that version
# (docs/environments/versions.toml); what it does not have belongs into `keras_versions`.
OF_KERAS_3_0 = {
    "": "Input KerasTensor Layer Loss Model Operation Sequential StatelessScope Variable __version__",
    "activations": "leaky_relu linear",
    "backend": "backend standardize_dtype",
    "callbacks": "Callback CallbackList LambdaCallback",
    "config": "epsilon floatx image_data_format set_epsilon set_floatx",
    "constraints": "Constraint",
    "distribution": "DataParallel set_distribution",
    "initializers": "Initializer Zeros",
    "layers": "BatchNormalization Dense Dropout InputLayer Layer Normalization RNN ReLU",
    "losses": "Loss",
    "metrics": "Metric",
    "models": "clone_model",
    "ops": "cast concatenate convert_to_numpy convert_to_tensor expand_dims is_tensor ones_like reshape roll shape split "
    "stop_gradient sum transpose",
    "optimizers": "Optimizer SGD get",
    "optimizers.schedules": "LearningRateSchedule",
    "random": "SeedGenerator uniform",
    "regularizers": "Regularizer",
    "saving": "custom_object_scope get_custom_objects load_model serialize_keras_object",
    "utils": "clear_session pack_x_y_sample_weight set_random_seed unpack_x_y_sample_weight",
}
NAMES = {f"{module}.{name}".lstrip(".") for module, names in OF_KERAS_3_0.items() for name in names.split()}


def used(code: str) -> Iterator[str]:
    """What code uses of Keras, as "ops.cast": up to the first name that is no module."""
    for node in ast.walk(ast.parse(code)):
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id == "keras":
            depth = next(
                (length for length in range(1, len(parts)) if ".".join(parts[:length]) not in OF_KERAS_3_0), len(parts)
            )
            yield ".".join(parts[:depth])


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("keras.ops.cast(x)", {"ops.cast", "ops"}),
        ("keras.tree.flatten(x)", {"tree"}),
        ("keras.Layer.__call__", {"Layer"}),
        (
            "keras.optimizers.schedules.CosineDecay",
            {"optimizers.schedules.CosineDecay", "optimizers.schedules", "optimizers"},
        ),
        ("model.keras.ops", set()),
    ],
)
def test_names_are_found_in_code(code: str, names: set[str]) -> None:
    assert set(used(code)) == names


@pytest.mark.parametrize("file", sorted((ROOT / "suite" / "runner").rglob("*.py")), ids=lambda file: file.stem)
def test_a_worker_uses_of_keras_what_its_oldest_version_has(file: Path) -> None:
    assert set(used(file.read_text())) - OF_KERAS_3_0.keys() <= NAMES
