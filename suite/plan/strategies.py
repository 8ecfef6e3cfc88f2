"""What each built-in strategy declares. Their code is in the worker, under `suite/runner/strategies`, which nothing
here imports."""

from __future__ import annotations

from dataclasses import replace

from suite.records import ORACLE, Scenario, Semantics, Strategy

KERAS_BACKENDS = frozenset({"tensorflow", "jax", "torch"})
PER_REPLICA = Semantics(
    batch_statistics="per replica",
    moving_statistics="per replica",
    gradients="mean of replica means",
    live_predictions="own statistics of each replica",
    saved="first replica",
)


def _only_one(devices: int) -> str:
    return "" if devices == 1 else "drives one device only"


def _several(devices: int) -> str:
    return "" if devices > 1 else "needs at least two devices"


def _any(devices: int) -> str:
    return ""


def _as_on_one_device(scenario: Scenario, devices: int) -> Semantics:
    return Semantics()


def _replicated(scenario: Scenario, devices: int) -> Semantics:
    """Replicas with their own statistics, whose gradients are averaged."""
    return Semantics(gradients="mean of replica means") if scenario.synchronized else PER_REPLICA


def _mirrored(scenario: Scenario, devices: int) -> Semantics:
    """The same, but that gradients are added up, of losses that Keras has divided by the number of replicas if they are
    means. A loss that is given by its name is one."""
    declared = _replicated(scenario, devices)
    return declared if isinstance(scenario.loss, str) else replace(declared, gradients="sum of replica shares")


def _in_numpy(scenario: Scenario, devices: int) -> Semantics:
    return Semantics() if devices == 1 or scenario.synchronized else PER_REPLICA


ON_ONE_HOST = (
    Strategy(
        name="single",
        backends=KERAS_BACKENDS,
        refuse=_only_one,
        semantics=_as_on_one_device,
        worker="suite.runner.strategies.single:work",
    ),
    Strategy(
        name="tf_mirrored",
        backends=frozenset({"tensorflow"}),
        refuse=_several,
        semantics=_mirrored,
        worker="suite.runner.strategies.tf_mirrored:work",
        divides_gpu=True,
    ),
    Strategy(
        name="jax_data_parallel",
        backends=frozenset({"jax"}),
        refuse=_several,
        # The compiler shards one program: a mean over the batch axis is a mean over all devices.
        semantics=_as_on_one_device,
        worker="suite.runner.strategies.jax_data_parallel:work",
    ),
    Strategy(
        name="torch_ddp",
        backends=frozenset({"torch"}),
        refuse=_several,
        semantics=_replicated,
        worker="suite.runner.strategies.torch_ddp:work",
        divides_gpu=True,
    ),
)


def _over_hosts(one: Strategy, *, divides_gpu: bool = False) -> Strategy:
    """What declares the same, with every device on a host of its own."""
    name = f"{one.name}_hosts"
    worker = f"suite.runner.strategies.{name}:work"
    return replace(one, name=name, worker=worker, divides_gpu=divides_gpu, over_hosts=True)


_, MIRRORED, DATA_PARALLEL, DDP = ON_ONE_HOST
BUILT_IN = (
    *ON_ONE_HOST,
    _over_hosts(MIRRORED),
    _over_hosts(DATA_PARALLEL),
    _over_hosts(DDP, divides_gpu=True),
    Strategy(
        name="fake",
        backends=frozenset({"fake"}),
        refuse=_any,
        semantics=_in_numpy,
        worker="suite.runner.strategies.fake:work",
    ),
    Strategy(
        name=ORACLE,
        backends=frozenset(),  # no backend is driven by it: `planning` and `explain` ask for its runs
        refuse=_any,
        semantics=_as_on_one_device,  # each of its runs says for itself what it emulates
        worker="suite.runner.strategies.oracle:work",
    ),
)
