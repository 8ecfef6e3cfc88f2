"""Dense layers and embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.activations import activation
from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers.refusals import refuse_other_weights


def dense(asked: Call) -> Answer:
    """Dense: y[..., u] = activation(sum over c of x[..., c] * kernel[c, u] + bias[u]).

    kernel: (channels, units); bias: (units,). Source: Keras documentation, Dense; ONNX Gemm.
    """
    refuse_other_weights(asked.config)
    (x,) = asked.inputs
    y = np.tensordot(x, asked.weights["kernel"], axes=1)
    if asked.config["use_bias"]:
        y = y + asked.weights["bias"]
    return Answer(outputs=(activation(asked.config.get("activation"))(y),))


def einsum_dense(asked: Call) -> Answer:
    """EinsumDense: y = activation(einsum(equation, x, kernel) + bias).

    An index that the output lacks is summed over. The bias has the last axes of the output, from the first one of
    `bias_axes` on; those that are not in `bias_axes` have length 1, and it is broadcast over them.
    Source: Keras documentation, EinsumDense; ONNX Einsum.
    """
    refuse_other_weights(asked.config)
    (x,) = asked.inputs
    y = np.einsum(asked.config["equation"], x, asked.weights["kernel"])
    if asked.config.get("bias_axes"):
        y = y + asked.weights["bias"]
    return Answer(outputs=(activation(asked.config.get("activation"))(y),))


def embedding(asked: Call) -> Answer:
    """Embedding: y[..., d] = embeddings[x[...], d]; a real index is cut to an integer.

    embeddings: (input_dim, output_dim). Source: Keras documentation, Embedding; ONNX Gather.

    Raises:
        Undefined: an index lies outside of the table. Keras's documentation asks for indices inside.
    """
    refuse_other_weights(asked.config)
    (x,), table = asked.inputs, asked.weights["embeddings"]
    indices = x.astype(np.int64)
    if indices.size and (indices.min() < 0 or indices.max() >= len(table)):
        raise Undefined(f"an index lies outside of 0 to {len(table) - 1}")
    return Answer(outputs=(table[indices],))


def reversible_embedding(asked: Call) -> Answer:
    """ReversibleEmbedding: as Embedding; with `reverse`, y[..., i] = sum over d of x[..., d] * embeddings[i, d].

    Without `tie_weights`, reverse_embeddings (output_dim, input_dim) stands for the transposed table. With
    `logit_soft_cap` c, y becomes tanh(y / c) * c. Source: Keras documentation, ReversibleEmbedding; Press and Wolf 2016.
    """
    if not asked.arguments.get("reverse"):
        return embedding(asked)
    refuse_other_weights(asked.config)
    (x,), tied = asked.inputs, asked.config["tie_weights"]
    kernel = asked.weights["embeddings"].T if tied else asked.weights["reverse_embeddings"]
    y, cap = np.tensordot(x, kernel, axes=1), asked.config.get("logit_soft_cap")
    return Answer(outputs=(y if cap is None else np.tanh(y / cap) * cap,))


LAYERS: Mapping[str, Definition] = {
    "Dense": dense,
    "EinsumDense": einsum_dense,
    "Embedding": embedding,
    "ReversibleEmbedding": reversible_embedding,
}
