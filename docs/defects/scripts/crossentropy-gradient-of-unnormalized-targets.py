"""TensorFlow: the gradient of categorical crossentropy from logits is softmax - targets even where targets do not sum
to 1.

The derivative is softmax · Σ targets - targets. A row of zeros (a place that shall not count) has the loss 0, and
is still pulled towards uniform probabilities. With a softmax layer and from_logits=False, the same in graphs (fit).
"""

import sys

import keras
import numpy as np

dense = keras.layers.Dense(2, use_bias=False, kernel_initializer="identity")
model = keras.Sequential([keras.layers.Input((2,)), dense])
model.compile(keras.optimizers.SGD(1.0), keras.losses.CategoricalCrossentropy(from_logits=True))
model.fit(np.array([[1.0, 0.0]]), np.zeros((1, 2)), verbose=0)
moved = np.abs(np.asarray(dense.get_weights()[0]) - np.eye(2)).max()
print(keras.backend.backend(), "all targets 0, the loss is 0 for any weights; the weights moved by", moved)
sys.exit(int(moved > 1e-6))
