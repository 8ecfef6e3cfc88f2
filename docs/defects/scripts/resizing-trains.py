"""A preprocessing layer in a subclassed model makes the layers after it train, also in `predict`. Exits 1 where it does."""

import sys

import keras
import numpy as np


class Regressor(keras.Model):
    """Takes no `training`: its layers are to predict, unless `fit` tells them otherwise."""

    def __init__(self):
        super().__init__()
        self.resize = keras.layers.Resizing(2, 2)
        self.norm = keras.layers.BatchNormalization()

    def build(self, shape):
        self.norm.build((None, 2, 2, 1))
        self.built = True

    def call(self, x):
        return self.norm(self.resize(x))


x = np.random.default_rng(0).random((4, 4, 4, 1)).astype("float32")
model = Regressor()
model.build((None, 4, 4, 1))
model.compile("sgd", "mse")
model.predict(x, verbose=0)
mean = float(keras.ops.convert_to_numpy(model.norm.moving_mean)[0])
print(keras.__version__, keras.backend.backend(), "moving mean", mean, "in place of 0.0: predict is not to move it")
sys.exit(int(mean != 0.0))
