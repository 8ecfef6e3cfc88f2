"""The gradient of CosineSimilarity at a prediction of zeros is not a number: exits 1 where it is."""

import sys

import keras
import numpy as np

loss = keras.losses.CosineSimilarity()
true, predicted = np.ones((2, 2), "float32"), np.array([[0.0, 0.0], [3.0, 4.0]], "float32")
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    predicted = tf.constant(predicted)
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        value = loss(true, predicted)
    gradient = tape.gradient(value, predicted).numpy()
elif backend == "torch":
    import torch

    predicted = torch.tensor(predicted, requires_grad=True)
    loss(torch.tensor(true), predicted).backward()
    gradient = predicted.grad.numpy()
else:
    import jax

    gradient = np.asarray(jax.grad(lambda one: loss(true, one))(predicted))
print(keras.__version__, backend, gradient.tolist())
sys.exit(int(np.isnan(gradient).any()))
