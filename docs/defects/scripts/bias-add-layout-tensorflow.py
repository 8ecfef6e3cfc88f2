"""`keras.ops.add(x, bias)` ignores where the bias's axis lies (TensorFlow): exits 1 where it does.

Whenever the last dimension of x equals the size of the bias, the bias is added along it. EinsumDense with a bias
that is not on the last axis, and every channels_first convolution as wide as its filters, are wrong.
"""

import sys

import keras
import numpy as np

x, bias = np.zeros((1, 2, 2), "float32"), np.array([[1.0], [2.0]], "float32")
y = keras.ops.convert_to_numpy(keras.ops.add(x, bias))[0]
layer = keras.layers.EinsumDense("abc,cde->abde", (None, 2, 2), bias_axes="d")
layer.build((1, 1, 3))
layer.bias.assign(bias)
z = keras.ops.convert_to_numpy(layer(np.zeros((1, 1, 3), "float32")))[0, 0]
print(keras.__version__, keras.backend.backend(), "add", y.tolist(), "EinsumDense", z.tolist(), "expected [[1, 1], [2, 2]]")
sys.exit(int(not (np.allclose(y, [[1, 1], [2, 2]]) and np.allclose(z, [[1, 1], [2, 2]]))))
