"""JAX: in mixed precision, `fit` gives the `call` of a subclassed model float32. Exits 1 where it does."""

import sys

import keras
import numpy as np

keras.config.set_dtype_policy("mixed_bfloat16")
given = []


class Regressor(keras.Model):
    """Has a weight of its own, which is to be bfloat16 while it computes, as its inputs are."""

    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)

    def build(self, shape):
        self.scale = self.add_weight(shape=(1,), initializer="ones")
        self.out.build(shape)
        self.built = True

    def call(self, x):
        scaled = x * self.scale
        given.append(keras.backend.standardize_dtype(scaled.dtype))
        return self.out(scaled)


x = np.ones((4, 2), "float32")
model = Regressor()
model.build((None, 2))
model.compile("sgd", "mse")
model.fit(x, x[:, :1], batch_size=4, epochs=1, verbose=0)
print(keras.__version__, keras.backend.backend(), "the last call scales in", given[-1], "in place of bfloat16")
sys.exit(int(given[-1] != "bfloat16"))
