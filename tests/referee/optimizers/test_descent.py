"""SGD against ONNX, Lion by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.referee.optimizers.chains import GRADIENTS, KERNEL, chain, kernels
from tests.referee.optimizers.onnx_updates import onnx_kernels


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov: bool) -> None:
    mode = "nesterov" if nesterov else "standard"
    expected = onnx_kernels(
        "Momentum", KERNEL, GRADIENTS, 0.125, [np.zeros((3, 2))], 0, alpha=0.75, beta=1.0, mode=mode, norm_coefficient=0.0
    )
    results = chain("SGD", {"momentum": 0.75, "nesterov": nesterov})
    np.testing.assert_allclose(kernels(results), expected)


def test_plain_descent_has_no_slots() -> None:
    results = chain("SGD", {"momentum": 0.0}, [[2.0], [4.0]], [1.0])
    assert [kernel.tolist() for kernel in kernels(results)] == [[0.75], [0.25]]
    assert set(results[-1].slots) == {"optimizer/iteration"}


@pytest.mark.parametrize(
    ("second", "value", "momentum"),
    # After the first gradient 4 the mean is 2 (β₂ = 0.5); the sign of 0.25 · 2 + 0.75 · g decides.
    [(1.0, -1.25, 1.5), (-0.5, -1.25, 0.75), (-1.0, -0.75, 0.5), (-2 / 3, -1.0, 2 / 3)],
)
def test_lion_steps_by_the_sign_of_a_mean(second: float, value: float, momentum: float) -> None:
    config: dict[str, Any] = {"beta_1": 0.25, "beta_2": 0.5}
    after = chain("Lion", config, [[4.0], [second]], [-0.75], rate=0.25)[-1]
    assert after.variables["kernel"] == pytest.approx([value])
    assert after.slots["kernel/momentum"] == pytest.approx([momentum])
