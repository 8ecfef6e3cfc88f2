"""JAX: `training` does not reach the layers inside of a subclassed model. Exits 1 where it does not."""

import sys

import keras
import numpy as np


class Regressor(keras.Model):
    """Leaves `training` to Keras, as its layers do inside of any layer."""

    def __init__(self):
        super().__init__()
        self.norm = keras.layers.BatchNormalization(momentum=0.0)
        self.out = keras.layers.Dense(1)

    def build(self, shape):
        self.norm.build(shape)
        self.out.build(shape)
        self.built = True

    def call(self, x, training=None):
        return self.out(self.norm(x))


x = np.array([[1.0], [3.0], [5.0], [7.0]], "float32")
model = Regressor()
model.build((None, 1))
model.compile("sgd", "mse")
model.fit(x, x, batch_size=4, epochs=1, verbose=0)
mean = float(keras.ops.convert_to_numpy(model.norm.moving_mean)[0])
print(keras.__version__, keras.backend.backend(), "moving mean", mean, "in place of 4.0, the mean of the batch")
sys.exit(int(abs(mean - 4.0) > 1e-3))
