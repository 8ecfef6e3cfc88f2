"""TensorFlow: under MirroredStrategy, LossScaleOptimizer does not see an overflow of another replica than the first.

A step of which a gradient is infinite is to be left out. Exits 1 where it is not.
"""

import sys

import keras
import numpy as np

if keras.backend.backend() != "tensorflow":
    print(keras.backend.backend(), "has no MirroredStrategy")
    sys.exit(0)

import tensorflow as tf

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def trained(strategy, row):
    """Whether the weights are finite after a step on a batch of which this row is too large."""
    with strategy.scope():
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        model = keras.Sequential([keras.layers.Input((1,)), dense])
        model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), "mse")
    x = np.ones((4, 1), "float32")
    x[row] = 1e30
    model.fit(x, np.ones((4, 1), "float32"), batch_size=4, verbose=0, shuffle=False)
    return bool(np.isfinite(dense.get_weights()[0]).all())


one = [trained(tf.distribute.get_strategy(), row) for row in (0, 3)]
two = [trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), row) for row in (0, 3)]
print(keras.__version__, "weights are finite after an overflow in the first and in the last row:")
print("one device", one, "two replicas", two)
sys.exit(int(one + two != [True] * 4))
