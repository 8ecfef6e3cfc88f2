"""TensorFlow: clipvalue, clipnorm and global_clipnorm look at each occurrence of a token, not at their sum.

Two occurrences with the gradient -1 each have the sum -2; clipped to 1, SGD(1.0) moves the row by 1. This shows
with any optimizer, SGD included.
"""

import sys

import keras
import numpy as np

wrong = 0
for option in ({"clipvalue": 1.0}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
    table = keras.layers.Embedding(2, 1, embeddings_initializer="zeros")
    model = keras.Sequential([keras.layers.Input((2,), dtype="int32"), table, keras.layers.Flatten()])
    model.compile(keras.optimizers.SGD(1.0, **option), "mse")
    model.fit(np.zeros((1, 2), "int32"), np.ones((1, 2)), verbose=0)  # each occurrence: -2 · (1 - 0) / 2 = -1
    moved = float(np.asarray(table.get_weights()[0])[0, 0])
    print(keras.backend.backend(), option, "moved by", moved, "expected 1.0")
    wrong += abs(moved - 1.0) > 1e-3
sys.exit(int(wrong > 0))
