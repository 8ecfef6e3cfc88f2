"""The gradient of AdaptiveMaxPooling2D(1) is garbage, or kills the process with SIGFPE (TensorFlow): exits 1 where it
does.

The output of one pooling window more than fits is empty, and TensorFlow's gradient of an empty MaxPool reads
outside of it. Needs a second process, because the first may be killed.
"""

import subprocess
import sys

import numpy as np

if "child" not in sys.argv:
    sys.exit(int(subprocess.run([sys.executable, __file__, "child"]).returncode != 0))

import keras

x = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
layer = keras.layers.AdaptiveMaxPooling2D(1)
backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x))
    gradient = tape.gradient(y, x).numpy()
elif backend == "torch":
    import torch

    x = torch.tensor(x, requires_grad=True)
    layer(x).sum().backward()
    gradient = x.grad.numpy()
else:
    import jax

    gradient = jax.grad(lambda v: layer(v).sum())(x)
print(keras.__version__, backend, np.asarray(gradient).ravel().tolist(), "expected 1 at the last, 0 elsewhere")
sys.exit(int(not np.allclose(np.ravel(gradient), [0] * 8 + [1])))
