"""Constants are measured from one step, and what is no constant is not called one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from suite.explain import estimates
from suite.explain.estimates import StepEvidence
from suite.explain.hypotheses import HYPOTHESES
from suite.records import BatchNorm, Deviation, Semantics, Tensor, TensorGroup

PER_REPLICA = Semantics(batch_statistics="per replica", moving_statistics="per replica", gradients="mean of replica means")

NORM = BatchNorm(name="norm", mean="norm/mean", variance="norm/variance", beta="norm/beta", epsilon=2.0**-10)
TENSORS = tuple(
    Tensor(name=name, shape=(4,), dtype="float64", group=group, layer="a")
    for name, group in (("a/k", TensorGroup.KERNEL), ("a/b", TensorGroup.NEUTRAL_BIAS))
)
RANDOM = np.random.default_rng(3)


def evidence(
    run: dict[str, np.ndarray], oracle: dict[str, np.ndarray], before: dict[str, np.ndarray] | None = None
) -> StepEvidence:
    return StepEvidence(
        run="r",
        semantics=PER_REPLICA,
        replicas=2,
        steps=((before or {}, run, oracle),),
        batch_norms=(NORM,),
        tensors=TENSORS,
    )


def statistics(momentum: float) -> StepEvidence:
    before = {"norm/mean": RANDOM.normal(size=3), "norm/variance": RANDOM.uniform(1, 2, 3)}
    batch = {name: RANDOM.normal(size=(2, 3)) for name in before}
    moved = {f"moving statistics|{name}": value * momentum + batch[name] * (1 - momentum) for name, value in before.items()}
    return evidence(moved, {f"batch statistics|{name}": value for name, value in batch.items()}, before)


@pytest.mark.parametrize("momentum", [0.9, 0.875, 0.0, 1.0])
def test_momentum_is_measured(momentum: float) -> None:
    assert estimates.momentum(statistics(momentum)) == pytest.approx(momentum, abs=1e-9)


def test_what_is_no_momentum_is_not_called_one() -> None:
    found = statistics(0.9)
    _, run, _ = found.steps[0]
    mean = run["moving statistics|norm/mean"]
    mean += RANDOM.normal(size=(2, 3))
    assert estimates.momentum(found) is None


ONES = np.ones(4)


@pytest.mark.parametrize(
    ("run", "names"),
    [
        ({"a/k": 2.0, "c/k": 1.0}, ("a/k",)),
        ({"a/k": 2.0, "c/k": 2.0}, ()),  # all are off: that is no matter of some
        ({"a/k": 1.0, "c/k": 1.0}, ()),
        ({"a/k": 1.0 + 1e-12, "c/k": 2.0}, ("c/k",)),  # rounding
        ({"a/k": 1.0, "c/k": 1.0, "a/b": 2.0}, ()),  # a bias whose gradient is nothing but rounding
    ],
)
def test_gradients_that_are_off_alone_are_those_that_replicas_may_not_exchange(
    run: dict[str, float], names: tuple[str, ...]
) -> None:
    both = [{f"gradient|{name}": value * ONES for name, value in side.items()} for side in (run, dict.fromkeys(run, 1.0))]
    assert estimates.unexchanged(evidence(*both)) == names
    [tried] = [one for one in HYPOTHESES if one.name == "gradients-local"]
    found = list(tried.candidates(evidence(*both)))
    assert [deviation for _, deviation in found] == [Deviation(reduction="none", local=names)] * bool(names)
    assert list(tried.candidates(replace(evidence(*both), replicas=1))) == []


@pytest.mark.parametrize("epsilon", [1e-5, 1.1 * 2.0**-10, 0.5])
def test_epsilon_is_measured_from_outputs(epsilon: float) -> None:
    x, beta, variance = RANDOM.normal(size=(8, 3)), RANDOM.normal(size=3), RANDOM.uniform(0.1, 2, (2, 3))
    spread = np.repeat(variance, 4, axis=0)
    run, oracle = (
        {"forward|norm": x / np.sqrt(spread + value) + beta, "batch statistics|norm/variance": variance}
        for value in (epsilon, NORM.epsilon)
    )
    assert estimates.epsilon(evidence(run, oracle, {"norm/beta": beta})) == pytest.approx(epsilon, rel=1e-6)
    # Other statistics, or equal outputs, are no epsilon.
    run["batch statistics|norm/variance"] = variance * 1.1
    assert estimates.epsilon(evidence(run, oracle, {"norm/beta": beta})) is None
    assert estimates.epsilon(evidence(oracle, oracle, {"norm/beta": beta})) is None


def test_a_factor_is_measured_without_what_feeds_only_a_normalization() -> None:
    gradient = {"gradient|a/k": RANDOM.normal(size=4), "gradient|a/b": np.full(4, 1e-17)}
    twice = {"gradient|a/k": 2 * gradient["gradient|a/k"], "gradient|a/b": np.full(4, -3e-17)}
    assert estimates.gradient_scale(evidence(twice, gradient)) == pytest.approx(2)
    assert estimates.gradient_scale(evidence(gradient, gradient)) is None
    assert estimates.gradient_scale(evidence({"gradient|a/k": RANDOM.normal(size=4)}, gradient)) is None
    assert estimates.loss_scale(evidence({"loss|loss": np.array([3.0])}, {"loss|loss": np.array([1.5])})) == pytest.approx(2)


@pytest.mark.parametrize("root", [1e-6, 1e-2])
def test_an_epsilon_of_adam_is_measured_where_it_is_small_beside_the_root_of_the_velocity(root: float) -> None:
    own, wrong = 2.0**-23, 2.0**-26
    moment, velocity = RANDOM.normal(size=4), np.full(4, root**2)
    run, oracle = (
        {"update|a/k": moment / (root + value), "optimizer state|a/k/velocity": velocity} for value in (wrong, own)
    )
    found = replace(evidence(run, oracle), optimizer_epsilon=own)
    assert estimates.adam_epsilon(found) == pytest.approx(wrong, rel=1e-3)
    assert estimates.adam_epsilon(replace(evidence(oracle, oracle), optimizer_epsilon=own)) is None


@pytest.mark.parametrize(("only", "evaluates"), [(True, "as declared"), (False, "as it predicts")])
def test_what_predicts_otherwise_evaluates_otherwise_only_where_that_is_off_as_well(only: bool, evaluates: str) -> None:
    alone = StepEvidence(run="r", semantics=Semantics(), replicas=1, steps=(), only_predictions=only)
    found = [one for hypothesis in HYPOTHESES for _, one in hypothesis.candidates(alone) if one.predicts != "inference"]
    assert [one.evaluates for one in found] == [evaluates] * 3


@pytest.mark.parametrize(("gradients", "scales"), [("mean of replica means", [1.0]), ("sum of replica shares", [1.0, 2.0])])
def test_the_first_gradient_may_be_a_share_or_the_whole(gradients: str, scales: list[float]) -> None:
    two = StepEvidence(run="r", semantics=replace(PER_REPLICA, gradients=gradients), replicas=2, steps=())
    found = [one for hypothesis in HYPOTHESES for _, one in hypothesis.candidates(two) if one.reduction == "first"]
    assert [one.gradient_scale for one in found] == scales


def test_a_learning_rate_is_measured_from_the_first_state_alone() -> None:
    (first,) = evidence({"update|a/k": np.full(4, 0.2)}, {"update|a/k": np.full(4, 0.1)}).steps
    (later,) = evidence({"update|a/k": np.full(4, 0.3)}, {"update|a/k": np.full(4, 0.2)}).steps
    found = StepEvidence(run="r", semantics=PER_REPLICA, replicas=2, steps=(first, later), tensors=TENSORS)
    assert estimates.learning_rate(found) == pytest.approx(2)


def test_tensors_that_no_step_moves_are_named() -> None:
    oracle = {"update|a/k": np.ones(4), "update|a/b": np.ones(4)}
    assert estimates.untrained(evidence({"update|a/k": np.zeros(4), "update|a/b": np.ones(4)}, oracle)) == ("a/k",)


def test_one_replica_has_no_hypotheses_about_replicas() -> None:
    alone = StepEvidence(run="r", semantics=Semantics(), replicas=1, steps=())
    for hypothesis in HYPOTHESES:
        for _, deviation in hypothesis.candidates(alone):
            assert deviation != Deviation()
            assert (deviation.reduction, deviation.shards, deviation.semantics) == ("mean", "contiguous", None), (
                hypothesis.name
            )
