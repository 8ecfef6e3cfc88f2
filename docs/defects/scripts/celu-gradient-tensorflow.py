"""TensorFlow: the gradient of celu at 0 is 2 in place of 1. Exits 1 where it is."""

import sys

import keras
import numpy as np

dense = keras.layers.Dense(1, activation="celu", kernel_initializer="ones")
model = keras.Sequential([keras.Input((1,)), dense])
model.compile(keras.optimizers.SGD(1.0), lambda y_true, y_pred: keras.ops.mean(y_pred))
x = np.zeros((4, 1), "float32")  # a black image, and a bias that begins with 0
model.fit(x, x, batch_size=4, epochs=1, verbose=0)
gradient = -float(dense.get_weights()[1][0])
print(keras.__version__, keras.backend.backend(), "gradient of the bias", gradient, "in place of 1.0")
sys.exit(int(abs(gradient - 1.0) > 1e-6))
