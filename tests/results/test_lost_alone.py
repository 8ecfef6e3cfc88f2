"""A backend that reaches NaN on both sides of a pair is named, if another backend does not reach it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from suite import compare
from suite.explain.backends import Backends
from suite.records import Configuration, Pair, Run, Verdict, plain
from suite.results import judging


def run(environment: str, devices: int = 1) -> Run:
    return plain(Configuration(scenario="s", environment=environment, strategy="single", devices=devices))


def lost_alone(monkeypatch: pytest.MonkeyPatch, a: Run, b: Run, **first_steps: int | str) -> str:
    """`first_steps`: environment -> the step that reaches NaN on one device, 0 if none does; or why nothing ran."""
    ran = {name: step if isinstance(step, str) else SimpleNamespace(plain=step) for name, step in first_steps.items()}
    folder = SimpleNamespace(subject=lambda configuration: ran[configuration.environment])
    backends = SimpleNamespace(alone={name: run(name).configuration for name in ran}, folder=folder)
    monkeypatch.setattr(compare, "first_non_finite", lambda step: step)
    pair = Pair(a=a, b=b, verdict=Verdict.INVALID, causes=(), quantities=())
    return judging._lost_alone(pair, cast(Backends, cast(Any, backends)))


def test_it_is_named_where_another_backend_stays_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    both = run("torch"), run("torch", 2)
    assert lost_alone(monkeypatch, *both, torch=2, jax=0) == "torch"
    assert lost_alone(monkeypatch, *both, torch=2, jax=2, tensorflow=0) == "torch"


def test_it_is_not_named_where_all_reach_it_or_nobody_else_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    both = run("torch"), run("torch", 2)
    assert lost_alone(monkeypatch, *both, torch=2, jax=2) == ""
    assert lost_alone(monkeypatch, *both, torch=2, jax="it failed") == ""
    assert lost_alone(monkeypatch, *both, torch=2) == ""


def test_of_two_backends_that_reach_it_neither_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost_alone(monkeypatch, run("torch"), run("jax"), torch=2, jax=2, tensorflow=0) == ""
