"""keras.activations.sparsemax: the outputs do not sum to 1 where more than one is positive (all backends).

Known: keras#23425, mended after 3.15.1 by keras#23469.
"""

import sys

import keras
import numpy as np

answer = keras.ops.convert_to_numpy(keras.activations.sparsemax(np.array([[1.0, 0.5, 0.0]], "float32")))
print(keras.backend.backend(), keras.__version__, answer, "expected [[0.75 0.25 0.]]")
sys.exit(int(not np.allclose(answer, [[0.75, 0.25, 0.0]])))
