"""softplus and what is made of it: torch returns x from 20 on, so that log(1 + exp(-x)), 2e-9 there, is lost in
float64.
"""

import sys

import keras
import numpy as np

x = np.array([20.5])
answer = keras.ops.convert_to_numpy(keras.ops.softplus(keras.ops.convert_to_tensor(x, dtype="float64")))
print(keras.backend.backend(), keras.__version__, answer.dtype, "off by", float(np.abs(answer - np.logaddexp(0.0, x))[0]))
sys.exit(int(answer.dtype == np.float64 and np.abs(answer - np.logaddexp(0.0, x))[0] > 1e-12))
