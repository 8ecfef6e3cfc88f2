"""MultiHeadAttention ignores its argument query_mask (all backends); GroupQueryAttention takes it."""

import sys

import keras
import numpy as np

x, mask = np.arange(8.0, dtype="float32").reshape(1, 2, 4), np.array([[True, False]])
scores = {}
for layer in (keras.layers.MultiHeadAttention(1, 4), keras.layers.GroupQueryAttention(4, 1, 1)):
    scores[layer.name] = keras.ops.convert_to_numpy(layer(x, x, query_mask=mask, return_attention_scores=True)[1])[0, 0, 1]
print(keras.backend.backend(), keras.__version__, "weights of the masked query:", scores)
sys.exit(int(scores["multi_head_attention"].any() and not scores["grouped_query_attention"].any()))
