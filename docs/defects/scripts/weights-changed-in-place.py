"""PyTorch: a loss of masked predictions changes the caller's sample weights, and refuses weights that need
broadcasting.

`sample_weight *= float_mask` works in place, on a tensor that shares its memory with the caller's array.
"""

import sys

import keras
import numpy as np

masked = keras.layers.Masking()(keras.ops.convert_to_tensor(np.array([[[1.0]], [[0.0]]], "float32")))  # the second row
weights = np.array([[2.0], [2.0]], "float32")
loss = keras.losses.MeanSquaredError(reduction="sum")
loss(np.zeros((2, 1, 1), "float32"), masked, sample_weight=weights)
print(keras.backend.backend(), "weights of 2.0 after one call:", weights.ravel().tolist())
two = keras.layers.Masking()(keras.ops.convert_to_tensor(np.ones((2, 3, 1), "float32")))
try:
    loss(np.zeros((2, 3, 1), "float32"), two, sample_weight=np.array([[1.0], [2.0]], "float32"))
    raised = False
except RuntimeError as error:
    raised = True
    print(keras.backend.backend(), "a column of weights:", str(error)[:100])
sys.exit(int(weights.tolist() != [[2.0], [2.0]] or raised))
