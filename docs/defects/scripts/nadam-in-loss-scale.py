"""Nadam inside LossScaleOptimizer (as every mixed_float16 model has it) does not track u_product, its one shared
variable.

It is missing in optimizer.variables, so no file holds it. On JAX, where training carries only tracked variables
from step to step, it stays 1 in fit, and each update from the second on is a different one.
"""

import sys

import keras
import numpy as np


def trained(wrap):
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.layers.Input((1,)), dense])
    inner = keras.optimizers.Nadam(0.125, beta_1=0.75, beta_2=0.75)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=1.0) if wrap else inner
    model.compile(optimizer, "mse")
    model.fit(np.ones((4, 1)), np.array([[-3.0], [2.0], [-5.0], [4.0]]), batch_size=1, shuffle=False, verbose=0)
    tracked = any(variable is inner._u_product for variable in optimizer.variables)
    return float(np.asarray(dense.get_weights()[0])[0, 0]), tracked


(plain, _), (wrapped, tracked) = trained(False), trained(True)
print(keras.backend.backend(), "Nadam:", plain, "in LossScaleOptimizer:", wrapped, "u_product tracked:", tracked)
sys.exit(int(abs(plain - wrapped) > 1e-4 or not tracked))
