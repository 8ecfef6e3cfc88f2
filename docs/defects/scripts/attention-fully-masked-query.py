"""MultiHeadAttention: a query whose keys are all masked gets the mean of all values, but 0 as soon as
return_attention_scores=True or dropout > 0, also in inference (all backends). So asking for the scores changes the
output.
"""

import sys

import keras
import numpy as np

x = np.arange(8.0, dtype="float32").reshape(1, 2, 4)
mask = np.array([[[False, False], [True, True]]])
layer = keras.layers.MultiHeadAttention(1, 4, kernel_initializer="ones")
plain = keras.ops.convert_to_numpy(layer(x, x, attention_mask=mask))
scored = keras.ops.convert_to_numpy(layer(x, x, attention_mask=mask, return_attention_scores=True)[0])
print(keras.backend.backend(), keras.__version__, "without scores:", plain[0, 0, 0], "with scores:", scored[0, 0, 0])
sys.exit(int(not np.allclose(plain, scored)))
