"""ConvLSTM with a mask of steps: JAX broadcasts (rows, 1) against (rows, height, width, filters), over the width
instead of the rows. It raises where the width is not the number of rows, and is silently wrong where it is.
"""

import sys

import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(2, 3, 4, 2, 1)).astype("float32")  # 2 rows, and images 4 high and 2 wide
mask = np.array([[True, True, True], [True, False, False]])
layer = keras.layers.ConvLSTM2D(2, 3, padding="same")
answer = keras.ops.convert_to_numpy(layer(x, mask=mask))
expected = keras.ops.convert_to_numpy(layer(x))[0], keras.ops.convert_to_numpy(layer(x[:, :1]))[1]
print(
    keras.backend.backend(),
    keras.__version__,
    "distances:",
    [float(np.abs(a - b).max()) for a, b in zip(answer, expected, strict=True)],
)
sys.exit(int(not np.allclose(answer, expected, atol=1e-5)))
