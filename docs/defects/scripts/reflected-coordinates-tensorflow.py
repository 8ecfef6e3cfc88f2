"""TensorFlow: `map_coordinates` with fill_mode="reflect" mirrors coordinates below 0. Exits 1 where it does."""

import sys

import keras
import numpy as np

line = np.array([[10.0], [20.0], [30.0]], dtype="float32")
places = np.array([[-2.0, -1.0, 0.0, 3.0, 4.0], [0.0] * 5], dtype="float32")
expected = [20.0, 10.0, 10.0, 30.0, 20.0]  # 30 20 10 | 10 20 30 | 30 20 10
found = keras.ops.convert_to_numpy(keras.ops.image.map_coordinates(line, places, order=1, fill_mode="reflect")).tolist()
print(keras.__version__, keras.backend.backend(), "found", found, "and expected", expected)
sys.exit(int(found != expected))
