"""Bicubic resizing: torch uses another cubic (a = -3/4) than TensorFlow, JAX and Pillow (a = -1/2, Keys 1981): exits
1.

Twice as large, pixel 7 lies at 3.25: a step from 0 to 1 between pixels 3 and 4 gives the sum of w(0.75) and
w(1.75).
"""

import sys

import keras
import numpy as np

x = np.zeros((1, 1, 8, 1), "float32")
x[0, 0, 4:] = 1.0
y = keras.ops.convert_to_numpy(keras.layers.UpSampling2D((1, 2), interpolation="bicubic")(x))[0, 0, 7, 0]
t, s = 0.75, 1.75
expected = (1.5 * t**3 - 2.5 * t**2 + 1) + (-0.5 * s**3 + 2.5 * s**2 - 4 * s + 2)
print(keras.__version__, keras.backend.backend(), y, "expected", expected)
sys.exit(int(abs(y - expected) > 1e-3))
