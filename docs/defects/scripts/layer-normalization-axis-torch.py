"""LayerNormalization over an axis that is not the last one raises (torch): exits 1 where it does."""

import sys

import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
try:
    y = keras.ops.convert_to_numpy(keras.layers.LayerNormalization(axis=1)(x))
    right = np.allclose(y, expected, atol=1e-5)
except Exception as error:
    y, right = type(error).__name__ + ": " + str(error)[:120], False
print(keras.__version__, keras.backend.backend(), y)
sys.exit(int(not right))
