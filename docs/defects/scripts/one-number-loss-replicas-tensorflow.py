"""TensorFlow: a loss that is one number for a batch is not divided by the number of replicas under MirroredStrategy.

All rows are equal: each replica has the loss and the gradient of the whole batch, and their means are those of one device.
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


def trained(strategy, loss):
    with strategy.scope():
        kernel = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(0.5))
        model = keras.Sequential([keras.layers.Input((1,)), kernel])
        model.compile(keras.optimizers.SGD(1.0), loss)
    history = model.fit(np.ones((4, 1), "float32"), np.ones((4, 1), "float32"), batch_size=4, verbose=0)
    return history.history["loss"][0], float(kernel.get_weights()[0][0, 0]) - 0.5


wrong = 0
for loss in (keras.losses.Dice(), keras.losses.Tversky(), keras.losses.MeanSquaredError()):
    one = trained(tf.distribute.get_strategy(), loss)
    two = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), loss)
    print(f"{loss.name}: loss and step {one} on one device, {two} on two")
    wrong += not np.allclose(one, two, rtol=1e-4)
sys.exit(int(wrong > 0))
