"""Single calls of layers, losses and optimizers on the real backends, against formulas by hand."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from suite.engine import provision
from suite.plan.environments import environments
from suite.plan.locations import ROOT
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

SCRIPT = Path(__file__).parent / "steps" / "steps_of_one_backend.py"
MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0]], bool)
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module", params=["torch", "jax", "tensorflow"])
def arrays(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    ready = provision.provision(environments(), folder=ROOT / ".environments", device="cpu")[request.param]
    file = tmp_path_factory.mktemp("steps") / "steps.npz"
    variables = {**os.environ, "KERAS_BACKEND": request.param, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([ready.python, str(SCRIPT), str(file)], env=variables, check=True)
    with np.load(file) as found:
        return dict(found)


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and bool(np.abs(found - expected).max() <= 1e-13)


def test_a_layer_without_state_gives_outputs_and_every_gradient(arrays: Arrays) -> None:
    x, kernel, bias = arrays["dense/input/0"], arrays["dense/weight/kernel"], arrays["dense/weight/bias"]
    cotangent = arrays["dense/cotangent/0"]
    assert close(arrays["dense/output/0"], x @ kernel + bias)
    assert close(arrays["dense/gradient/input/0"], cotangent @ kernel.T)
    assert close(arrays["dense/gradient/weight/kernel"], np.einsum("rti,rto->io", x, cotangent))
    assert close(arrays["dense/gradient/weight/bias"], cotangent.sum((0, 1)))
    assert arrays["dense/output/0"].dtype == np.float64 and arrays["dense/reason"] == ""
    assert json.loads(str(arrays["dense/config"]))["units"] == 2


def test_an_output_in_mixed_precision_reaches_its_tap(arrays: Arrays) -> None:
    """torch assigns to a converted copy of a variable inside of such a layer, which loses what is assigned."""
    assert arrays["tapped/half"].dtype == np.float32
    assert close(arrays["tapped/half"], np.full((4, 2), 3.0))


def test_the_state_is_that_after_the_call_and_the_layer_keeps_its_own(arrays: Arrays) -> None:
    seen = arrays["norm/input/0"][MASK]
    # Padding does not count. Keras divides by the number of places plus its fuzz factor of 1e-7.
    assert close(arrays["norm/state/moving_mean"], 0.25 * seen.sum(0) / (8 + 1e-7))
    assert close(arrays["norm/weight/moving_mean"], np.zeros(5)) and close(arrays["norm/kept"], np.zeros(5))


@pytest.mark.parametrize(("name", "first", "mask"), [("recurrent", 0.0, MASK), ("started", 1.0, MASK | True)])
def test_masks_and_arguments_reach_the_layer(arrays: Arrays, name: str, first: float, mask: np.ndarray) -> None:
    x = arrays[f"{name}/input/0"]
    kernel, recurrent, bias = (
        arrays[f"{name}/weight/simple_rnn_cell/{own}"] for own in ("kernel", "recurrent_kernel", "bias")
    )
    state, pulled = np.full((4, 2), first), [np.eye(2)] * 4
    for time in range(3):
        seen = mask[:, time, None]
        state = np.where(seen, x[:, time] @ kernel + state @ recurrent + bias, state)
        pulled = [recurrent.T @ one if row else one for one, row in zip(pulled, seen[:, 0], strict=True)]
    assert close(arrays[f"{name}/output/0"], state)
    if name == "started":
        cotangent = arrays["started/cotangent/0"]
        expected = np.stack([direction @ one for direction, one in zip(cotangent, pulled, strict=True)])
        assert close(arrays["started/gradient/argument/initial_state"], expected)


def test_the_losses_that_a_layer_of_the_users_own_adds_are_outputs_of_it(arrays: Arrays) -> None:
    x, kernel = arrays["penalized/input/0"], arrays["penalized/weight/inside/kernel"]
    output, added, inside = (arrays[f"penalized/output/{place}"] for place in range(3))
    assert close(output, x @ kernel) and close(added, (x**2).sum())
    cotangents = [arrays[f"penalized/cotangent/{place}"] for place in range(3)]
    squares = (output**2).sum()
    scale = float(inside) / squares  # Keras divides by the rows, or not, by its version
    pulled = cotangents[0] + cotangents[2] * 2 * scale * output
    assert close(arrays["penalized/gradient/input/0"], pulled @ kernel.T + cotangents[1] * 2 * x)
    assert "regularized/output/1" not in arrays, "a layer of Keras has a definition, which knows no losses"


@pytest.mark.parametrize("name", ["attention", "multi-head"])
def test_masks_of_several_inputs_reach_the_layer(arrays: Arrays, name: str) -> None:
    scores = arrays[f"{name}/output/1"]
    hidden = np.broadcast_to(~MASK.reshape(4, *[1] * (scores.ndim - 2), 3), scores.shape)
    assert np.abs(scores[hidden]).max() < 1e-13 and np.abs(scores.sum(-1) - 1).max() < 1e-13
    assert {"0", "1"} == {key.rpartition("/")[2] for key in arrays if key.startswith(f"{name}/gradient/input/")}


def test_the_gradient_of_a_table_is_dense_and_adds_rows_that_occur_twice(arrays: Arrays) -> None:
    (a, b, c), zero = arrays["embedding/cotangent/0"][0], np.zeros(2)
    assert close(arrays["embedding/gradient/weight/embeddings"], np.stack([zero, a + b, c]))
    assert not [name for name in arrays if name.startswith("embedding/gradient/input")], "indices have no gradient"


def test_a_seed_is_neither_a_weight_nor_state(arrays: Arrays) -> None:
    assert not [name for name in arrays if name.startswith(("dropout/weight", "dropout/state"))]
    assert 0 < (arrays["dropout/output/0"] == 0).sum() < 60


def test_a_list_of_inputs_is_flattened(arrays: Arrays) -> None:
    assert close(arrays["argument/output/0"], 3 * arrays["argument/input/0"])
    assert close(arrays["argument/gradient/input/1"], arrays["argument/cotangent/0"])


def test_where_only_the_gradient_fails_the_output_is_kept(arrays: Arrays) -> None:
    assert close(arrays["refuses/output/0"], 2 * arrays["refuses/input/0"])
    assert "no gradient here" in str(arrays["refuses/reason"])
    assert not [name for name in arrays if name.startswith("refuses/gradient")]


def test_a_loss_sees_weights_and_mask(arrays: Arrays) -> None:
    difference = arrays["loss/y_pred"] - arrays["loss/y_true"]
    mask, cotangent = arrays["loss/mask"], arrays["loss/cotangent"]
    # Keras divides by the places that the mask leaves, not by their weights.
    share = arrays["loss/weight"] * mask / mask.sum()
    assert close(arrays["loss/value"], np.sum(share * (difference**2).mean(-1)))
    assert close(arrays["loss/gradient"], cotangent * share[..., None] * difference)


def test_updates_have_their_learning_rate_variables_and_slots(arrays: Arrays) -> None:
    assert (float(arrays["update-0/rate"]), float(arrays["update-1/rate"])) == (0.5, 0.25)
    first = np.array([[0, 0], [-1, -1], [0, 0], [0, 0]], float)
    assert close(arrays["update-0/table/momentum"], first)
    assert close(arrays["update-1/table/momentum"], 0.5 * first - 0.25)
    assert close(arrays["update-1/bias"], np.array([-0.5 - 0.25 - 0.5]))
    assert int(arrays["update-1/optimizer/iteration"]) == 2
