"""The gradient of a maximum over centred values is wrong in a compiled function (JAX): exits 1 where it is.

Between two maxima, a layer subtracts a mean. One training step with SGD(1) must move the weights by the gradient, which the
same step computes without compilation.
"""

import sys

import keras
import numpy as np


class Centred(keras.layers.Layer):
    def call(self, inputs):
        return inputs - keras.ops.mean(inputs, (0, 1), keepdims=True)


def trained(**options):
    model = keras.Sequential(
        [
            keras.Input((10, 3)),
            keras.layers.Dense(3, kernel_initializer="identity"),
            keras.layers.MaxPooling1D(3),
            Centred(),
            keras.layers.GlobalMaxPooling1D(),
        ]
    )
    model.compile(keras.optimizers.SGD(1.0), "mse", **options)
    model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0)
    return keras.ops.convert_to_numpy(model.layers[0].kernel)


generator = np.random.default_rng(0)
x, y = generator.normal(size=(16, 10, 3)).astype("float32"), generator.normal(size=(16, 3)).astype("float32")
# Compilation as Keras does it by itself; torch compiles nothing.
apart = float(np.abs(trained() - trained(run_eagerly=True)).max())
print(keras.__version__, keras.backend.backend(), "compiled and not, weights after one step apart by", apart)
sys.exit(int(apart > 1e-3))
