"""Faults of what replicas exchange: gradients, and statistics that are synchronized or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from suite.selftest.injection import batch_norm
from suite.selftest.injection.site import Injection, Site


def _synchronized(wanted: bool) -> Injection:
    """The strategy adapts the model to a scenario that asks for the opposite."""

    def inject(site: Site) -> None:
        if site.backend == "jax":
            batch_norm.INJECTIONS["statistics-per-replica"](site)
            return
        adapt = site.drive.adapt
        site.drive.adapt = lambda model, scenario: adapt(model, replace(scenario, synchronized=wanted))

    return inject


def _reduced(own: Callable[[Site], float], exchanged: str = "summed") -> Injection:
    """Gradients are multiplied by `own(site)` on each replica and then summed, or left as they are.

    In TensorFlow losses, hence gradients, are divided by the number of replicas before; in DDP the hook must.
    """

    def inject(site: Site) -> None:
        if site.backend == "tensorflow":
            _mirrored(site, own)
        else:
            _hooked(site, lambda bucket: _exchange(bucket.buffer().mul_(own(site) / site.replicas), exchanged))

    return inject


def _mirrored(site: Site, own: Callable[[Site], Any]) -> None:
    from keras.src.backend.tensorflow.optimizer import TFOptimizer

    reduce = TFOptimizer._all_reduce_sum_gradients

    def reduced(self: Any, grads_and_vars: Any) -> Any:
        import keras

        factor = own(site)
        return reduce(self, [(grad * keras.ops.cast(factor, grad.dtype), variable) for grad, variable in grads_and_vars])

    TFOptimizer._all_reduce_sum_gradients = reduced


def _hooked(site: Site, exchange: Callable[[Any], Any]) -> None:
    """`exchange(bucket)` in place of DDP's mean over ranks."""
    import torch
    from torch.nn.parallel import DistributedDataParallel

    begin = DistributedDataParallel.__init__

    def done(value: Any) -> Any:
        future = torch.futures.Future()
        future.set_result(value)
        return future

    def begun(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        # DDP reads a hook's annotations, as types: a lambda has none.
        self.register_comm_hook(None, lambda state, bucket: done(exchange(bucket)))

    DistributedDataParallel.__init__ = begun


def _exchange(buffer: Any, how: str) -> Any:
    import torch.distributed as dist

    if how == "summed":
        dist.all_reduce(buffer)
    return buffer


def _only_first(site: Site) -> Any:
    """The number of replicas on the first, 0 on the others."""
    import keras

    first = site.drive.replica() == 0
    return (
        keras.ops.cast(first, keras.config.floatx()) * site.replicas
        if site.backend == "tensorflow"
        else first * site.replicas
    )


def _uneven(site: Site) -> Any:
    """One and a half on the first replica, one half on the others."""
    import keras

    first = site.drive.replica() == 0
    return keras.ops.cast(first, keras.config.floatx()) + 0.5 if site.backend == "tensorflow" else first + 0.5


def _clipped(site: Site) -> None:
    """Each rank clips its own gradients, as the optimizer clips the mean, before they are averaged."""
    limit = float(site.scenario.optimizer().clipnorm)
    if site.job.precision == "float64":
        from suite.runner import exact_constants

        limit = exact_constants.dyadic(limit)

    def exchange(bucket: Any) -> Any:
        for gradient in bucket.gradients():
            gradient.mul_(limit / gradient.norm().clamp(min=limit))
        return _exchange(bucket.buffer(), "summed").div_(site.replicas)

    _hooked(site, exchange)


INJECTIONS: dict[str, Injection] = {
    "statistics-unsynchronized": _synchronized(False),
    "statistics-synchronized": _synchronized(True),
    "gradients-summed": _reduced(lambda site: site.replicas),
    "gradients-first": _reduced(_only_first),
    "gradients-unreduced": _reduced(lambda site: site.replicas, exchanged="not at all"),
    "gradients-uneven": _reduced(_uneven),
    "clipping-per-replica": _clipped,
}
