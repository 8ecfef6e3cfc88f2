"""TensorFlow: `keras.ops.segment_max` of an empty segment is the least finite number. Exits 1 where it is finite."""

import sys

import keras
import numpy as np

made = keras.ops.segment_max(np.array([1.0, 2.0], "float32"), np.array([0, 2]), num_segments=3)
found = keras.ops.convert_to_numpy(made).tolist()
print(keras.__version__, keras.backend.backend(), found, "in place of [1.0, -inf, 2.0]")
sys.exit(int(found != [1.0, -np.inf, 2.0]))
