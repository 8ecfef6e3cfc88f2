"""TensorFlow: the gradient of `keras.ops.cumprod` at a zero is zero. Exits 1 where it is."""

import sys

import keras
import numpy as np


class Products(keras.layers.Layer):
    """Multiplies its inputs by products of trained numbers, of which one begins at zero."""

    def build(self, shape):
        start = keras.initializers.Constant([2.0, 0.0, 3.0])
        self.factors = self.add_weight(shape=(3,), initializer=start, name="factors")

    def call(self, x):
        return x * keras.ops.cumprod(self.factors)


x = np.ones((4, 3), "float32")
model = keras.Sequential([keras.Input((3,)), Products()])
model.compile(keras.optimizers.SGD(0.1), lambda y_true, y_pred: keras.ops.mean(keras.ops.sum(y_pred, axis=-1)))
model.fit(x, x, batch_size=4, epochs=1, verbose=0)
moved = np.array([2.0, 0.0, 3.0]) - keras.ops.convert_to_numpy(model.layers[0].factors)
gradient = moved / 0.1  # of 2 + 2·f + 2·f·3 by f, at f = 0
print(keras.__version__, keras.backend.backend(), "gradient", gradient.round(5).tolist(), "in place of [1, 8, 0]")
sys.exit(int(not np.allclose(gradient, [1.0, 8.0, 0.0], atol=1e-4)))
