"""TensorFlow: `keras.ops.unravel_index` of an array with several dimensions is wrong. Exits 1 where it is."""

import sys

import keras
import numpy as np

wrong = 0
for indices in (np.array([100, 101]), np.array([[100, 101]]), np.array([[100], [7]])):
    found = [keras.ops.convert_to_numpy(one).tolist() for one in keras.ops.unravel_index(indices, (4, 5, 6))]
    expected = [one.tolist() for one in np.unravel_index(indices, (4, 5, 6))]
    print(keras.__version__, keras.backend.backend(), indices.shape, found, "in place of", expected)
    wrong += found != expected
sys.exit(int(wrong > 0))
