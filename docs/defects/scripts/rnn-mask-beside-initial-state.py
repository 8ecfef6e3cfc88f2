"""All backends: an RNN layer that gets an initial state ignores the mask that its input carries, as a decoder behind
Embedding(mask_zero=True) does. Padding then changes the state.

Layer.__call__ looks for the argument `mask` only if a call has one tensor argument; with `initial_state` there are
two.
"""

import sys

import keras
import numpy as np

embedding, layer = keras.layers.Embedding(3, 2, mask_zero=True), keras.layers.SimpleRNN(2)
tokens, state = np.array([[1, 2, 0, 0]]), keras.ops.zeros((1, 2))
without = keras.ops.convert_to_numpy(layer(embedding(tokens)))
given = keras.ops.convert_to_numpy(layer(embedding(tokens), initial_state=[state]))
print(
    keras.backend.backend(), keras.__version__, "no state:", without[0], "a state of zeros:", given[0], "expected the same"
)
sys.exit(int(not np.allclose(without, given, atol=1e-5)))
