"""The gradient of UnitNormalization at a vector of zeros is not a number: exits 1 where it is."""

import sys

import keras
import numpy as np

layer, x = keras.layers.UnitNormalization(), np.array([[0.0, 0.0], [3.0, 4.0]], "float32")
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x))
    gradient = tape.gradient(y, x).numpy()
elif backend == "torch":
    import torch

    x = torch.tensor(x, requires_grad=True)
    layer(x).sum().backward()
    gradient = x.grad.numpy()
else:
    import jax

    gradient = jax.grad(lambda v: layer(v).sum())(x)
print(keras.__version__, backend, np.asarray(gradient).tolist())
sys.exit(int(np.isnan(gradient).any()))
