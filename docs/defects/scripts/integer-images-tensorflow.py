"""TensorFlow: inside a model, `Resizing` of integer images returns fractions. Exits 1 where it does."""

import sys

import keras
import numpy as np

image = keras.Input((4, 4, 1), dtype="uint8")
model = keras.Model(image, keras.layers.Resizing(3, 3)(image))
x = np.random.default_rng(0).integers(0, 256, size=(8, 4, 4, 1)).astype("uint8")
made = model.predict(x, verbose=0)
fractions = float(np.max(np.abs(made - np.rint(made))))
print(keras.__version__, keras.backend.backend(), made.dtype, "largest fraction", fractions, "in place of 0.0")
sys.exit(int(fractions > 0.0))
