"""TensorFlow and JAX: `keras.ops.stft(window=None)` takes fft_length samples for a frame, and not sequence_length.

No window is a window of ones: exits 1 where the two differ.
"""

import sys

import keras
import numpy as np

x = np.random.default_rng(1).normal(size=(1, 32)).astype("float32")
wrong = 0
for length in (16, 12):
    size = {"sequence_length": length, "sequence_stride": 4, "fft_length": 16}
    none, ones = (
        np.stack([keras.ops.convert_to_numpy(part) for part in keras.ops.stft(x, window=window, **size)])
        for window in (None, np.ones(length, "float32"))
    )
    far = float(np.abs(none - ones).max())
    print(keras.__version__, keras.backend.backend(), "frames of", length, "of 16: without a window", far, "off")
    wrong += far > 1e-3
sys.exit(int(wrong > 0))
