"""CTC of labels that do not fit into the time steps: PyTorch gives infinity, TensorFlow and JAX finite numbers.

The probability of such labels is 0, so the loss is infinite (Graves et al., 2006).
"""

import sys

import keras
import numpy as np

loss = float(keras.losses.CTC()(np.array([[1, 1]]), np.zeros((1, 2, 3), "float32")))  # "1 1" needs a blank: three steps
print(keras.backend.backend(), loss, "expected inf")
sys.exit(int(np.isfinite(loss)))
