"""All backends: label_smoothing divides by the size of the last axis, whatever `axis` says the classes are along.

With 2 classes along axis 1 and 4 places, the smoothed targets of a place sum to 1 - s + 2 · s / 4 in place of 1.
"""

import sys

import keras
import numpy as np

places = np.tile(np.array([0.9, 0.1]).reshape(1, 2, 1), (1, 1, 4))
targets = np.tile(np.array([1.0, 0.0]).reshape(1, 2, 1), (1, 1, 4))
first = keras.losses.CategoricalCrossentropy(axis=1, label_smoothing=0.5)
last = keras.losses.CategoricalCrossentropy(axis=-1, label_smoothing=0.5)
values = float(first(targets, places)), float(last(np.moveaxis(targets, 1, -1), np.moveaxis(places, 1, -1)))
print(keras.backend.backend(), "classes along axis 1:", values[0], "the same along the last axis:", values[1])
sys.exit(int(abs(values[0] - values[1]) > 1e-4))
