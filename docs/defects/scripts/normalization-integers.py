"""LayerNormalization of integers rounds its output to integers: exits 1 where it does."""

import sys

import keras
import numpy as np

x = np.array([[0, 1, 2]], "int32")
y = keras.ops.convert_to_numpy(keras.layers.LayerNormalization()(x))
z = keras.ops.convert_to_numpy(keras.layers.RMSNormalization()(x))
print(
    keras.__version__,
    keras.backend.backend(),
    "layer",
    y,
    y.dtype,
    "expected [-1.22 0 1.22]; rms",
    z,
    z.dtype,
    "expected [0 0.77 1.55]",
)
sys.exit(int(not (np.allclose(y, [[-1.2238, 0, 1.2238]], atol=1e-3) and np.allclose(z, [[0, 0.7746, 1.5492]], atol=1e-3))))
