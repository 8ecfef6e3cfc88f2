"""PyTorch: a query that may see no key has a gradient as if nothing were masked.

Its output is the mean of all values, whatever the query is: so the gradient by the query is 0. PyTorch adds a large negative
number to all scores, which forgets them in the forward pass, and not in the gradient. Keys get wrong gradients with it.
"""

import sys

import keras
import numpy as np

random = np.random.default_rng(0)
query, value = (random.normal(size=(1, 2, 3)).astype("float32") for _ in range(2))
mask = np.array([[[True, True], [False, False]]])
layer = keras.layers.MultiHeadAttention(num_heads=1, key_dim=2)
backend = keras.backend.backend()


def total(x):
    weights = keras.ops.convert_to_tensor([1.0, 2.0, 3.0])
    return keras.ops.sum(layer(x, value, attention_mask=mask)[:, 1] * weights)


if backend == "tensorflow":
    import tensorflow as tf

    x = tf.constant(query)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = total(x)
    gradient = tape.gradient(y, x).numpy()
elif backend == "torch":
    import torch

    x = torch.tensor(query, requires_grad=True)
    total(x).backward()
    gradient = x.grad.numpy()
else:
    import jax

    layer(query, value)
    gradient = jax.grad(total)(query)
print(backend, keras.__version__, "gradient by the masked query:", np.asarray(gradient)[0, 1], "expected 0")
sys.exit(int(np.abs(np.asarray(gradient)[0, 1]).max() > 1e-6))
