"""All backends: MultiHeadAttention loses flash_attention when it is saved. A model that was told not to use it may use it
again.
"""

import sys

import keras

layer = keras.layers.MultiHeadAttention(num_heads=1, key_dim=2, flash_attention=False)
config = layer.get_config()
print(keras.backend.backend(), keras.__version__, "flash_attention in the configuration:", "flash_attention" in config)
sys.exit(int("flash_attention" not in config))
