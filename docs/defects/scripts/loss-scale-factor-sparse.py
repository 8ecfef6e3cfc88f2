"""TensorFlow: an optimizer with loss_scale_factor cannot train an Embedding: IndexedSlices are divided with /."""

import sys

import keras
import numpy as np

model = keras.Sequential([keras.layers.Input((2,), dtype="int32"), keras.layers.Embedding(2, 1), keras.layers.Flatten()])
model.compile(keras.optimizers.SGD(1.0, loss_scale_factor=8.0), "mse")
try:
    model.fit(np.zeros((1, 2), "int32"), np.ones((1, 2)), verbose=0)
except TypeError as error:
    print(keras.backend.backend(), "raises", error)
    sys.exit(1)
print(keras.backend.backend(), "trains")
