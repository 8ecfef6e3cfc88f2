"""RNN([cell]) with a mask: raises on every backend, because StackedRNNCells unpacks the states of a stack of one."""

import sys

import keras
import numpy as np

layer = keras.layers.RNN([keras.layers.LSTMCell(2)])
mask = np.array([[True, False]])
try:
    layer(np.ones((1, 2, 1), "float32"), mask=mask)
except Exception as error:
    print(keras.backend.backend(), keras.__version__, type(error).__name__, str(error)[:200])
    sys.exit(1)
