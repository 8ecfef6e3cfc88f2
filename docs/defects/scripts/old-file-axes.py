"""The axes of a layer after its model was saved as .h5 and loaded: exits 1 where they are others."""

import pathlib
import sys
import tempfile

import keras

model = keras.Sequential([keras.Input((2, 3)), keras.layers.UnitNormalization(axis=[1, 2], name="unit")])
with tempfile.TemporaryDirectory() as folder:
    place = pathlib.Path(folder, "model.h5")
    model.save(place)
    axes = keras.models.load_model(place).get_layer("unit").axis
print(keras.__version__, keras.backend.backend(), "saved with axis [1, 2], loaded with", axes)
sys.exit(int(axes not in ([1, 2], (1, 2))))
