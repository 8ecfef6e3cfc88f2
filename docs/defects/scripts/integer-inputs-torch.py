"""Conv1D and EinsumDense of integers raise on torch: exits 1 where they do. Dense accepts integers on every backend."""

import sys

import keras
import numpy as np

failed = 0
for layer, shape in (
    (keras.layers.Dense(2), (1, 4)),
    (keras.layers.EinsumDense("ab,bc->ac", 2), (1, 4)),
    (keras.layers.Conv1D(2, 2), (1, 4, 1)),
):
    try:
        layer(np.ones(shape, "int32"))
        print(keras.__version__, keras.backend.backend(), type(layer).__name__, "works")
    except Exception as error:
        failed = 1
        print(
            keras.__version__,
            keras.backend.backend(),
            type(layer).__name__,
            type(error).__name__,
            str(error)[:160].replace("\n", " "),
        )
sys.exit(failed)
