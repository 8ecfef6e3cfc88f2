"""LayerNormalization(axis=1) of an input whose two last axes are equally long, and axis=[1, 2] likewise."""

import sys

import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(2, 3, 3)).astype("float32")
expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
y = keras.ops.convert_to_numpy(keras.layers.LayerNormalization(axis=1)(x))
print(keras.__version__, keras.backend.backend(), "largest difference", np.abs(y - expected).max())
sys.exit(int(not np.allclose(y, expected, atol=1e-5)))
