"""Bicubic resizing on TensorFlow rounds the position of a pixel to 1/1024: off by up to 1e-3: exits 1 where it is.

Three times as large: pixel 12 lies at (12.5) / 3 - 0.5 = 3.6667.
"""

import sys

import keras
import numpy as np

x = np.zeros((1, 1, 8, 1), "float32")
x[0, 0, 4:] = 1.0
y = keras.ops.convert_to_numpy(keras.layers.UpSampling2D((1, 3), interpolation="bicubic")(x))[0, 0, 12, 0]
t, s = 12.5 / 3 - 0.5 - 4, 12.5 / 3 - 0.5 - 5
near, far = 1.5 * abs(t) ** 3 - 2.5 * t**2 + 1, -0.5 * abs(s) ** 3 + 2.5 * s**2 - 4 * abs(s) + 2
expected = near + far
print(keras.__version__, keras.backend.backend(), y, "expected", expected, "difference", y - expected)
sys.exit(int(1e-5 < abs(y - expected) < 5e-3))
