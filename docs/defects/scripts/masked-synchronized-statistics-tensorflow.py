"""TensorFlow: with a mask, BatchNormalization(synchronized=True) takes statistics of each replica. Exits 1 where it does."""

import sys

import keras
import numpy as np

if keras.backend.backend() != "tensorflow":
    print(keras.backend.backend(), "has no MirroredStrategy")
    sys.exit(0)

import tensorflow as tf

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

x = np.arange(1.0, 25.0, dtype="float32").reshape(4, 3, 2)
y = np.ones((4, 3, 1), "float32")


def variance(strategy):
    """The moving variance after a step on four rows, of which each of two replicas has two. No step is masked."""
    with strategy.scope():
        norm = keras.layers.BatchNormalization(momentum=0.0, synchronized=True)
        model = keras.Sequential([keras.layers.Input((3, 2)), keras.layers.Masking(), norm, keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, y, batch_size=4, verbose=0, shuffle=False)
    return keras.ops.convert_to_numpy(norm.moving_variance).tolist()


one = variance(tf.distribute.get_strategy())
two = variance(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
print(keras.__version__, "moving variance", one, "on one device,", two, "on two")
sys.exit(int(not np.allclose(one, two, rtol=1e-4)))
