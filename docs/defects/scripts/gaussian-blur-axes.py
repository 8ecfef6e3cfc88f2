"""JAX and PyTorch: `keras.ops.image.gaussian_blur` without data_format blurs the channels. Exits 1 where it does.

Every channel is constant over the image, so that a blur over height and width leaves its middle as it is.
"""

import sys

import keras
import numpy as np

images = np.broadcast_to(np.array([0.0, 1.0, 5.0], "float32"), (1, 7, 7, 3))
told = keras.ops.convert_to_numpy(keras.ops.image.gaussian_blur(images, data_format="channels_last"))[0, 3, 3]
found = keras.ops.convert_to_numpy(keras.ops.image.gaussian_blur(images))[0, 3, 3]
print(keras.__version__, keras.backend.backend(), keras.config.image_data_format(), "channels in the middle:", found)
print("with data_format='channels_last':", told)
sys.exit(int(not np.allclose(found, [0.0, 1.0, 5.0], atol=1e-5)))
