"""All backends: one sample weight for each row does not work for outputs with time steps, as the page of `fit`
promises.

With as many time steps as rows, the weights silently go to the time steps. With a different number, an error is
raised.
"""

import sys

import keras
import numpy as np

y_true, y_pred = np.zeros((2, 2, 1)), np.array([[[1.0], [1.0]], [[3.0], [3.0]]])  # row losses 1 and 9
value = float(keras.losses.MeanSquaredError(reduction="sum")(y_true, y_pred, sample_weight=np.array([1.0, 0.0])))
print(keras.backend.backend(), "weight 0 for the second row:", value, "expected 1 + 1 = 2")
try:
    keras.losses.MeanSquaredError()(np.zeros((2, 3, 1)), np.ones((2, 3, 1)), sample_weight=np.array([1.0, 0.0]))
    raised = False
except Exception as error:
    raised = True
    print(keras.backend.backend(), "3 time steps:", type(error).__name__, str(error)[:90])
sys.exit(int(abs(value - 2) > 1e-4 or raised))
