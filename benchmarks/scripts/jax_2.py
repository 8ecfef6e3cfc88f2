"""Two devices with data parallelism: train and save."""

import sys

import jax

jax.config.update("jax_num_cpu_devices", 2)

import keras  # noqa: E402 - devices first
from _model import BATCH, data, model  # noqa: E402

keras.distribution.set_distribution(keras.distribution.DataParallel(devices=jax.devices()))
x, y = data()
trained = model()
trained.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
trained.save(sys.argv[1])
