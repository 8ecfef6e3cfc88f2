"""All backends: `keras.metrics.CosineSimilarity` loses its axis when it is saved. Exits 1 where it does."""

import sys

import keras
import numpy as np

truth, made = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.5, 1.0], [1.0, 0.0]])
metric = keras.metrics.CosineSimilarity(axis=0)
again = keras.metrics.deserialize(keras.metrics.serialize(metric))
values = []
for one in (metric, again):
    one.update_state(truth, made)
    values.append(float(one.result()))
print(keras.__version__, keras.backend.backend(), values[0], "and after a round trip", values[1])
sys.exit(int(values[0] != values[1]))
