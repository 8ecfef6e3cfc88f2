"""The optimizers of ONNX (ai.onnx.preview.training), by its reference implementation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx.reference

from suite.referee.definition import Array

PREVIEW = "ai.onnx.preview.training"


def onnx_kernels(
    operator: str,
    start: Array,
    gradients: Sequence[Array],
    rate: float,
    state: Sequence[Array],
    first: int,
    **attributes: object,
) -> list[Array]:
    """The variable after each update; `first`: the number that ONNX gives to the first one."""
    names = [f"state{index}" for index in range(len(state))]
    inputs, outputs = ["rate", "count", "value", "gradient", *names], ["after", *(f"{name}_after" for name in names)]
    node = onnx.helper.make_node(operator, inputs, outputs, domain=PREVIEW, **attributes)
    evaluator = onnx.reference.ReferenceEvaluator(node, opsets={PREVIEW: 1})
    value, values, kept = start, [], list(state)
    for number, gradient in enumerate(gradients, start=first):
        fed = {"rate": np.array(rate), "count": np.array(number), "value": value, "gradient": gradient}
        value, *kept = evaluator.run(None, fed | dict(zip(names, kept, strict=True)))
        values.append(value)
    return values
