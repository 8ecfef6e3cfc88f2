"""TensorFlow: `keras.ops.image.sobel_edges` mirrors the image at its border, all others pad it with zeros.

Of an image of ones, that is no edge at all at the border, or a strong one. Exits 1 where it mirrors.
"""

import sys

import keras
import numpy as np

edges = keras.ops.convert_to_numpy(keras.ops.image.sobel_edges(np.ones((1, 4, 4, 1), "float32")))
vertical = edges[0, :, 1, 0, 0].tolist()
print(keras.__version__, keras.backend.backend(), "from top to bottom:", vertical, "in place of [4, 0, 0, -4]")
sys.exit(int(vertical != [4.0, 0.0, 0.0, -4.0]))
