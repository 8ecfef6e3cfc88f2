"""RMSNormalization(axis=1) multiplies its scale along the last axis instead of axis 1: exits 1 where it does.

Silently wrong where both axes are equally long; an error where they are not.
"""

import sys

import keras
import numpy as np

x = np.ones((1, 2, 2), "float32")
layer = keras.layers.RMSNormalization(axis=1)
layer.build(x.shape)
layer.scale.assign([1.0, 10.0])
y = keras.ops.convert_to_numpy(layer(x))[0]
print(keras.__version__, keras.backend.backend(), y.tolist(), "expected [[1, 1], [10, 10]]")
try:
    keras.layers.RMSNormalization(axis=1)(np.ones((1, 2, 3), "float32"))
    print("axis=1 of (1, 2, 3): works")
except Exception as error:
    print("axis=1 of (1, 2, 3):", type(error).__name__, str(error)[:120])
sys.exit(int(not np.allclose(y, [[1, 1], [10, 10]], atol=1e-4)))
