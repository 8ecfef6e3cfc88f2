"""A file that is saved on torch names an optimizer's class that no other backend has: exits 1 where that is so."""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.compile(keras.optimizers.SGD(0.01), "mse")
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        saved = json.loads(archive.read("config.json"))
module = saved["compile_config"]["optimizer"]["module"]
print(keras.__version__, keras.backend.backend(), module)
sys.exit(int(module.startswith("keras.src.backend.")))
