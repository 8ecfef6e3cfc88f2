"""A training step that computes something else once it is compiled: shown by the same run, eagerly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite import compare
from suite.artifacts import names
from suite.artifacts.store import Store
from suite.explain import compiled_steps
from suite.records import (
    ALTERED,
    EAGER,
    MEASURED,
    SINGLE_STEP,
    Cause,
    Code,
    Environment,
    Manifest,
    Provisioned,
    Run,
    Status,
    plain,
)
from tests.explain.parted_backends import APART, folder
from tests.explain.run_folders import Folder, configuration, oracle

ENVIRONMENTS = [Provisioned(environment=Environment(name=name, backend=name)) for name in ("torch", "tensorflow", "jax")]


def eager(environment: str) -> Run:
    return Run(configuration=configuration(environment), variation=EAGER, precision="float64")


def read(made: Folder):  # type: ignore[no-untyped-def]
    return made.read(ENVIRONMENTS)


def backends(made: Folder):  # type: ignore[no-untyped-def]
    made_backends = made.backends()
    made_backends.folder.session = read(made).session
    return made_backends


@pytest.mark.parametrize(("name", "asked"), [("torch", False), ("tensorflow", True), ("jax", True)])
def test_an_eager_run_is_asked_for_where_steps_are_compiled(tmp_path: Path, name: str, asked: bool) -> None:
    made = folder(tmp_path, torch=1.0, tensorflow=1.0, jax=1.0)
    assert compiled_steps.further(read(made), configuration(name)) == ([eager(name)] if asked else [])


def test_what_was_asked_for_is_not_asked_for_again(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.rerun(eager("jax"), 1.0)
    assert compiled_steps.further(read(made), configuration("jax")) == []


@pytest.mark.parametrize(
    ("run", "declared", "eagerly", "found"),
    [(1.0, 1.5, 1.5, True), (1.0, 1.5, 1.0, False), (1.0, 1.5, 1.25, False), (1.0, 1.0, 1.0, False)],
)
def test_a_run_is_off_because_it_is_compiled_where_its_eager_run_is_what_it_declares(
    tmp_path: Path, run: float, declared: float, eagerly: float, found: bool
) -> None:
    made = folder(tmp_path, torch=declared, jax=declared)
    made.trained(plain(configuration("jax")), run, facts={ALTERED: "gate.sharpness 1.0 -> 8.0"})
    made.trained(plain(configuration("jax"), "float64"), run)
    made.rerun(eager("jax"), eagerly)
    cause = Cause(code=Code.COMPILED_STEP, subject="jax", detail=((MEASURED, "gate.sharpness 1.0 -> 8.0"),))
    assert compiled_steps.of_run(read(made), configuration("jax")) == ((cause,) if found else ())


@pytest.mark.parametrize(("apart", "found"), [(5e-9, False), (1e-6, True)])
def test_what_float32_rounds_is_nothing_else(tmp_path: Path, apart: float, found: bool) -> None:
    """A layer may compute in float32 in a float64 run, and a kernel that is fused round it elsewhere."""
    made = folder(tmp_path, torch=1.0, jax=1.0 + apart)
    made.rerun(eager("jax"), 1.0)
    assert bool(compiled_steps.between(read(made), configuration("torch"), configuration("jax"))) == found


def test_nothing_is_said_without_an_eager_run(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART)
    assert compiled_steps.of_run(read(made), configuration("jax")) == ()
    assert compiled_steps.between(read(made), configuration("torch"), configuration("jax")) == ()


@pytest.mark.parametrize(
    ("tensorflow", "jax", "subjects"),
    [(1.0, 1.0, ["tensorflow", "jax"]), (1.0, 1.0 + APART, []), (1.0 + APART, 1.0, []), (1.0 + APART, 1.0 + APART, [])],
)
def test_two_environments_part_because_they_are_compiled_where_their_eager_runs_agree(
    tmp_path: Path, tensorflow: float, jax: float, subjects: list[str]
) -> None:
    made = folder(tmp_path, torch=1.0, tensorflow=1.0 + APART, jax=1.0 + APART)
    made.rerun(eager("tensorflow"), tensorflow)
    made.rerun(eager("jax"), jax)
    found = compiled_steps.between(read(made), configuration("tensorflow"), configuration("jax"))
    assert [one.subject for one in found] == subjects
    alone = compiled_steps.between(read(made), configuration("torch"), configuration("jax"))
    assert [one.subject for one in alone] == (["jax"] if jax == 1.0 else [])


def test_backends_ask_for_it_last_and_name_it(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0 + APART)
    first = backends(made).further()
    assert first
    assert EAGER not in {run.variation for run in first}, "other runs may explain it"
    while first:
        for run in first:
            made.stepped(run, {"forward|dense": 1.0}) if run.variation == SINGLE_STEP else made.rerun(run, 1.0)
        first = backends(made).further()
        if any(run.variation == EAGER for run in first):
            break
    assert first == [eager("jax")]
    made.rerun(eager("jax"), 1.0)
    parting = backends(made).parting("torch", "jax")
    assert (parting.off, [cause.code for cause in parting.causes]) == ("jax", [Code.COMPILED_STEP])


def test_the_oracle_is_not_what_an_eager_run_is_compared_with_by_itself(tmp_path: Path) -> None:
    """A run without an oracle is explained by none."""
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.rerun(eager("jax"), 2.0)
    made.plan = made.plan.__class__(
        **{**vars(made.plan), "runs": tuple(run for run in made.plan.runs if run != oracle("jax"))}
    )
    assert compiled_steps.of_run(read(made), configuration("jax")) == ()


@pytest.mark.parametrize(
    ("anew", "loaded", "found"),
    [(2.0, 2.0, True), (2.0, 2.001, True), (2.0, 1.5, False), (1.0, 2.0, False), (None, 2.0, False)],
)
def test_training_goes_on_otherwise_because_the_loaded_model_is_compiled_anew(
    tmp_path: Path, anew: float | None, loaded: float, found: bool
) -> None:
    """The live model goes on to 1 with the step that it was compiled with."""
    store, run = Store(tmp_path), plain(configuration("jax"))
    parts = {names.RESUMED: 1.0, names.RESUMED_ANEW: anew, names.step(0): loaded}
    with store.run(run).recording(Manifest(run=run.id, status=Status.STARTED)) as recorded:
        for part, value in parts.items():
            if value is not None:
                recorded.add(part, {"dense/kernel": np.full(4, value)})
        recorded.tell(facts={ALTERED: "gate.sharpness 1.0 -> 8.0"})
    artifact = store.run(run)
    manifest = artifact.manifest()
    assert manifest is not None
    snapshot = compare.Snapshot(artifact=artifact, manifest=manifest, state=names.step(0))
    cause = Cause(code=Code.COMPILED_STEP, subject="jax", detail=((MEASURED, "gate.sharpness 1.0 -> 8.0"),))
    assert compiled_steps.of_resumed("jax", (artifact, manifest), snapshot) == ((cause,) if found else ())
    assert compiled_steps.of_resumed("jax", (artifact, manifest), (Status.FAILED, "it was killed")) == ()
