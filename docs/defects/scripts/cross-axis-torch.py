"""PyTorch: `keras.ops.cross` takes the first axis of three, and not the last one. Exits 1 where it does."""

import sys

import keras
import numpy as np

random = np.random.default_rng(1)
wrong = 0
for shape in ((4, 3), (4, 3, 3), (3, 2, 3)):
    a, b = random.normal(size=shape), random.normal(size=shape)
    found = keras.ops.convert_to_numpy(keras.ops.cross(a, b))
    right = np.allclose(found, np.cross(a, b), atol=1e-5)
    print(shape, "as NumPy" if right else "not as NumPy")
    wrong += not right
print(keras.__version__, keras.backend.backend(), wrong, "of 3 are wrong")
sys.exit(int(wrong > 0))
