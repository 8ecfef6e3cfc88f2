"""All backends: Huber, CosineSimilarity and SparseCategoricalCrossentropy lose delta and axis in their configuration.

A model that is saved and loaded goes on with a different loss, without a word.
"""

import sys

import keras
import numpy as np

loss = keras.losses.Huber(delta=2.0)
again = keras.losses.deserialize(keras.losses.serialize(loss))
values = [float(each(np.zeros((1, 1)), np.full((1, 1), 4.0))) for each in (loss, again)]
print(keras.backend.backend(), "Huber(delta=2.0):", values[0], "after a round trip:", values[1])
axis = [
    float(each(np.array([[1.0, 0], [1, 1]]), np.array([[0.5, 1], [1, 0]])))
    for each in (
        keras.losses.CosineSimilarity(axis=0),
        keras.losses.deserialize(keras.losses.serialize(keras.losses.CosineSimilarity(axis=0))),
    )
]
print(keras.backend.backend(), "CosineSimilarity(axis=0):", axis[0], "after a round trip:", axis[1])
sys.exit(int(values[0] != values[1] or axis[0] != axis[1]))
