"""Environments that compute in other floating-point formats where a model is to compute in 16 bits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.explain import formats
from suite.records import FORMATS, Cause, Code, Environment, Provisioned, plain
from tests.explain.run_folders import Folder, configuration

BACKENDS = ("tensorflow", "jax", "torch")
GIVEN = {"hidden": ["bfloat16", "bfloat16"], "out": ["bfloat16", "float32"], "": ["", "float32"]}
WIDER = GIVEN | {"out": ["float32", "float32"]}
NARROWER = GIVEN | {"out": ["float16", "float32"]}
RETURNED = GIVEN | {"": ["", "bfloat16"]}


def between(path: Path, a: str, b: str, **told: object) -> Cause | None:
    """Of two environments; each has told its formats, or nothing."""
    made = Folder(path, list(told))
    for name, found in told.items():
        facts = {FORMATS: json.dumps(found)} if found else {}
        made.trained(plain(configuration(name)), 1.0, facts=facts)
    environments = [Provisioned(environment=Environment(name=name, backend=name)) for name in told]
    return formats.between(made.read(environments), configuration(a), configuration(b))


@pytest.mark.parametrize("sides", [("tensorflow", "jax"), ("jax", "torch")])
def test_the_one_that_differs_from_all_others_is_named_with_what_it_is_given(tmp_path: Path, sides: tuple[str, str]) -> None:
    found = between(tmp_path, *sides, tensorflow=GIVEN, jax=WIDER, torch=GIVEN)
    detail = {"layer": "out", "part": "given", "formats": "float32", "other formats": "bfloat16", "known": "K-87"}
    assert found == Cause(code=Code.OTHER_FORMATS, subject="jax", detail=tuple(detail.items()))


def test_what_the_model_returns_counts(tmp_path: Path) -> None:
    found = between(tmp_path, "jax", "torch", tensorflow=GIVEN, jax=GIVEN, torch=RETURNED)
    detail = {"layer": "", "part": "output", "formats": "bfloat16", "other formats": "float32"}
    assert found == Cause(code=Code.OTHER_FORMATS, subject="torch", detail=tuple(detail.items()))


def test_of_two_or_where_all_differ_nobody_is_named(tmp_path: Path) -> None:
    alone = between(tmp_path / "two", "jax", "torch", jax=WIDER, torch=GIVEN)
    every = between(tmp_path / "all", "jax", "torch", tensorflow=NARROWER, jax=WIDER, torch=GIVEN)
    for found in (alone, every):
        assert found is not None
        assert (found.subject, dict(found.detail)["side"]) == ("", "jax")


OTHER_LAYER = {"other": ["float32", "float32"]}


@pytest.mark.parametrize(("jax", "torch"), [(GIVEN, GIVEN), (WIDER, {}), ({}, {}), (OTHER_LAYER, GIVEN)])
def test_what_is_alike_or_not_told_is_no_cause(tmp_path: Path, jax: object, torch: object) -> None:
    assert between(tmp_path, "jax", "torch", tensorflow=GIVEN, jax=jax, torch=torch) is None


@pytest.mark.parametrize("told", ["{", "[]", '{"out": "float32"}', '{"out": ["float32"]}'])
def test_what_cannot_be_read_is_no_agreement(tmp_path: Path, told: str) -> None:
    """The pair has no result then, with this reason."""
    made = Folder(tmp_path, ["jax", "torch"])
    for name in ("jax", "torch"):
        made.trained(plain(configuration(name)), 1.0, facts={FORMATS: told if name == "jax" else json.dumps(GIVEN)})
    with pytest.raises(ValueError):
        formats.between(made.read(), configuration("jax"), configuration("torch"))
