"""TensorFlow and JAX: SparseCategoricalCrossentropy(axis=1) raises an error; PyTorch computes it."""

import sys

import keras
import numpy as np

try:
    value = float(keras.losses.SparseCategoricalCrossentropy(axis=1)(np.zeros((1, 4), int), np.full((1, 2, 4), 0.5)))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:120])
    sys.exit(1)
print(keras.backend.backend(), value)
sys.exit(int(abs(value - np.log(2)) > 1e-4))
