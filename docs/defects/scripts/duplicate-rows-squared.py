"""TensorFlow: an adaptive optimizer squares the gradient of each occurrence of a token, not their sum.

Adagrad with accumulators of 0 moves each weight by the learning rate in its first step, whatever the gradient. A
row that is looked up twice has the gradient g + g; TensorFlow accumulates g² + g² in place of (g + g)².
"""

import sys

import keras
import numpy as np

table = keras.layers.Embedding(2, 1, embeddings_initializer="zeros")
model = keras.Sequential([keras.layers.Input((2,), dtype="int32"), table, keras.layers.Flatten()])
model.compile(keras.optimizers.Adagrad(1.0, initial_accumulator_value=0.0, epsilon=1e-12), "mse")
model.fit(np.zeros((1, 2), "int32"), np.ones((1, 2)), verbose=0)
moved = float(np.asarray(table.get_weights()[0])[0, 0])
print(keras.backend.backend(), "moved by", moved, "expected 1.0")
sys.exit(int(abs(moved - 1.0) > 1e-3))
