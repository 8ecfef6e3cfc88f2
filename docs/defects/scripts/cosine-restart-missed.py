"""CosineDecayRestarts misses a restart by rounding: the rate of that one step is the floor in place of the top.

Periods of 10 and 12 steps (t_mul=1.2) end at step 22, where the third begins. log(1.44) / log(1.2) rounds to less
than 2.
"""

import sys

import keras

rates = {step: float(keras.optimizers.schedules.CosineDecayRestarts(1.0, 10, t_mul=1.2)(step)) for step in (10, 21, 22, 23)}
print(keras.backend.backend(), rates, "expected 1.0 at steps 10 and 22")
sys.exit(int(rates[22] < 0.9))
