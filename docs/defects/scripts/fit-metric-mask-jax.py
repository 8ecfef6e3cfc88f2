"""JAX: a metric of the rows that `fit` trains on counts masked predictions. Exits 1 where it does.

The second half of each row is masked, and wrong. Nothing is trained, so `fit` and `evaluate` count the same predictions.
"""

import sys

import keras
import numpy as np

inputs = keras.Input((4, 1))
masked = keras.layers.Masking()(inputs)
model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(masked))
model.compile(keras.optimizers.SGD(0.0), "mse", weighted_metrics=["mae"])

x = np.array([[1, 1, 0, 0]] * 8, "float32")[..., None]
y = np.array([[1, 1, 5, 5]] * 8, "float32")[..., None]
fitted = model.fit(x, y, batch_size=8, verbose=0).history["mae"][0]
evaluated = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)["mae"]
print(keras.__version__, keras.backend.backend(), "mae of what is not masked: fit says", fitted, "and evaluate", evaluated)
sys.exit(int(abs(fitted - evaluated) > 1e-6))
