"""What an oracle computes in every step, compiled once. Only JAX needs it: an operation that runs by itself is compiled
by itself there, and a small model has some two hundred."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from typing import Any

# With XLA's algebraic simplifier, the gradient of a maximum over what is normalized after a maximum pooling is wrong on
# CPUs (JAX 0.10, float32 and float64; central differences agree with what is not simplified). A reference must not depend
# on that.
OPTIONS = {"xla_disable_hlo_passes": "algsimp"}


class Programs:
    """Compiled functions by what was fixed when they were traced. All else that they read must be an argument."""

    def __init__(self, *, compiles: bool = False) -> None:
        self._compiles = compiles
        self._made: dict[Hashable, Callable[..., Any]] = {}

    def made(self, key: Hashable, function: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """The program of this key, compiled on the first call; `function()` itself if nothing is compiled."""
        if not self._compiles:
            return function()
        if key not in self._made:
            import jax

            told = {"compiler_options": OPTIONS} if "compiler_options" in inspect.signature(jax.jit).parameters else {}
            self._made[key] = jax.jit(function(), **told)
        return self._made[key]


def programs_of(model: Any) -> Programs:
    """Compiled ones if the model's own training is compiled on JAX."""
    import keras

    return Programs(compiles=keras.backend.backend() == "jax" and bool(model.jit_compile))
