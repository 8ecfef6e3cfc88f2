"""TensorFlow and PyTorch: what `scatter_update` overwrites has a gradient. Exits 1 where it has."""

import sys

import keras
import numpy as np

places, weights = np.array([[0], [0]]), np.array([3.0, 5.0], "float32")  # the second update is what stays


def last(updates):
    return keras.ops.sum(keras.ops.scatter_update(keras.ops.zeros((1,)), places, keras.ops.multiply(updates, weights)))


updates = np.ones(2, "float32")
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    x = tf.constant(updates)
    with tf.GradientTape() as tape:
        tape.watch(x)
        made = last(x)
    gradient = tape.gradient(made, x).numpy()
elif backend == "torch":
    import torch

    x = torch.tensor(updates, requires_grad=True)
    last(x).backward()
    gradient = x.grad.cpu().numpy()
else:
    import jax

    gradient = np.asarray(jax.grad(last)(updates))
gradient = np.asarray(gradient)
print(keras.__version__, backend, "gradient", gradient, "in place of [0. 5.]")
sys.exit(int(not np.array_equal(gradient, [0.0, 5.0])))
