"""TensorFlow: Muon cannot update float64 variables with a learning-rate schedule."""

import sys

import keras
import numpy as np

keras.config.set_floatx("float64")
schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
weight = keras.Variable(np.ones((3, 4)), dtype="float64")
bias = keras.Variable(np.ones(4), dtype="float64")
optimizer = keras.optimizers.Muon(schedule)
try:
    optimizer.apply([keras.ops.ones((3, 4), dtype="float64"), keras.ops.ones(4, dtype="float64")], [weight, bias])
    print(keras.backend.backend(), keras.__version__, "works")
except Exception as error:
    print(keras.backend.backend(), keras.__version__, type(error).__name__, str(error)[:150].replace("\n", " "))
    sys.exit(1)
