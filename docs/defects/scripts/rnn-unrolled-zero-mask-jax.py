"""unroll=True with a mask and zero_output_for_mask=True: JAX does not zero the outputs of masked steps."""

import sys

import keras
import numpy as np

x, mask = np.arange(1.0, 5.0, dtype="float32").reshape(1, 4, 1), np.array([[True, False, True, False]])
outputs = []
for unroll in (False, True):
    layer = keras.layers.SimpleRNN(
        1,
        activation=None,
        kernel_initializer="ones",
        recurrent_initializer="zeros",
        return_sequences=True,
        zero_output_for_mask=True,
        unroll=unroll,
    )
    outputs.append(keras.ops.convert_to_numpy(layer(x, mask=mask))[0, :, 0])
print(keras.backend.backend(), keras.__version__, "not unrolled:", outputs[0], "unrolled:", outputs[1])
sys.exit(int(not np.array_equal(*outputs)))
