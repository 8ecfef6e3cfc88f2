"""PyTorch: Precision(top_k=...) of equal scores takes any of them, and not the first. Exits 1 where it does."""

import sys

import keras
import numpy as np

labels = np.array([[1, 1, 0, 0, 0]])  # the first two are right
scores = np.full((1, 5), 0.5, "float32")
found = {}
for metric in (keras.metrics.Precision(top_k=2), keras.metrics.Recall(top_k=2)):
    metric.update_state(labels, scores)
    found[metric.name] = float(metric.result())
print(keras.__version__, keras.backend.backend(), found, "in place of 1.0 each")
sys.exit(int(any(value != 1.0 for value in found.values())))
