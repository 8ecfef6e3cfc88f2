"""All backends: CategoricalGeneralizedCrossEntropy with labels of shape (n, 1), which its page allows, pairs all rows."""

import sys

import keras
import numpy as np

loss = keras.losses.CategoricalGeneralizedCrossEntropy(q=0.5)
probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
flat, column = float(loss(np.array([0, 1]), probabilities)), float(loss(np.array([[0], [1]]), probabilities))
print(keras.backend.backend(), "labels (2,):", flat, "labels (2, 1):", column)
sys.exit(int(abs(flat - column) > 1e-4))
