"""All backends: Adafactor(relative_step=False) still limits the learning rate to 1 / sqrt(step)."""

import sys

import keras
import numpy as np

weight = keras.Variable(np.array([1.0], "float32"))
optimizer = keras.optimizers.Adafactor(0.75, relative_step=False, epsilon_2=1.0)
values = [1.0]
for _ in range(4):
    weight.assign(np.array([1.0], "float32"))
    optimizer.apply([keras.ops.convert_to_tensor(np.array([1.0], "float32"))], [weight])
    values.append(1.0 - float(keras.ops.convert_to_numpy(weight)[0]))
print(keras.backend.backend(), "moves:", [round(value, 4) for value in values[1:]], "expected 0.75 each")
sys.exit(int(abs(values[4] - 0.75) > 1e-3))
