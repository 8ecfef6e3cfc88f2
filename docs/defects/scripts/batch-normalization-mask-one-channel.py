"""BatchNormalization in training, with a mask and a single channel, raises: exits 1 where it does."""

import sys

import keras
import numpy as np

x = np.arange(6, dtype="float32").reshape(2, 3, 1)
mask = np.array([[True, True, False], [True, False, False]])
try:
    y = keras.ops.convert_to_numpy(
        keras.layers.BatchNormalization()(x, training=True, mask=keras.ops.convert_to_tensor(mask))
    )
    print(keras.__version__, keras.backend.backend(), y.ravel())
except Exception as error:
    print(keras.__version__, keras.backend.backend(), type(error).__name__, str(error)[:150])
    sys.exit(1)
