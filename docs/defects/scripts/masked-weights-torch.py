"""PyTorch: a loss with a mask changes the sample weights that weighted metrics get. Exits 1 where it does."""

import sys

import keras
import numpy as np

tokens = np.array([[1, 2, 0, 0], [3, 4, 5, 6]], "int32")  # 0 is padding
classes = np.array([[0, 1, 0, 0], [1, 1, 0, 1]], "int32")
weights = np.array([[1.0, 1.0, 0.0, 0.0], [0.5, 0.25, 1.0, 0.125]], "float32")
scores = np.array([[0, 0], [2, 1], [2, 1], [1, 2], [2, 1], [2, 1], [1, 2]], "float32")

model = keras.Sequential([keras.Input((4,)), keras.layers.Embedding(7, 2, mask_zero=True)])
model.layers[0].set_weights([scores])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("sgd", loss, weighted_metrics=["sparse_categorical_accuracy"])
given = {"sample_weight": weights, "verbose": 0, "return_dict": True}
each = [model.evaluate(tokens, classes, batch, **given) for batch in (1, 2)]
alone, together = (found["sparse_categorical_accuracy"] for found in each)
right = (scores[tokens].argmax(-1) == classes)[tokens > 0]
expected = float((weights[tokens > 0] * right).sum() / weights[tokens > 0].sum())
print(keras.__version__, keras.backend.backend(), "accuracy", alone, "and", together, "in place of", expected)
sys.exit(int(max(abs(alone - expected), abs(together - expected)) > 1e-6))
