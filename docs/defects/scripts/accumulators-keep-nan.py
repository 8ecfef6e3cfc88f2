"""PyTorch: gradient accumulators are emptied by a product with 0, which keeps infinities as NaN.

With clipvalue, one infinite gradient is one clipped step on TensorFlow and JAX; on PyTorch all later steps are NaN.
"""

import sys

import keras
import numpy as np

weight = keras.Variable(np.array([0.0], "float32"))
optimizer = keras.optimizers.SGD(1.0, clipvalue=1.0, gradient_accumulation_steps=2)
for gradient in (np.inf, 1.0, 0.5, 0.5):
    optimizer.apply([keras.ops.convert_to_tensor(np.array([gradient], "float32"))], [weight])
value = float(keras.ops.convert_to_numpy(weight)[0])
print(keras.backend.backend(), value, "expected -1.5")
sys.exit(int(not abs(value + 1.5) < 1e-4))
