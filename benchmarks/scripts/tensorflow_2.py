"""Two devices with MirroredStrategy: train and save."""

import sys

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from _model import BATCH, data, model  # noqa: E402 - devices first

x, y = data()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    trained = model()
trained.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
trained.save(sys.argv[1])
