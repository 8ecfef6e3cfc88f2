"""On JAX, `fit` drops the kernel that SpectralNormalization assigns, so inference uses a kernel that is not
normalized: exits 1.

The layer assigns a trainable variable while it is called; the JAX trainer keeps only changes of non-trainable ones.
"""

import sys

import keras
import numpy as np

keras.utils.set_random_seed(0)
inner = keras.layers.Dense(4, use_bias=False)
model = keras.Sequential([keras.Input((3,)), keras.layers.SpectralNormalization(inner, power_iterations=50)])
inner.kernel.assign(10 * np.random.default_rng(0).normal(size=(3, 4)))
model.compile(keras.optimizers.SGD(0.0), "mse")  # nothing is learned
model.fit(np.ones((8, 3)), np.ones((8, 4)), epochs=1, verbose=0)
norm = np.linalg.norm(keras.ops.convert_to_numpy(inner.kernel), 2)
print(keras.__version__, keras.backend.backend(), "spectral norm of the kernel after fit", norm, "expected 1")
sys.exit(int(abs(norm - 1) > 1e-2))
