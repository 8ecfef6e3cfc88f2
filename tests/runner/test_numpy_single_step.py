"""The fake backend's single-step comparison: clean sides agree, and each defect shows in the stage where it acts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.compare import single_step
from suite.records import STAGES, Configuration, Environment, Job, Manifest, Options, Place, Run, Source
from suite.runner.numpy_backend import jobs, training
from tests.conftest import Parity

LIMIT = 1e-10


@pytest.fixture
def job(parity: Parity) -> Job:
    """A job on one device whose inputs and trajectory are there."""
    path = parity.scenario("clusters")
    float64 = Run(configuration=configuration(1), variation="plain", precision="float64")
    made = Job(
        kind="train",
        run_folder=str(parity.run),
        environment=Environment(name="fake-a", backend="fake"),
        options=Options(steps=3),
        scenario="clusters",
        source=Source(kind="file", location=str(path)),
        strategy="fake",
        precision="float64",
        runs=(float64,),
        trajectory=float64.id,
    )
    jobs.prepare(made)
    training.train(made)
    return made


def configuration(devices: int) -> Configuration:
    return Configuration(scenario="clusters", environment="fake-a", strategy="fake", devices=devices)


def stepped(job: Job, devices: int = 1, precision: str = "float64") -> tuple[Artifact, Manifest]:
    run = Run(configuration=configuration(devices), variation="single-step", precision=precision)
    training.train(replace(job, runs=(run,), devices=devices, precision=precision))
    artifact = Store(job.run_folder).run(run)
    manifest = artifact.manifest()
    assert manifest
    return artifact, manifest


def moved(side: tuple[Artifact, Manifest], folder: Path) -> tuple[Artifact, Manifest]:
    """The same artifact elsewhere, so that the next run does not replace it."""
    return Artifact(side[0].folder.rename(folder)), side[1]


def place(
    job: Job, folder: Path, monkeypatch: pytest.MonkeyPatch, *, defect: str = "", order: str = "0", devices: int = 2
) -> Place | None:
    clean = moved(stepped(job, devices), folder / "clean")
    monkeypatch.setenv("PARITY_FAKE_DEFECT", defect)
    monkeypatch.setenv("PARITY_FAKE_ORDER", order)
    return single_step.first(single_step.stage_distances(clean, stepped(job, devices)), LIMIT)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_every_state_has_every_stage(job: Job, precision: str) -> None:
    artifact, manifest = stepped(job, precision=precision)
    assert manifest.facts["states"] == "0, 1, 2, 3, saturated"
    assert set(manifest.files) == {f"single-step-{state}.safetensors" for state in ("0", "1", "2", "3", "saturated")}
    for state in ("0", "saturated"):
        arrays = artifact.arrays(f"single-step-{state}")
        assert {name.partition("|")[0] for name in arrays} == set(STAGES[1:-1])  # its optimizer has no memory
        assert arrays["gradient|hidden/kernel"].dtype == precision


def test_a_different_order_of_summation_is_no_difference(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place(job, tmp_path, monkeypatch, order="1") is None


@pytest.mark.parametrize(
    ("defect", "stage", "tensor"),
    [
        ("epsilon", "forward", "norm"),
        ("summed", "gradient", "output/bias"),
        ("unreduced", "gradient", "output/bias"),
        ("rate", "update", "hidden/kernel"),
        ("nan", "update", "output/bias"),
        ("momentum", "moving statistics", "norm/moving_mean"),
        ("skipped", "moving statistics", "norm/moving_mean"),
        ("averaged", "moving statistics", "norm/moving_mean"),
        ("bessel", "moving statistics", "norm/moving_variance"),
        ("demoted", "forward", "hidden"),
    ],
)
def test_a_defect_shows_in_its_own_stage(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str, stage: str, tensor: str
) -> None:
    found = place(job, tmp_path, monkeypatch, defect=defect)
    assert found is not None
    assert (found.stage, found.tensor, found.state) == (stage, tensor, "0")


@pytest.mark.parametrize("defect", ["initial", "order", "unsaved", "swapped"])
def test_a_defect_outside_of_a_step_does_not_show(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    assert place(job, tmp_path, monkeypatch, defect=defect) is None


def test_two_replicas_differ_from_one_at_the_batch_normalization(job: Job) -> None:
    found = single_step.first(single_step.stage_distances(stepped(job), stepped(job, devices=2)), LIMIT)
    assert found is not None
    assert (found.stage, found.tensor) == ("batch statistics", "norm/moving_mean")


def test_without_states_it_says_what_it_needs(job: Job) -> None:
    with pytest.raises(ValueError, match="single-step comparison was given no run to start from, and needs a complete run"):
        stepped(replace(job, trajectory=""))
