"""The fake backend's calls in one training step: a clean call is what it is defined to be, and each defect departs where
it acts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from suite.artifacts.artifact import Complete
from suite.artifacts.store import Store
from suite.explain import definitions
from suite.explain.definitions import Held
from suite.records import LAYERWISE, Configuration, Environment, Job, Options, Run, Source
from suite.runner.numpy_backend import jobs, training
from tests.conftest import Parity

RUN = Run(
    configuration=Configuration(scenario="clusters", environment="fake-a", strategy="fake", devices=1),
    variation=LAYERWISE,
    precision="float64",
)


class Folder:
    """As much of a run folder as recorded calls need."""

    session = SimpleNamespace(environments=())

    def __init__(self, path: Path) -> None:
        self.path = path

    def further(self, run: Run) -> Complete | str:
        artifact = Store(self.path).run(run)
        manifest = artifact.manifest()
        return (artifact, manifest) if manifest else "it was not run"


def held(parity: Parity, monkeypatch: pytest.MonkeyPatch, defect: str) -> Held:
    path = parity.scenario("clusters")
    job = Job(
        kind="train",
        run_folder=str(parity.run),
        environment=Environment(name="fake-a", backend="fake"),
        options=Options(steps=3),
        scenario="clusters",
        source=Source(kind="file", location=str(path)),
        strategy="fake",
        precision="float64",
        runs=(RUN,),
    )
    jobs.prepare(job)
    monkeypatch.setenv("PARITY_FAKE_DEFECT", defect)
    training.train(job)
    return definitions.held(Folder(parity.run), "fake-a", RUN)  # type: ignore[arg-type]


def test_every_call_of_a_clean_step_is_what_it_is_defined_to_be(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    found = held(parity, monkeypatch, "")
    assert (found.departures, found.defined, found.undefined, found.missing) == ((), 5, (), "")


@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        ("layer", {("layer", "output", "forward")}),
        ("epsilon", {("layer", "norm", "forward")}),
        ("momentum", {("layer", "norm", "moving statistics")}),
        ("bessel", {("layer", "norm", "moving statistics")}),
        ("skipped", {("layer", "norm", "moving statistics")}),
        ("rate", {("update", "optimizer", "update")}),
        ("epsilon,layer", {("layer", "norm", "forward"), ("layer", "output", "forward")}),
        ("unsaved", set()),  # nothing that a step computes
    ],
)
def test_a_defect_departs_where_it_acts_and_nowhere_else(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, defect: str, expected: set[tuple[str, str, str]]
) -> None:
    found = held(parity, monkeypatch, defect)
    assert {(one.kind, one.name, one.stage) for one in found.departures} == expected
    assert not any(one.narrow for one in found.departures)
    assert found.defined == 5
