"""An initial state and a masked first step: JAX gives the state as the output of that step, the others 0."""

import sys

import keras
import numpy as np

layer = keras.layers.GRU(2, return_sequences=True)
mask, state = np.array([[False, True]]), np.full((1, 2), 0.5, "float32")
answer = keras.ops.convert_to_numpy(layer(np.ones((1, 2, 1), "float32"), mask=mask, initial_state=[state]))
print(keras.backend.backend(), keras.__version__, "output of the masked first step:", answer[0, 0], "expected [0. 0.]")
sys.exit(int(answer[0, 0].any()))
