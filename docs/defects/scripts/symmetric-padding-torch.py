"""PyTorch: symmetric padding repeats the edge, as `mode="edge"` would. Exits 1 where it does."""

import sys

import keras
import numpy as np

x = np.array([[1.0, 2.0, 3.0, 4.0]], "float32")
wrong = 0
for width in (1, 2, 3):
    expected = np.pad(x, ((0, 0), (width, width)), mode="symmetric")
    found = keras.ops.convert_to_numpy(keras.ops.pad(x, ((0, 0), (width, width)), mode="symmetric"))
    print(f"width {width}: {found.tolist()}, and NumPy {expected.tolist()}")
    wrong += not np.array_equal(found, expected)
print(keras.__version__, keras.backend.backend(), wrong, "of 3 are wrong")
sys.exit(int(wrong > 0))
