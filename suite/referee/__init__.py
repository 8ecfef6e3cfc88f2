"""Independent definitions, in NumPy float64, of what Keras's layers, losses and optimizers compute.

Enters: a `Call`, a `LossCall` or an `Update`. Leaves: what it must give. It imports nothing of Keras or of a backend, so
that it can say which of two backends is off. It reads no artifacts and decides nothing.
"""
