"""One training step of a stateful GRU and of a stateful LSTM fails on torch: exits 1 where one of them does."""

import sys

import keras
import numpy as np


def trained(layer):
    model = keras.Sequential([keras.Input((5, 3), batch_size=4), layer(4, stateful=True), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    try:
        model.fit(np.ones((4, 5, 3), "float32"), np.ones((4, 1), "float32"), batch_size=4, verbose=0)
    except RuntimeError as error:
        return f"{layer.__name__}: {error}"
    return ""


failed = list(filter(None, map(trained, (keras.layers.GRU, keras.layers.LSTM))))
print(keras.__version__, keras.backend.backend(), "; ".join(failed) or "trained")
sys.exit(int(bool(failed)))
