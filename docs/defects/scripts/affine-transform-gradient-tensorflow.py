"""TensorFlow: `keras.ops.image.affine_transform` has no gradient for the transform. Exits 1 where it has none."""

import sys

import keras
import numpy as np


class Moved(keras.layers.Layer):
    """Moves images by a trained number of pixels, and makes them brighter."""

    def build(self, shape):
        self.pixels = self.add_weight(shape=(1,), initializer="zeros", name="pixels")
        self.light = self.add_weight(shape=(1,), initializer="ones", name="light")

    def call(self, images):
        across = keras.ops.convert_to_tensor([[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
        start = keras.ops.convert_to_tensor([[1.0, 0.0, 0.25, 0.0, 1.0, 0.0, 0.0, 0.0]])
        transform = keras.ops.tile(start - self.pixels * across, (4, 1))
        return self.light * keras.ops.image.affine_transform(images, transform, interpolation="bilinear")


images = np.random.default_rng(1).uniform(size=(4, 8, 8, 1)).astype("float32")
model = keras.Sequential([keras.Input((8, 8, 1), batch_size=4), Moved()])
model.compile(keras.optimizers.SGD(1.0), "mse")
model.fit(images, images, batch_size=4, epochs=1, verbose=0)
moved = float(keras.ops.convert_to_numpy(model.layers[0].pixels)[0])
print(keras.__version__, keras.backend.backend(), "one step moves the weight by", moved)
sys.exit(int(moved == 0.0))
