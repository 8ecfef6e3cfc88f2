"""A backend that reaches NaN on both sides of a pair is named, if another backend does not reach it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from suite import compare
from suite.explain import non_finite
from suite.explain.backends import Backends
from suite.explain.composition import Composition
from suite.records import Cause, Code, Configuration, Pair, Place, Run, Verdict, plain
from suite.results import judging


def run(environment: str, devices: int = 1) -> Run:
    return plain(Configuration(scenario="s", environment=environment, strategy="single", devices=devices))


def lost(monkeypatch: pytest.MonkeyPatch, a: Run, b: Run, **first_steps: int | str) -> tuple[str, ...]:
    """`first_steps`: environment -> the step that reaches NaN on one device, 0 if none does; or why nothing ran."""
    ran = {name: step if isinstance(step, str) else SimpleNamespace(plain=step) for name, step in first_steps.items()}
    folder = SimpleNamespace(subject=lambda configuration: ran[configuration.environment])
    backends = SimpleNamespace(alone={name: run(name).configuration for name in ran}, folder=folder)
    monkeypatch.setattr(compare, "first_non_finite", lambda step: step)
    return non_finite.lost(cast(Backends, cast(Any, backends)), [one.configuration.environment for one in (a, b)])


def test_it_is_named_where_another_backend_stays_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    both = run("torch"), run("torch", 2)
    assert lost(monkeypatch, *both, torch=2, jax=0) == ("torch",)
    assert lost(monkeypatch, *both, torch=2, jax=2, tensorflow=0) == ("torch",)


def test_it_is_not_named_where_all_reach_it_or_nobody_else_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    both = run("torch"), run("torch", 2)
    assert lost(monkeypatch, *both, torch=2, jax=2) == ()
    assert lost(monkeypatch, *both, torch=2, jax="it failed") == ()
    assert lost(monkeypatch, *both, torch=2) == ()


def test_of_two_backends_that_reach_it_each_is_named_where_a_third_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    both = run("torch"), run("jax")
    assert lost(monkeypatch, *both, torch=2, jax=2, tensorflow=0) == ("torch", "jax")
    assert lost(monkeypatch, *both, torch=2, jax=2, tensorflow=3) == ()


def test_each_backend_has_its_own_place_and_the_pair_has_one_that_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    begins = {
        name: non_finite.Begin(place=Place(stage="gradient", tensor=layer, state="1", size=1.0, ratio=1.0), operation="norm")
        for name, layer in {"torch": "a", "jax": "b"}.items()
    }
    monkeypatch.setattr(non_finite, "begin", lambda backends, configuration: begins[configuration.environment])
    monkeypatch.setattr(non_finite, "lost", lambda backends, names: tuple(dict.fromkeys(names)))
    composition = cast(Composition, cast(Any, SimpleNamespace(backends={"s": None})))
    cause = Cause(code=Code.NON_FINITE, evidence=(("step", 5.0),))
    pair = Pair(a=run("torch"), b=run("jax"), verdict=Verdict.INVALID, causes=(cause,), quantities=())
    found = judging._non_finite(pair, composition)
    made = (("stage", "gradient"), ("operation", "norm"))
    assert [(one.subject, one.detail, one.evidence) for one in found.causes] == [
        (name, made, (("step", 2.0),)) for name in ("torch", "jax")
    ]
    assert found.place is None, "it begins in two layers"
    begins["jax"] = begins["torch"]
    assert judging._non_finite(pair, composition).place == begins["torch"].place
    monkeypatch.setattr(non_finite, "lost", lambda backends, names: ())
    [whole] = judging._non_finite(pair, composition).causes
    assert (whole.subject, whole.detail) == ("", ()), "where all reach it, it is the model's"
