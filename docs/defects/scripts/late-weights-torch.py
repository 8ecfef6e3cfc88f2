"""PyTorch: weights that enable_lora makes are not in model.parameters(). Exits 1 where they are not."""

import sys

import keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="hidden"), keras.layers.Dense(1)])
model.get_layer("hidden").enable_lora(2)
if keras.backend.backend() != "torch":
    print(keras.__version__, keras.backend.backend(), "models have no parameters()")
    sys.exit(0)
known = {id(parameter) for parameter in model.parameters()}
missing = [variable.path for variable in model.trainable_variables if id(variable.value) not in known]
print(keras.__version__, keras.backend.backend(), "not in model.parameters():", missing)
sys.exit(int(bool(missing)))
