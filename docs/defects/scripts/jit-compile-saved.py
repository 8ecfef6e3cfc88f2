"""A file holds what jit_compile="auto" became where it was saved: exits 1 where that is so."""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.compile("sgd", "mse")
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        saved = json.loads(archive.read("config.json"))
kept = saved["compile_config"]["jit_compile"]
print(keras.__version__, keras.backend.backend(), kept)
sys.exit(int(kept != "auto"))
