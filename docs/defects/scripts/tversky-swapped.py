"""All backends: Tversky weighs false negatives by alpha and false positives by beta; its page says the opposite."""

import sys

import keras
import numpy as np

one_false_positive = float(keras.losses.Tversky(alpha=1.0, beta=0.0)(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])))
print(keras.backend.backend(), one_false_positive, "expected 1 - 1 / (1 + 1) = 0.5")
sys.exit(int(abs(one_false_positive - 0.5) > 1e-3))
