"""Each claim's rule on made-up measurements: the answer that real runs give, and that it flips when they say otherwise."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from suite.explain.claims import answers
from suite.explain.claims.evidence import Measured
from suite.records import Answer, Claim, Measurement

TRUE, FALSE, OPEN = Answer.TRUE, Answer.FALSE, Answer.NOT_TESTABLE


def one(environments: str, devices: int = 1, normalization: str = "per replica", **changed: object) -> Measurement:
    plain = Measurement(
        environments=environments,
        devices=devices,
        normalization=normalization,
        precision="float64",
        a=f"{environments}-{devices}-{normalization}",
        b="b",
        bits=True,
        weights=0.0,
        statistics=0.0,
        predictions=0.0,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def both(environment: str, devices: int) -> tuple[Measurement, Measurement]:
    return one(environment, devices), one(environment, devices, "none", statistics=None)


ROUNDED: dict[str, Any] = {"bits": False, "weights": 3e-13, "statistics": 1e-14, "predictions": 1e-14}
LARGE: dict[str, Any] = {"bits": False, "weights": 0.2, "statistics": 0.01, "predictions": 0.05}

USUAL = Measured(
    device="cpu",
    devices_count=2,
    drift=3e-13,
    repeated=(*both("torch", 1), *both("torch", 2), *both("jax", 1), *both("jax", 2)),
    devices=(
        one("torch", 2, **LARGE),
        one("torch", 2, "synchronized", **ROUNDED),
        one("torch", 2, "none", **ROUNDED),
        one("jax", 2, "none", **ROUNDED),
    ),
    order=tuple(
        one("torch", devices, name, **LARGE) for devices in (1, 2) for name in ("per replica", "synchronized", "none")
    ),
    seeds=tuple(one("torch", devices, **LARGE) for devices in (1, 2)),
    backends=(one("torch and jax", **ROUNDED), one("torch and jax", 1, "none", **ROUNDED)),
    kernels=(one("torch and jax", precision="float32", bits=False, statistics=1e-7),),
    saved=(
        one("torch"),
        one("jax"),
        one("torch", 2, predictions=0.01),
        one("torch", 2, "synchronized"),
        one("jax", 2),
    ),
    unsaved=(one("torch", 2, weights=None, predictions=None, statistics=0.01), one("jax", 2, statistics=0.0)),
    shared=(one("jax", **ROUNDED), one("jax", 2, **ROUNDED), one("torch", 2, "synchronized", **ROUNDED)),
    replicas=(one("torch and tensorflow", 2, **ROUNDED),),
)


def answered(evidence: Measured) -> dict[int, Claim]:
    return {claim.number: claim for claim in answers.answers(evidence)}


def test_what_the_runs_on_a_cpu_say() -> None:
    found = answered(USUAL)
    assert [claim.answer for claim in found.values()] == [FALSE, FALSE, FALSE, TRUE, OPEN, TRUE, FALSE]
    assert all(claim.because and claim.questions and claim.words for claim in found.values())


def test_nothing_ran_nothing_is_answered() -> None:
    found = answered(Measured(device="cpu", devices_count=2, drift=math.inf))
    assert {claim.answer for claim in found.values()} == {OPEN}


def flips() -> dict[str, tuple[Measured, int, Answer, str]]:
    """Name -> evidence with one thing changed, the claim, its answer now, words of the reason."""

    def usual(**changed: object) -> Measured:
        return replace(USUAL, **changed)  # type: ignore[arg-type]

    shaky = replace(USUAL.repeated[2], words="trainable weights, moving statistics", **LARGE)
    shaky_alone = replace(USUAL.repeated[0], **LARGE)
    shaky_plain = replace(USUAL.repeated[3], **LARGE)
    of_torch = USUAL.repeated[:2]
    gpus = usual(device="gpu", devices_count=4)
    return {
        "BN differs from itself": (usual(repeated=(*of_torch, shaky, USUAL.repeated[3])), 1, TRUE, "bit-equal without"),
        "so does the control": (usual(repeated=(shaky, shaky_plain)), 1, OPEN, "something else is random"),
        "only the control does": (usual(repeated=(USUAL.repeated[2], shaky_plain)), 1, FALSE, "is bit-equal"),
        "there is no control": (usual(repeated=(shaky,)), 1, OPEN, "something else is random"),
        "no BN, and N differ": (usual(devices=(one("torch", 2, "none", **LARGE),)), 2, TRUE, "not the same batches"),
        "in between": (usual(devices=(one("torch", 2, "none", weights=1e-8),)), 2, OPEN, "neither rounding nor"),
        "order does not show": (usual(order=(one("torch", 2, "none", weights=1e-9),)), 2, OPEN, "does not show"),
        "subclassed": (usual(devices=USUAL.devices[:2]), 2, FALSE, "with synchronized statistics, 2 devices are 3.0e-13"),
        "no statistics": (usual(devices=(), order=()), 2, OPEN, "have no result"),
        "not synchronized": (
            usual(devices=(*USUAL.devices, one("tensorflow", 2, "synchronized", **LARGE))),
            2,
            FALSE,
            "does not help on tensorflow x2",
        ),
        "drift": (usual(drift=1e-7), 2, OPEN, "own rounding has grown to 1.0e-07"),
        "a wider limit": (usual(drift=1e-9, devices=(one("torch", 2, "none", weights=4e-9),)), 2, FALSE, "4.0e-09"),
        "another formula": (
            usual(backends=(one("torch and jax", **LARGE), USUAL.backends[1])),
            3,
            TRUE,
            "differ by 2.0e-01",
        ),
        "all differs": (
            usual(backends=(one("torch and jax", **LARGE), one("torch and jax", 1, "none", **LARGE))),
            3,
            OPEN,
            "and by 2.0e-01 without",
        ),
        "another kernel": (usual(kernels=(one("torch and jax", statistics=0.09),)), 3, TRUE, "torch and jax by 9.0e-02"),
        "one environment": (usual(backends=()), 3, OPEN, "only one environment"),
        "backends drift": (usual(drift=math.inf), 3, OPEN, "was not measured"),
        "seeds do nothing": (usual(seeds=(one("torch"),), order=(one("torch"),)), 4, FALSE, "moves the result by 0"),
        "only the order does": (
            usual(seeds=(one("torch"),)),
            4,
            TRUE,
            "a different order of rows moves the result by 2.0e-01",
        ),
        "seeds do not suffice": (usual(repeated=(shaky_alone,)), 4, TRUE, "on 2"),
        "communication": (
            usual(repeated=(*of_torch, USUAL.repeated[0], shaky)),
            5,
            TRUE,
            "torch x2 differ by up to 2.0e-01",
        ),
        "one device as well": (usual(repeated=(shaky_alone, shaky)), 5, OPEN, "not bit-equal either"),
        "four GPUs": (gpus, 5, FALSE, "bit-equal"),
        "two GPUs": (usual(device="gpu"), 5, OPEN, "a sum of two"),
        "one device only": (usual(repeated=of_torch), 5, OPEN, "no run on several devices"),
        "everything is saved": (usual(saved=USUAL.saved[:2], unsaved=()), 6, FALSE, "all 2 files give back every variable"),
        "BN is not saved": (
            usual(saved=(one("torch", bits=False, words="moving statistics", statistics=1.0),), unsaved=()),
            6,
            TRUE,
            "1 of 1 files do not give back everything: moving statistics",
        ),
        "a counter is not": (
            usual(saved=(one("torch", bits=False, words="other state"),), unsaved=()),
            6,
            TRUE,
            "batch normalization's state is not what is lost",
        ),
        "predictions are others": (
            usual(saved=(one("torch", predictions=0.1),), unsaved=()),
            6,
            TRUE,
            "do not give back everything: predictions, by 1.0e-01",
        ),
        "only a later replica is lost": (usual(saved=USUAL.saved[:2]), 6, TRUE, "the others' are 1.0e-02 away"),
        "statistics of a repeat": (usual(repeated=(*of_torch, shaky)), 7, TRUE, "of a repeat differ by up to 1.0e-02"),
        "of a later replica": (
            usual(repeated=(replace(USUAL.repeated[2], bits=False, words="state of replica 1"),)),
            7,
            TRUE,
            "of a repeat differ",
        ),
        "weights of a repeat only": (
            usual(repeated=(replace(USUAL.repeated[2], bits=False, words="optimizer state"),)),
            7,
            FALSE,
            "agree with one device's to 1.0e-14",
        ),
        "another backend's": (
            usual(shared=(*USUAL.shared, one("tensorflow", 2, "synchronized", **LARGE))),
            7,
            TRUE,
            "Not so tensorflow synchronized: 1.0e-02 away",
        ),
        "another replica's": (usual(replicas=(one("torch and tensorflow", 2, **LARGE),)), 7, TRUE, "1.0e-02 away"),
        "nearly": (usual(replicas=(one("torch and tensorflow", 2, statistics=1e-9),)), 7, OPEN, "1.0e-09 away"),
        "statistics drift": (usual(drift=1.0), 7, OPEN, "across environments the float64 runs' own rounding"),
        "nothing to compare": (usual(shared=(), replicas=()), 7, OPEN, "there is nothing to compare"),
    }


@pytest.mark.parametrize("name", flips())
def test_an_answer_follows_the_measurements(name: str) -> None:
    evidence, number, answer, words = flips()[name]
    claim = answered(evidence)[number]
    assert (claim.answer, words.lower() in claim.because.lower()) == (answer, True), claim.because


def test_every_claim_can_be_true_false_and_open() -> None:
    found: dict[int, set[Answer]] = {number: {claim.answer} for number, claim in answered(USUAL).items()}
    for evidence, number, answer, _ in flips().values():
        assert answered(evidence)[number].answer is answer
        found[number].add(answer)
    found[4].add(answered(Measured(device="cpu", devices_count=2, drift=math.inf))[4].answer)
    found[6].add(answered(Measured(device="cpu", devices_count=2, drift=math.inf))[6].answer)
    assert found == {number: {TRUE, FALSE, OPEN} for number in range(1, 8)}
