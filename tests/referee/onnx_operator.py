"""One operator of ONNX, computed by ONNX's own reference implementation in NumPy: a second opinion."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from suite.referee.definition import Array

TYPES = {"f": TensorProto.DOUBLE, "i": TensorProto.INT64, "b": TensorProto.BOOL}


def onnx_operator(operator: str, *inputs: Array | None, outputs: int = 1, opset: int = 24, **attributes: Any) -> list[Array]:
    """The outputs of one operator. An input that is None is left out, as ONNX leaves out optional inputs."""
    named = {f"input{index}": array for index, array in enumerate(inputs) if array is not None}
    names = [f"input{index}" if array is not None else "" for index, array in enumerate(inputs)]
    answers = [f"output{index}" for index in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(operator, names, answers, **attributes)],
        operator,
        [helper.make_tensor_value_info(name, TYPES[array.dtype.kind], array.shape) for name, array in named.items()],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in answers],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return [np.asarray(answer) for answer in ReferenceEvaluator(model).run(None, named)]
