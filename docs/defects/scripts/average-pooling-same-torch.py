"""AveragePooling with padding="same" averages wrong elements at the border (torch): exits 1 where it does.

Input 0, 1, ..., 5 in windows of 3, stride 2: "same" pads one element at the end. The last window holds 4 and 5:
4.5.
"""

import sys

import keras
import numpy as np

x = np.arange(6, dtype="float32").reshape(1, 6, 1)
y = keras.ops.convert_to_numpy(keras.layers.AveragePooling1D(3, strides=2, padding="same")(x)).ravel()
print(keras.__version__, keras.backend.backend(), y, "expected [1. 3. 4.5]")
sys.exit(int(not np.allclose(y, [1.0, 3.0, 4.5])))
