"""The gradient of SpectralNormalization leaves out the division by the norm on some backends: exits 1 where it does.

loss = sum(c * W / sigma(W)), with u and v constant (Miyato et al. 2018, equation 12). Because W / sigma(W) does not
depend on the size of W, the gradient is orthogonal to W. Where Keras assigns the new kernel and differentiates by
it, it is not, and the gradient is too large by sigma.
"""

import sys

import keras
import numpy as np

random = np.random.default_rng(0)
w, c = random.normal(size=(3, 4)).astype("float32"), random.normal(size=(3, 4)).astype("float32")
layer = keras.layers.SpectralNormalization(keras.layers.Dense(4, use_bias=False))
x = np.eye(3, dtype="float32")
layer.build(x.shape)
layer.layer.kernel.assign(w)
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, training=True) * c)
    gradient = tape.gradient(loss, layer.layer.kernel.value).numpy()
elif backend == "torch":
    import torch

    (layer(x, training=True) * torch.tensor(c)).sum().backward()
    gradient = layer.layer.kernel.value.grad.numpy()
else:
    import jax

    fixed = [v.value for v in layer.non_trainable_variables]
    gradient = jax.grad(lambda k: (layer.stateless_call([k], fixed, x, training=True)[0] * c).sum())(w)
cosine = float((np.asarray(gradient) * w).sum() / np.linalg.norm(gradient) / np.linalg.norm(w))
print(keras.__version__, backend, "cosine of gradient and kernel", cosine, "expected 0")
sys.exit(int(abs(cosine) > 1e-3))
