"""What an oracle computes in every step, compiled once. Only JAX needs it: an operation that runs by itself is compiled
by itself there, and a small model has some two hundred."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any

# On CPUs, XLA (JAX 0.10) gets gradients of maxima wrong in fused programs, in float32 and float64: known defect K-57.
# Without its algebraic simplifier, others become wrong: those of relu6 in MobileNetV2, by about 8 %. Without fusion, all
# were right that were tried. A reference must not depend on that.
OPTIONS = {"xla_disable_hlo_passes": "fusion"}


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

            self._made[key] = jax.jit(function(), **told())
        return self._made[key]


@functools.cache
def told() -> dict[str, Any]:
    """What `jax.jit` can be told. Older versions have no such argument, or, as 0.5, options that are no lists."""
    import jax

    chosen = {"compiler_options": OPTIONS}
    try:
        jax.jit(lambda: 0.0, **chosen)()
    except (TypeError, RuntimeError):
        return {}
    return chosen


def programs_of(model: Any) -> Programs:
    """Compiled ones if the model's own training is compiled on JAX."""
    import keras

    return Programs(compiles=keras.backend.backend() == "jax" and bool(model.jit_compile))
