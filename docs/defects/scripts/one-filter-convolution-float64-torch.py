"""The float64 gradient of a convolution with one filter raises on CPU (torch): exits 1 where it does."""

import sys

import keras

keras.config.set_floatx("float64")
if keras.backend.backend() != "torch":
    sys.exit(0)
import torch  # noqa: E402

layer = keras.layers.Conv2D(1, 3, padding="same", strides=(2, 1))
try:
    layer(torch.ones((1, 8, 7, 3), dtype=torch.float64)).sum().backward()
except RuntimeError as error:
    print(keras.__version__, torch.__version__, error)
    sys.exit(1)
