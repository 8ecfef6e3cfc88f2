"""TensorFlow: the gradient of `keras.ops.image.affine_transform` for the images is wrong. Exits 1 where it is."""

import sys

import keras
import numpy as np

# Rows of the output are rows of the input, two pixels apart: output[y, x] = image[2 y, x], and beyond the image 0.
TRANSFORM = np.array([[1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]], "float32")


class Squeezed(keras.layers.Layer):
    """An image that is trained, squeezed to half of its height."""

    def build(self, shape):
        self.image = self.add_weight(shape=(1, 4, 4, 1), initializer="zeros", name="image")

    def call(self, x):
        image = keras.ops.convert_to_tensor(self.image)
        return x * keras.ops.image.affine_transform(image, keras.ops.convert_to_tensor(TRANSFORM))


model = keras.Sequential([keras.Input((4, 4, 1), batch_size=1), Squeezed()])
model.compile(keras.optimizers.SGD(8.0), "mse")
ones = np.ones((1, 4, 4, 1), "float32")
model.fit(ones, ones, batch_size=1, epochs=1, verbose=0)
image = keras.ops.convert_to_numpy(model.layers[0].image)[0, :, 0, 0]
print(keras.__version__, keras.backend.backend(), "one step makes the rows", image, "in place of [1. 0. 1. 0.]")
sys.exit(int(not np.allclose(image, [1.0, 0.0, 1.0, 0.0])))
