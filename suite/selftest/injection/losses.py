"""Faults of the loss and of the gradient before it reaches the update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suite.runner.oracle.cross_entropy import unclip
from suite.runner.oracle.gradients import changed
from suite.selftest.injection.site import Injection, Site

# (y, y_pred) -> Keras's own loss
Own = Callable[[Any, Any], Any]
# (site, Keras's own loss, y, y_pred) -> the loss in its place
Wrong = Callable[[Site, Own, Any, Any], Any]
# (site, loss, y, y_pred) -> the loss in its place
Change = Callable[[Site, Any, Any, Any], Any]


def _replaced(wrong: Wrong) -> Injection:
    """`compute_loss` gives a wrong loss."""

    def inject(site: Site) -> None:
        import keras

        compute = keras.Model.compute_loss

        def compute_loss(
            self: Any, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            def own(y: Any, y_pred: Any) -> Any:
                return compute(self, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

            return wrong(site, own, y, y_pred)

        keras.Model.compute_loss = compute_loss

    return inject


def _changed(change: Change) -> Injection:
    """`compute_loss` gives a changed loss."""
    return _replaced(lambda site, own, y, y_pred: change(site, own(y, y_pred), y, y_pred))


def _smoothed(site: Site, loss: Any, y: Any, y_pred: Any) -> Any:
    """Label smoothing that nobody asked for."""
    from keras import ops
    from keras.src.losses.loss import scale_loss_for_distribution

    amount = 2.0**-5
    even = -scale_loss_for_distribution(ops.mean(ops.log(ops.maximum(y_pred, 1e-7))))
    return (1.0 - amount) * loss + amount * even


def _weighted(site: Site, loss: Any, y: Any, y_pred: Any) -> Any:
    """Each replica's mean counts by how many real elements it has: the mean over the global batch."""
    from keras import ops
    from keras.src import backend

    mask = backend.get_keras_mask(y_pred)
    if mask is None:  # Keras is building the model on symbolic tensors
        return loss
    real = ops.cast(ops.sum(ops.cast(mask, "int32")), loss.dtype)
    return loss * real / site.mean(real)


def _mean_of_means(site: Site, own: Own, y: Any, y_pred: Any) -> Any:
    """JAX: the mean over devices of the mean over each device's real elements."""
    from keras import ops
    from keras.src import backend

    mask = backend.get_keras_mask(y_pred)
    if mask is None:  # Keras is building the model on symbolic tensors
        return own(y, y_pred)
    means = []
    parts = zip(*(ops.split(whole, site.replicas) for whole in (y, y_pred, mask)), strict=True)
    for labels, predicted, real in parts:
        backend.set_keras_mask(predicted, real)
        means.append(own(labels, predicted))
    return sum(means) / site.replicas


def _penalties(factor: float) -> Injection:
    def inject(site: Site) -> None:
        import keras

        aggregate = keras.Model._aggregate_additional_loss

        def aggregated(self: Any, loss: Any) -> Any:
            return factor * aggregate(self, loss)

        keras.Model._aggregate_additional_loss = aggregated

    return inject


def _gradients(factor: float, tensor: str = "") -> Injection:
    """The gradient of one tensor, or of all, is multiplied in every optimizer."""

    def inject(site: Site) -> None:
        from keras.src.optimizers.base_optimizer import BaseOptimizer

        apply, name = BaseOptimizer.apply, site.target or tensor

        def applied(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
            variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
            scaled = [
                changed(one, lambda values: factor * values) if not name or site.is_named(variable, name) else one
                for one, variable in zip(grads, variables, strict=True)
            ]
            return apply(self, scaled, trainable_variables)

        BaseOptimizer.apply = applied

    return inject


def _unclipped(site: Site) -> None:
    unclip()


INJECTIONS: dict[str, Injection] = {
    "loss-summed": _changed(lambda site, loss, y, y_pred: loss * (site.scenario.batch // site.replicas)),
    "loss-times-replicas": _changed(lambda site, loss, y, y_pred: loss * site.replicas),
    "loss-from-logits": _unclipped,
    "label-smoothing": _changed(_smoothed),
    "loss-over-global-batch": _changed(_weighted),
    "loss-mean-of-means": _replaced(_mean_of_means),
    "regularization-forgotten": _penalties(0.0),
    "regularization-twice": _penalties(2.0),
    "gradient-scaled": _gradients(1.0 + 2.0**-6),
    "gradient-of-one-tensor": _gradients(1.0 + 2.0**-4, tensor="hidden/kernel"),
}
