"""PyTorch: what `fit` says of a metric that counts is the number of the validation. Exits 1 where it is."""

import sys

import keras
import numpy as np

x = np.ones((8, 1), "float32")
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy", metrics=[keras.metrics.TruePositives(name="hits")])
told = model.fit(x, x, batch_size=8, epochs=1, verbose=0, validation_data=(x[:2], x[:2])).history
print(keras.__version__, keras.backend.backend(), "hits", told["hits"], "in place of [8.0], validation", told["val_hits"])
sys.exit(int(told["hits"] != [8.0]))
