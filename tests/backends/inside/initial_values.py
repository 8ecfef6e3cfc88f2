"""What initializers draw where NumPy draws it, and as Keras does, written to the file that is given.

python -m tests.backends.inside.initial_values FILE
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from suite.artifacts import arrays
from suite.runner import initializers

SHAPE = (60, 50)
NAMES = ("RandomNormal", "RandomUniform", "TruncatedNormal", "GlorotUniform", "HeNormal", "Orthogonal")


def drawn(*, by_numpy: bool) -> dict[str, np.ndarray]:
    import keras

    keras.utils.set_random_seed(7)
    found = {}
    with initializers.drawn_by_numpy() if by_numpy else nullcontext():
        for name in NAMES:
            kind = getattr(keras.initializers, name)
            for seed in (3, None):
                found[f"{name}|{seed}"] = keras.ops.convert_to_numpy(kind(seed=seed)(SHAPE, dtype="float32"))
        layer = keras.layers.Dense(4, dtype="bfloat16")
        layer.build((None, 3))
        found["layer"] = keras.ops.convert_to_numpy(keras.ops.cast(layer.kernel, "float32"))
        found["integer"] = keras.ops.convert_to_numpy(keras.random.randint((4,), 0, 1000, seed=1))
        if keras.backend.backend() == "jax":
            import jax

            found["traced"] = np.asarray(jax.jit(lambda: keras.initializers.HeNormal(seed=3)(SHAPE, dtype="float32"))())
        generator = keras.random.SeedGenerator(3)
        keras.initializers.RandomNormal(seed=generator)(SHAPE)
    # How often generators were asked until here shows in what they draw next.
    found["next"] = keras.ops.convert_to_numpy(keras.random.uniform((4,)))
    found["next of its own"] = keras.ops.convert_to_numpy(keras.random.uniform((4,), seed=generator))
    return found


def main(file: str) -> None:
    found = {"numpy": drawn(by_numpy=True), "keras": drawn(by_numpy=False)}
    arrays.write(Path(file), {f"{who}|{name}": one for who, parts in found.items() for name, one in parts.items()})


if __name__ == "__main__":
    main(sys.argv[1])
