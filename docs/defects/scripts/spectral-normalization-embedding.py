"""SpectralNormalization(Embedding) casts the embeddings to the integers of its input: exits 1 where it does.

The documentation names Embedding as a layer that it wraps.
"""

import sys

import keras
import numpy as np

layer = keras.layers.SpectralNormalization(keras.layers.Embedding(4, 2))
y = keras.ops.convert_to_numpy(layer(np.array([[0, 1, 2]], "int32")))
print(keras.__version__, keras.backend.backend(), y.dtype, y.tolist())
sys.exit(int(not np.issubdtype(y.dtype, np.floating)))
