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


def _reduced(factor: Callable[[Site], float], *, summed: bool = True) -> Injection:
    """Gradients are multiplied by `factor(site)` on each replica and then summed, or, in DDP alone, left as they are.

    TensorFlow divides losses, and with them gradients, by the number of replicas before; in DDP the hook must.
    """

    def inject(site: Site) -> None:
        if site.backend == "tensorflow":
            _mirrored(site, factor)
            return
        exchange = _summed if summed else lambda buffer: buffer
        _hooked(site, lambda bucket: exchange(bucket.buffer().mul_(factor(site) / site.replicas)))

    return inject


def _mirrored(site: Site, factor: Callable[[Site], Any]) -> None:
    from keras.src.backend.tensorflow.optimizer import TFOptimizer

    reduce = TFOptimizer._all_reduce_sum_gradients

    def reduced(self: Any, grads_and_vars: Any) -> Any:
        import keras

        own = factor(site)
        return reduce(self, [(grad * keras.ops.cast(own, grad.dtype), variable) for grad, variable in grads_and_vars])

    TFOptimizer._all_reduce_sum_gradients = reduced


def _hooked(site: Site, exchange: Callable[[Any], Any]) -> None:
    """`exchange(bucket)` in place of DDP's mean over ranks."""
    import torch
    from torch.nn.parallel import DistributedDataParallel

    initialize = DistributedDataParallel.__init__

    def finished(value: Any) -> Any:
        future = torch.futures.Future()
        future.set_result(value)
        return future

    def hooked(self: Any, *args: Any, **kwargs: Any) -> None:
        initialize(self, *args, **kwargs)
        # DDP reads a hook's annotations, as types: a lambda has none.
        self.register_comm_hook(None, lambda state, bucket: finished(exchange(bucket)))

    DistributedDataParallel.__init__ = hooked


def _summed(buffer: Any) -> Any:
    """The sum over ranks, in place."""
    import torch.distributed as dist

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
        return _summed(bucket.buffer()).div_(site.replicas)

    _hooked(site, exchange)


def _but_one(site: Site) -> None:
    """Each rank keeps its own gradient of the first weight of a bucket."""

    def exchange(bucket: Any) -> Any:
        own = bucket.gradients()[0].clone()
        averaged = _summed(bucket.buffer()).div_(site.replicas)
        bucket.gradients()[0].copy_(own)
        return averaged

    _hooked(site, exchange)


INJECTIONS: dict[str, Injection] = {
    "statistics-unsynchronized": _synchronized(False),
    "statistics-synchronized": _synchronized(True),
    "gradients-summed": _reduced(lambda site: site.replicas),
    "gradients-first": _reduced(_only_first),
    "gradients-unreduced": _reduced(lambda site: site.replicas, summed=False),
    "gradients-local": _but_one,
    "gradients-uneven": _reduced(_uneven),
    "clipping-per-replica": _clipped,
}
