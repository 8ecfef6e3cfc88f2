"""After fit with use_ema, a model cannot be saved on JAX once it has predicted: exits 1 where that is so."""

import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.compile(keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.9), "mse")
x, y = np.ones((32, 4), "float32"), np.ones((32, 3), "float32")
model.fit(x, y, batch_size=8, verbose=0)
model.predict(x, verbose=0)
try:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
    failed = ""
except RuntimeError as error:
    failed = str(error)
print(keras.__version__, keras.backend.backend(), failed or "saved")
sys.exit(int(bool(failed)))
