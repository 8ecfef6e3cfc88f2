"""PyTorch DistributedDataParallel: N processes, each with its shard of every batch; gradients are averaged.

Keras (3.15) does not drive DDP: its `fit` inside a process group trains N separate models. So the model's `train_step` is
replaced by one that calls the DDP module forward, which is what averages the gradients; the optimizer is Keras's own.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from suite.records import Job, Scenario
from suite.runner import devices, keras_versions, models, optimizers, ranks, training


def work(job: Job) -> None:
    """Executes the job's runs in as many processes as it has devices."""
    ranks.work(job, _rank, "torch DDP")


def _rank(job: Job, meeting: ranks.Meeting) -> None:
    train(job, meeting, f"file://{meeting.folder}/store")


def train(job: Job, meeting: ranks.Meeting, rendezvous: str) -> None:
    """What one rank does. `rendezvous`: the URL by which the ranks find each other, as torch takes it."""
    import torch
    import torch.distributed as dist

    devices.claim(job)
    gpu, virtual = job.options.device == "gpu", devices.are_virtual(job)
    if gpu:
        torch.cuda.set_device(0 if virtual else meeting.rank)
    dist.init_process_group(
        "nccl" if gpu and not virtual else "gloo",  # NCCL refuses two ranks on one GPU; gloo copies through the host
        init_method=rendezvous,
        rank=meeting.rank,
        world_size=job.devices,
        timeout=datetime.timedelta(minutes=10),
    )
    training.train(job, Drive(job, meeting))
    # Artifacts are complete: a teardown that aborts (seen with gloo) must not cost them.
    dist.barrier()
    dist.destroy_process_group()


class Drive:
    """One of N processes with one device each."""

    global_rows = False

    def __init__(self, job: Job, meeting: ranks.Meeting) -> None:
        self.devices = self.processes = job.devices
        self.rank, self.gather = meeting.rank, meeting.gather
        self.leads = meeting.rank == 0

    def scope(self) -> nullcontext[None]:
        return nullcontext()

    def adapt(self, model: Any, scenario: Scenario) -> None:
        if scenario.synchronized:
            for layer in models.batch_norm_layers(model):
                _synchronize(layer)
        if not _keras_wraps_itself():
            _distribute(model)
            _share_metrics(model)

    def states(self, state: Mapping[str, Any]) -> list[training.Arrays]:
        return [models.read(state)]

    def replica(self) -> int:
        return self.rank


def _keras_wraps_itself() -> bool:
    """Newer Keras puts models into DDP inside `fit`: doing it twice would average twice."""
    import inspect

    from keras.src.backend.torch import trainer

    return "DistributedDataParallel" in inspect.getsource(trainer)


def _distribute(model: Any) -> None:
    """Replaces the model's `train_step` by one that averages gradients over the ranks."""
    own = models.has_own_train_step(model)
    # DDP gives every rank the first one's variables. Statistics of a rank stay its own where a later phase begins.
    variables = models.variables(model)
    before = models.read(variables)
    # Straight into the instance: Keras would track the DDP module as a layer of the model, and save it.
    model.__dict__["train_step"] = _own_train_step(model) if own else _train_step(model)
    models.write(variables, before)


def _share_metrics(model: Any) -> None:
    """The numbers of an epoch and of an evaluation are those of all ranks, as under other strategies: what metrics have
    counted is added up before a result is computed from it."""
    name = "_get_metrics_result_or_logs"  # private: the one place where an epoch's numbers are made
    own = getattr(model, name, None)
    if own is None or name in model.__dict__:  # it shares them since an earlier phase
        return

    def shared(logs: Any) -> Any:
        before = [(variable, variable.numpy().copy()) for variable in model.metrics_variables]
        for variable, _ in before:
            variable.assign(_total(variable.value))
        try:
            # Copies: the result of a metric that counts is a view of its variable, which gets its own number back.
            return keras_versions.tree().map_structure(_copy, own(logs))
        finally:
            for variable, value in before:
                variable.assign(value)

    # Straight into the instance, as the training step.
    model.__dict__[name] = shared


def _copy(value: Any) -> Any:
    return value.clone() if hasattr(value, "clone") else value


def _total(value: Any) -> Any:
    """The sum over the ranks, as a tensor of its own."""
    import torch.distributed as dist

    summed = value.detach().clone()
    dist.all_reduce(summed)
    return summed


def _own_train_step(model: Any) -> Callable[[Any], Any]:
    """The step that the model's class defines: how it calls the model is its own affair, so that gradients are averaged
    where they reach the optimizer, and not by a DDP module."""

    def train_step(data: Any) -> Any:
        with ExitStack() as stack:
            for optimizer in optimizers.every(model):
                stack.enter_context(_averaging(optimizer))
            return type(model).train_step(model, data)

    return train_step


@contextmanager
def _averaging(optimizer: Any) -> Iterator[None]:
    import torch.distributed as dist

    apply = optimizer.apply

    def averaged(gradients: Any, *args: Any, **kwargs: Any) -> Any:
        for gradient in gradients:
            if gradient is not None:
                dist.all_reduce(gradient)
                gradient /= dist.get_world_size()
        return apply(gradients, *args, **kwargs)

    optimizer.__dict__["apply"] = averaged
    try:
        yield
    finally:
        del optimizer.__dict__["apply"]


def _train_step(model: Any) -> Callable[[Any], Any]:
    """The step of Keras, through a DDP module."""
    import torch

    tree, forward = keras_versions.tree(), _forward(model)

    def train_step(data: Any) -> Any:
        x, y, weight = _unpack(data)
        predicted = forward(x)
        model.zero_grad()
        loss = keras_versions.compute_loss(model, x=x, y=y, y_pred=predicted, sample_weight=weight)
        model._loss_tracker.update_state(loss, sample_weight=tree.flatten(x)[0].shape[0])
        trained = list(model.trainable_weights)
        if trained:
            model.optimizer.scale_loss(loss).backward()
            with torch.no_grad():
                model.optimizer.apply([variable.value.grad for variable in trained], trained)
        return model.compute_metrics(x, y, predicted, sample_weight=weight)

    return train_step


def _forward(model: Any) -> Callable[[Any], Any]:
    """The model's forward pass in training, inside a DDP module where there is something to train: DDP refuses to wrap
    what needs no gradient.

    DDP must find the parameters that a step does not use, or it waits for their gradients. It looks for them from what the
    wrapped module returns, which therefore is the losses that layers add, too. The predictions are taken from inside: DDP
    copies what it returns, and Keras's masks hang on the originals.
    """
    import torch
    from torch.nn.parallel import DistributedDataParallel

    flag = {"training": True} if model._call_has_training_arg else {}

    class Forward(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.predicted: Any = None

        def forward(self, x: Any) -> Any:
            self.predicted = model(x, **flag)
            return self.predicted, list(model.losses)

    module = Forward()
    trained = any(parameter.requires_grad for parameter in module.parameters())
    wrapped = DistributedDataParallel(module, find_unused_parameters=True) if trained else module

    def forward(x: Any) -> Any:
        wrapped(x)
        return module.predicted

    return forward


def _unpack(data: Any) -> tuple[Any, Any, Any]:
    import keras

    unpacked: tuple[Any, Any, Any] = keras.utils.unpack_x_y_sample_weight(data)
    return unpacked


def _synchronize(layer: Any) -> None:
    """Batch statistics over all ranks, differentiable and in two passes (sum of squares cancels)."""
    import keras
    import torch.distributed as dist
    from torch.distributed.nn.functional import all_reduce

    def total(value: Any) -> Any:
        return all_reduce(value, op=dist.ReduceOp.SUM)

    def moments(inputs: Any, mask: Any) -> tuple[Any, Any]:
        axes = layer._reduction_axes
        weights = keras.ops.ones_like(inputs)
        if mask is not None:
            weights = weights * keras.ops.expand_dims(keras.ops.cast(mask, inputs.dtype), -1)
        # With a mask Keras adds its epsilon to the count; so does what is equivalent to it.
        count = total(keras.ops.sum(weights, axis=axes)) + (0.0 if mask is None else keras.config.epsilon())
        mean = total(keras.ops.sum(weights * inputs, axis=axes)) / count
        shape = [1] * len(inputs.shape)
        shape[layer.axis] = inputs.shape[layer.axis]
        centred = inputs - keras.ops.reshape(mean, shape)
        return mean, total(keras.ops.sum(weights * centred * centred, axis=axes)) / count

    keras_versions.own_moments(layer, moments)
