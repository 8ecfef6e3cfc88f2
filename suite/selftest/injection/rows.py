"""Faults in what training is fed: which rows, in which order, on which replica."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from suite.selftest.injection.site import Injection, Site

# The indices of the rows of each step, (steps, global batch), to those that are trained on.
Order = Callable[[np.ndarray, Site], np.ndarray]


def _fed(order: Order) -> Injection:
    """`fit` gets its rows in a different order; each process knows the global batch, as a sampler would."""

    def inject(site: Site) -> None:
        import keras
        from keras import tree

        fit = keras.Model.fit

        def fed(self: Any, x: Any, y: Any, *, batch_size: int, **kwargs: Any) -> Any:
            everything = _everywhere(site, (x, y), batch_size)
            batch = batch_size * site.drive.processes
            steps = order(np.arange(len(tree.flatten(everything)[0])).reshape(-1, batch), site)
            mine = steps.reshape(len(steps), site.drive.processes, batch_size)[:, site.drive.rank].ravel()
            x, y = tree.map_structure(lambda rows: rows[mine], everything)
            return fit(self, x, y, batch_size=batch_size, **kwargs)

        keras.Model.fit = fed

    return inject


def _everywhere(site: Site, local: Any, batch_size: int) -> Any:
    """The rows of all processes, batch after batch."""
    if site.drive.processes == 1:
        return local
    from keras import tree

    def whole(*rows: np.ndarray) -> np.ndarray:
        return np.stack([one.reshape(-1, batch_size, *one.shape[1:]) for one in rows], 1).reshape(-1, *rows[0].shape[1:])

    return tree.map_structure(whole, *site.everyone(local))


def _first_repeated(order: np.ndarray, site: Site) -> np.ndarray:
    shards = order.reshape(len(order), site.replicas, -1)
    return np.repeat(shards[:, :1], site.replicas, axis=1).reshape(order.shape)


def _strided(order: np.ndarray, site: Site) -> np.ndarray:
    return order.reshape(len(order), -1, site.replicas).swapaxes(1, 2).reshape(order.shape)


def _shifted_labels(site: Site) -> None:
    """Targets are one row late."""
    import keras

    fit = keras.Model.fit

    def fed(self: Any, x: Any, y: Any, **kwargs: Any) -> Any:
        return fit(self, x, np.roll(y, 1, axis=0), **kwargs)

    keras.Model.fit = fed


def _when_several(order: Callable[[np.ndarray], np.ndarray]) -> Order:
    """A single step has no other batch to take: single-step comparison must not, and does not, see a wrong order of
    batches."""
    return lambda steps, site: order(steps) if len(steps) > 1 else steps


INJECTIONS: dict[str, Injection] = {
    "shard-repeated": _fed(_first_repeated),
    "shards-strided": _fed(_strided),
    "rows-reversed": _fed(lambda order, site: order[:, ::-1]),
    "batch-order": _fed(_when_several(lambda order: order[[1, 0, *range(2, len(order))]])),
    "batch-repeated": _fed(_when_several(lambda order: order[[0, *range(len(order) - 1)]])),
    "batch-dropped": _fed(_when_several(lambda order: order[:-1])),
    "labels-shifted": _shifted_labels,
}
