"""What a run's digest covers: all that its worker imports of the suite, and the faults only where one is injected."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.plan import digests, jobs
from suite.plan.jobs import Jobs
from suite.plan.locations import ROOT, SUITE
from suite.records import (
    Configuration,
    Environment,
    FoundScenario,
    Job,
    Options,
    Plan,
    Provisioned,
    Scenario,
    Source,
    plain,
)
from tests.conftest import Parity

CLEAN = plain(Configuration(scenario="clusters", environment="torch", strategy="single", devices=1))
FAULTY = replace(CLEAN, configuration=replace(CLEAN.configuration, fault="bn-epsilon-small"))


@pytest.fixture
def job(parity: Parity) -> Job:
    run = plain(Configuration(scenario="clusters", environment="fake-a", strategy="fake", devices=2))
    return Job(
        kind="prepare",
        run_folder=str(parity.run),
        environment=Environment(name="fake-a", backend="fake"),
        options=Options(steps=3),
        scenario="clusters",
        source=Source(kind="file", location=str(parity.scenario("clusters"))),
        strategy="fake",
        devices=2,
        runs=(run,),
    )


def loaded_by_a_worker(job: Job, folder: Path) -> set[Path]:
    """The files of the suite that a worker process has imported when it has done the job's kinds one after another."""
    files = []
    for kind in ("probe", "prepare", "train", "reload"):
        files.append(folder / f"{kind}.json")
        write_record(files[-1], replace(job, kind=kind))
    code = (
        "import json, sys, suite.runner.host\nfrom suite.runner.execute_job import main\n"
        "for job in sys.argv[1:]: main(job)\n"
        "print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.split('.')[0] == 'suite']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *map(str, files)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return {Path(file) for file in json.loads(done.stdout.splitlines()[-1])}


def reached(modules: set[str]) -> set[Path]:
    """The files of these modules and of all that they import of the suite, in functions too, but for the faults."""
    files: set[Path] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        while name and (path := _file(name)) is None:
            name = name.rpartition(".")[0]  # it is a name in a module
        if not name or path is None or path in files or not name.startswith("suite") or name.startswith("suite.selftest"):
            continue
        files.add(path)
        todo += [*imported_by(path), name.rpartition(".")[0]]
    return files


def imported_by(path: Path) -> Iterator[str]:
    """Every module that a file may import anywhere, and names in modules, which are none."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def test_a_digest_covers_the_files_that_a_worker_imports(job: Job, tmp_path: Path) -> None:
    hashed, loaded = set(digests.source_files(SUITE, digests.WORKER)), loaded_by_a_worker(job, tmp_path)
    workers = {f"suite.runner.strategies.{path.stem}" for path in (SUITE / "runner" / "strategies").glob("[!_]*.py")}
    everything = reached({"suite.runner.host", "suite.runner.execute_job", *workers})
    assert loaded <= everything, "the test follows imports as Python does"
    assert everything <= hashed
    others = hashed - everything - {SUITE / "artifacts" / "dropping.py"}  # which removes parts of a judged run folder
    assert {path.parent.name for path in others} <= {"records"}, "words for people lie beside the records"


def test_no_fault_is_loaded_by_a_worker_that_injects_none(job: Job, tmp_path: Path) -> None:
    assert not any("selftest" in path.parts for path in loaded_by_a_worker(job, tmp_path))


def test_every_fault_is_in_the_digest_of_the_faults() -> None:
    hashed = set(digests.source_files(SUITE, digests.INJECTION))
    assert set((SUITE / "selftest" / "injection").rglob("*.py")) < hashed


def nothing() -> None:
    raise AssertionError("nothing runs here")


SCENARIO = FoundScenario(
    scenario=Scenario(name="clusters", description="c", model=nothing, data=nothing, optimizer=nothing, loss="mse"),
    source=Source(kind="file", location="clusters.py"),
    digest="d",
)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the suite, to take digests of."""
    copy = tmp_path / "suite"
    shutil.copytree(SUITE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("suite_digest", "injection_digest"):
        monkeypatch.setattr(jobs, name, partial(getattr(digests, name), copy))
    return copy


def of_jobs(folder: Path, *faults: tuple[str, str]) -> tuple[str, str]:
    """Of the clean run, and of the one with a fault, in an environment with these."""
    torch = Provisioned(environment=Environment(name="torch", backend="torch", faults=faults), python="python", digest="1")
    plan = Plan(runs=(CLEAN, FAULTY), refused=(), options=Options(), digest="d")
    jobs = Jobs(Store(folder / "run"), plan, [SCENARIO], {"torch": torch})
    return jobs.digest(CLEAN), jobs.digest(FAULTY)


def edited(path: Path) -> None:
    path.write_text(path.read_text() + "\n# changed\n")


def test_editing_a_fault_changes_the_digests_of_runs_with_a_fault_only(suite: Path) -> None:
    clean, faulty = of_jobs(suite)
    assert clean != faulty
    edited(suite / "selftest" / "injection" / "layers.py")
    assert of_jobs(suite)[0] == clean and of_jobs(suite)[1] != faulty


def test_a_fault_of_an_environment_changes_the_digests_of_its_scenario_only(suite: Path) -> None:
    clean, _ = of_jobs(suite)
    assert of_jobs(suite, ("moons", "bias-again"))[0] == clean
    faulty, _ = of_jobs(suite, ("clusters", "bias-again"))
    assert faulty != clean != of_jobs(suite, ("clusters", "bias-skipped"))[0] != faulty
    edited(suite / "selftest" / "injection" / "layers.py")
    assert of_jobs(suite)[0] == clean
    assert of_jobs(suite, ("clusters", "bias-again"))[0] != faulty


@pytest.mark.parametrize(
    "file",
    ["runner/training.py", "runner/strategies/torch_ddp.py", "artifacts/names.py", "plan/strategies.py", "records/plan.py"],
)
def test_editing_a_file_that_a_worker_imports_changes_every_digest(suite: Path, file: str) -> None:
    clean, faulty = of_jobs(suite)
    edited(suite / file)
    assert of_jobs(suite)[0] != clean and of_jobs(suite)[1] != faulty


def test_editing_a_file_that_no_worker_imports_changes_no_digest(suite: Path) -> None:
    before = of_jobs(suite)
    for file in ("plan/planning.py", "selftest/catalogue.py", "compare/measuring.py"):
        edited(suite / file)
    assert of_jobs(suite) == before
