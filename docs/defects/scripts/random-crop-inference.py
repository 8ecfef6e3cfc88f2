"""RandomCrop in inference returns the image as it is; the documentation says that it is resized and cropped to the
target size, and compute_output_shape gives that size (all backends).
"""

import sys

import keras
import numpy as np

layer = keras.layers.RandomCrop(4, 4)
images = np.zeros((1, 8, 8, 3), "float32")
shape = tuple(layer(images, training=False).shape)
print(
    keras.backend.backend(), keras.__version__, shape, "and compute_output_shape:", layer.compute_output_shape(images.shape)
)
sys.exit(int(shape != (1, 4, 4, 3)))
