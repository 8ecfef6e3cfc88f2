"""unroll=True, go_backwards=True and a mask: torch raises AttributeError (torch.flip of a tuple)."""

import sys

import keras
import numpy as np

layer = keras.layers.SimpleRNN(1, go_backwards=True, unroll=True)
try:
    layer(np.ones((1, 2, 1), "float32"), mask=np.array([[True, False]]))
except AttributeError as error:
    print(keras.backend.backend(), keras.__version__, str(error)[:200])
    sys.exit(1)
