"""PyTorch: an optimizer with weight decay fails if every variable is excluded from it."""

import sys

import keras
import numpy as np

weight = keras.Variable(np.array([1.0], "float32"), name="bias")
optimizer = keras.optimizers.SGD(1.0, weight_decay=0.5)
optimizer.exclude_from_weight_decay(var_names=["bias"])
try:
    optimizer.apply([keras.ops.convert_to_tensor(np.array([1.0], "float32"))], [weight])
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:120])
    sys.exit(1)
value = float(keras.ops.convert_to_numpy(weight)[0])
print(keras.backend.backend(), value)
sys.exit(int(abs(value) > 1e-6))
