"""Faults of the state that training starts from, and of the state that a file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.runner import models, optimizers
from suite.selftest.injection.site import Injection, Site

Arrays = dict[str, np.ndarray]


def _initial(tensor: str, change: Callable[[np.ndarray], np.ndarray]) -> Injection:
    """A tensor of the stored initial state arrives changed. Single-step comparison starts from other states, and is not
    touched."""

    def inject(site: Site) -> None:
        if site.single_step:
            return
        write, name = models.write, site.target or tensor

        def written(state: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> None:
            changed = {name: change(values[name])} if name in values else {}
            write(state, {**values, **changed})

        models.write = written

    return inject


def _saves(
    change: Callable[[Arrays, Arrays], Mapping[str, np.ndarray]], remember: Callable[[Site, Arrays], None]
) -> Injection:
    """While a file is written the model holds `change(variables and slots, remembered)` too, and then what it held
    before."""

    def inject(site: Site) -> None:
        import keras

        remembered: Arrays = {}
        remember(site, remembered)
        for name in ("save", "save_weights"):
            original = getattr(keras.Model, name)

            def saved(self: Any, *args: Any, original: Any = original, **kwargs: Any) -> Any:
                held = models.variables(self) | optimizers.slots(self)
                before = models.read(held)
                with site.drive.scope():
                    models.write(held, {**before, **change(before, remembered)})
                made = original(self, *args, **kwargs)
                with site.drive.scope():
                    models.write(held, before)
                return made

            setattr(keras.Model, name, saved)

    return inject


def _nothing(site: Site, remembered: Arrays) -> None:
    """The state at the end is enough."""


def _halfway(site: Site, remembered: Arrays) -> None:
    """The model's variables after half of the steps of each `fit`."""
    import keras

    fit = keras.Model.fit

    class Halfway(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch + 1 == max(self.params["steps"] // 2, 1):
                remembered.update(models.read(models.variables(self.model)))

    def fitted(self: Any, *args: Any, callbacks: Any = (), **kwargs: Any) -> Any:
        return fit(self, *args, callbacks=[*callbacks, Halfway()], **kwargs)

    keras.Model.fit = fitted


def _last_replica(site: Site, remembered: Arrays) -> None:
    """The last replica's variables after each `fit`."""
    import keras

    fit = keras.Model.fit

    def fitted(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = fit(self, *args, **kwargs)
        if site.drive.processes > 1:
            states = site.everyone(models.read(models.variables(self)))
        else:
            states = site.drive.states(models.variables(self)) or [{}]  # of all, in the process that saves
        remembered.update(states[-1])
        return made

    keras.Model.fit = fitted


def _swapped(site: Site) -> None:
    """Two layers of the same shapes have each other's weights."""
    a, _, b = (site.target or "middle-inner").partition("-")
    pairs = [(mine, other, kind) for mine, other in ((a, b), (b, a)) for kind in ("kernel", "bias")]
    _saves(lambda before, _: {f"{mine}/{kind}": before[f"{other}/{kind}"] for mine, other, kind in pairs}, _nothing)(site)


def _variance_of_ones(site: Site) -> None:
    name = site.target or "norm/moving_variance"
    _saves(lambda before, _: {name: np.ones_like(before[name])}, _nothing)(site)


def _no_slots(before: Arrays, remembered: Arrays) -> Arrays:
    return {name: np.zeros_like(value) for name, value in before.items() if name.endswith(("/momentum", "/velocity"))}


INJECTIONS: dict[str, Injection] = {
    "initial-tensor-wrong": _initial("middle/kernel", lambda value: value[::-1].copy()),
    "initial-tensor-zero": _initial("middle/kernel", np.zeros_like),
    "save-swapped": _swapped,
    "variance-not-saved": _variance_of_ones,
    "save-stale": _saves(lambda before, remembered: remembered, _halfway),
    "save-last-replica": _saves(lambda before, remembered: remembered, _last_replica),
    "slots-not-saved": _saves(_no_slots, _nothing),
}
