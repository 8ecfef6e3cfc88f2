"""zero_output_for_mask with return_sequences=False: the documentation says it is not used; the last output is 0 (all
backends).
"""

import sys

import keras
import numpy as np

layer = keras.layers.SimpleRNN(
    1, activation=None, kernel_initializer="ones", recurrent_initializer="zeros", zero_output_for_mask=True
)
answer = keras.ops.convert_to_numpy(layer(np.array([[[1.0], [2.0]]], "float32"), mask=np.array([[True, False]])))
print(keras.backend.backend(), keras.__version__, "last output:", answer[0], "expected [1.]")
sys.exit(int(answer[0, 0] != 1.0))
