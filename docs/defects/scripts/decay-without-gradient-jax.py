"""JAX: optimizers change weights that the loss does not depend on. Exits 1 where they do."""

import sys
import warnings

import keras
import numpy as np

warnings.simplefilter("ignore")  # TensorFlow and PyTorch warn that there are no gradients


def unused(optimizer):
    """The mean of the weights of a head without a loss, which begin with 1, after three steps."""
    inputs = keras.Input((4,))
    used = keras.layers.Dense(1, name="used")(inputs)
    head = keras.layers.Dense(1, kernel_initializer="ones", name="head")
    model = keras.Model(inputs, [used, head(inputs)])
    model.compile(optimizer, loss=["mse", None])
    x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
    model.fit(x, [y, y], batch_size=8, epochs=3, verbose=0)
    return float(np.mean(head.get_weights()[0]))


optimizers = {
    "AdamW(weight_decay=0.1)": keras.optimizers.AdamW(0.1, weight_decay=0.1),
    "Ftrl()": keras.optimizers.Ftrl(0.1),
    "Adam()": keras.optimizers.Adam(0.1),
}
found = {name: unused(optimizer) for name, optimizer in optimizers.items()}
print(keras.__version__, keras.backend.backend(), found, "in place of 1.0 each")
sys.exit(int(any(value != 1.0 for value in found.values())))
