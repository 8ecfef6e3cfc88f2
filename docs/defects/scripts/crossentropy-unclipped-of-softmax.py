"""TensorFlow: crossentropy of a softmax or sigmoid layer takes its logits, and clips nothing.

The page says that probabilities are clipped to keras.config.epsilon(), as on JAX and PyTorch (and on TensorFlow for
any other tensor). A certain and wrong prediction has the loss 16.1 there, and 100 here; a gradient of 0 there, and
a full one here.
"""

import sys

import keras
import numpy as np

model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Softmax()])
model.compile(loss="categorical_crossentropy")
value = model.evaluate(np.array([[100.0, 0.0]]), np.array([[0.0, 1.0]]), verbose=0)
print(keras.backend.backend(), value, "clipped:", -np.log(1e-7))
sys.exit(int(abs(value + np.log(1e-7)) > 1e-2))
