"""TensorFlow: `keras.ops.image.hsv_to_rgb` has no gradient. Exits 1 where what comes before it is not trained."""

import sys

import keras
import numpy as np


class Retouched(keras.layers.Layer):
    """Changes the saturation of images by a trained factor, and makes them brighter."""

    def build(self, shape):
        self.saturation = self.add_weight(shape=(), initializer="ones", name="saturation")
        self.light = self.add_weight(shape=(), initializer="ones", name="light")

    def call(self, images):
        hue, saturation, value = keras.ops.split(keras.ops.image.rgb_to_hsv(images), 3, axis=-1)
        changed = keras.ops.concatenate([hue, saturation * self.saturation, value], axis=-1)
        return self.light * keras.ops.image.hsv_to_rgb(changed)


images = np.random.default_rng(1).uniform(0.2, 0.8, size=(4, 8, 8, 3)).astype("float32")
model = keras.Sequential([keras.Input((8, 8, 3)), Retouched()])
model.compile(keras.optimizers.SGD(1.0), "mse")
model.fit(images, images.mean(axis=-1, keepdims=True) * np.ones(3, "float32"), epochs=1, verbose=0)
moved = float(keras.ops.convert_to_numpy(model.layers[0].saturation)) - 1.0
print(keras.__version__, keras.backend.backend(), "one step moves the factor by", moved)
sys.exit(int(moved == 0.0))
