"""unroll=True, go_backwards=True, a mask and zero_output_for_mask=True: the zeros are at the steps of the mask that
was not reversed (TensorFlow); no zeros at all (JAX); an exception (torch). Without unroll all three are right.
"""

import sys

import keras
import numpy as np

x, mask = np.arange(1.0, 5.0, dtype="float32").reshape(1, 4, 1), np.array([[False, True, True, True]])
outputs = []
for unroll in (False, True):
    layer = keras.layers.SimpleRNN(
        1,
        activation=None,
        kernel_initializer="ones",
        recurrent_initializer="zeros",
        return_sequences=True,
        go_backwards=True,
        zero_output_for_mask=True,
        unroll=unroll,
    )
    try:
        outputs.append(keras.ops.convert_to_numpy(layer(x, mask=mask))[0, :, 0])
    except Exception as error:
        outputs.append(np.full(4, np.nan))
        print(type(error).__name__, str(error)[:200])
print(keras.backend.backend(), keras.__version__, "not unrolled:", outputs[0], "unrolled:", outputs[1])
sys.exit(int(not np.array_equal(*outputs)))
