"""A model with x + y that is saved as .h5 and loaded: exits 1 where it cannot be loaded."""

import pathlib
import sys
import tempfile

import keras

x = keras.Input((2,))
model = keras.Model(x, x + keras.layers.Dense(2)(x))
with tempfile.TemporaryDirectory() as folder:
    place = pathlib.Path(folder, "model.h5")
    model.save(place)
    try:
        keras.models.load_model(place)
        said = ""
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
print(keras.__version__, keras.backend.backend(), "loaded with x + y:", said or "it is")
sys.exit(int(bool(said)))
