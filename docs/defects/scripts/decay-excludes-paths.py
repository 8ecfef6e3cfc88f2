"""Weight decay of a variable whose layer, and not itself, has a name that is excluded: exits 1 where it is left out."""

import sys

import keras
import numpy as np

layer = keras.layers.Dense(2, use_bias=False, name="bias_of_users")
layer.build((None, 3))
before = np.array(layer.kernel)
optimizer = keras.optimizers.SGD(0.5, weight_decay=0.5)
optimizer.exclude_from_weight_decay(var_names=["bias"])
optimizer.build([layer.kernel])
optimizer.apply([keras.ops.zeros((3, 2))], [layer.kernel])
share = float(np.mean(np.array(keras.ops.convert_to_numpy(layer.kernel)) / before))
print(keras.__version__, keras.backend.backend(), layer.kernel.name, layer.kernel.path, share)
sys.exit(int(share == 1.0))
