"""JAX: adaptive pooling takes wrong windows, by rounding: AdaptiveAveragePooling1D(7) of 7 places is no identity, and its
last place is NaN.

The windows begin at i * 7 / 7, computed in float32 as i * (7 / 7.0), and rounded down or up.
"""

import sys

import keras
import numpy as np

wrong = []
for size in (7, 14):
    x = np.arange(size, dtype="float32").reshape(1, size, 1)
    y = np.ravel(keras.ops.convert_to_numpy(keras.layers.AdaptiveAveragePooling1D(size)(x)))
    if not np.array_equal(y, x.ravel()):
        wrong.append(size)
        print(keras.backend.backend(), keras.__version__, "of", size, "places to as many:", y)
sys.exit(int(bool(wrong)))
