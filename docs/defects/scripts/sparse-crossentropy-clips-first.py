"""TensorFlow: sparse categorical crossentropy clips probabilities before it divides them by their sum.

JAX and PyTorch divide first, and so does CategoricalCrossentropy on TensorFlow itself. Shows where a "probability"
is above 1, as with an activation that is no softmax.
"""

import sys

import keras
import numpy as np

predicted = np.array([[3.0, 1.0]], "float32")
sparse = float(keras.losses.SparseCategoricalCrossentropy()(np.array([0]), predicted))
dense = float(keras.losses.CategoricalCrossentropy()(np.array([[1.0, 0.0]]), predicted))
print(keras.backend.backend(), "sparse:", sparse, "one-hot:", dense)
sys.exit(int(abs(sparse - dense) > 1e-4))
