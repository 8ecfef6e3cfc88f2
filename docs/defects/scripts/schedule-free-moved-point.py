"""TensorFlow and PyTorch: ScheduleFreeAdamW takes the moved point z for the one before the move.

`momentum_old = momentum.value` is a reference there, and assign_sub changes it, before x_old = (y - (1 - b) z_old)
/ b. Expected (Defazio et al., 2024): x averages z with weight 1/t, y = (1 - b) z + b x. In the first step 1/t is 1
and hides it.
"""

import sys

import keras
import numpy as np

b, rate = 0.75, 0.5
weight = keras.Variable(np.array([1.0], "float32"))
optimizer = keras.optimizers.ScheduleFreeAdamW(rate, beta_1=b, beta_2=0.0)  # beta_2 = 0: each move is rate · sign(g)
x = z = 1.0
for t in (1, 2, 3):
    optimizer.apply([keras.ops.convert_to_tensor(np.array([1.0], "float32"))], [weight])
    z = z - rate
    x = (1 - 1 / t) * x + z / t
    y = (1 - b) * z + b * x
    print(keras.backend.backend(), "step", t, float(np.asarray(keras.ops.convert_to_numpy(weight))[0]), "expected", y)
sys.exit(int(abs(float(keras.ops.convert_to_numpy(weight)[0]) - y) > 1e-4))
