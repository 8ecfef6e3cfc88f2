"""PyTorch: `keras.ops.average` with weights of several axes divides by sums over the last one. Exits 1 where it does."""

import sys

import keras
import numpy as np

x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")
weights = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], "float32")
wrong = 0
for axis in (None, 0, 1):
    expected = np.average(x, axis=axis, weights=weights)
    try:
        found = keras.ops.convert_to_numpy(keras.ops.average(x, axis=axis, weights=weights))
    except Exception as error:
        print(f"axis={axis}: {type(error).__name__}, and NumPy {expected}")
        wrong += 1
        continue
    print(f"axis={axis}: {found}, and NumPy {expected}")
    wrong += found.shape != expected.shape or not np.allclose(found, expected)
print(keras.__version__, keras.backend.backend(), wrong, "of 3 are wrong")
sys.exit(int(wrong > 0))
