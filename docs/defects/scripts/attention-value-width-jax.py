"""JAX: MultiHeadAttention with values of another width than the keys is refused.

jax.nn.dot_product_attention wants both to be equally wide. With return_attention_scores=True, a different path computes it.
"""

import sys

import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(1, 2, 3)).astype("float32")
layer = keras.layers.MultiHeadAttention(num_heads=1, key_dim=2, value_dim=4)
try:
    print(keras.backend.backend(), keras.__version__, tuple(layer(x, x).shape))
except Exception as error:
    print(keras.backend.backend(), keras.__version__, type(error).__name__, str(error)[:150].replace("\n", " "))
    sys.exit(1)
