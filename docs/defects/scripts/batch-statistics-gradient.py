"""The gradient of batch normalization leaves a part out: exits 1 where it does.

Batch normalization does not change if the same number is added to every row, so that its gradients over the rows of a
batch add up to 0.
"""

import sys

import keras
import numpy as np

layer = keras.layers.BatchNormalization()
x, weights = np.array([[1.0], [2.0], [4.0], [9.0]], "float32"), np.array([[1.0], [-2.0], [3.0], [0.5]], "float32")
layer(x)
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x, training=True) * weights)
    gradient = tape.gradient(y, x).numpy()
elif backend == "torch":
    import torch

    x = torch.tensor(x, requires_grad=True)
    (layer(x, training=True) * torch.tensor(weights)).sum().backward()
    gradient = x.grad.numpy()
else:
    import jax

    trained = [variable.value for variable in layer.trainable_variables]
    others = [variable.value for variable in layer.non_trainable_variables]
    gradient = jax.grad(lambda v: (layer.stateless_call(trained, others, v, training=True)[0] * weights).sum())(x)
added = float(np.sum(gradient))
print(keras.__version__, backend, "gradients add up to", added, "expected 0")
sys.exit(int(abs(added) > 1e-3))
