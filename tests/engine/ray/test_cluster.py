"""The engine on a real Ray cluster of simulated nodes, and a whole command with the NumPy backend. No frameworks."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.engine.ray import cluster
from suite.engine.ray.cluster import Cluster
from suite.records import Options, Provisioned, Results, Status, UsageError
from tests.conftest import Parity
from tests.engine.bench import ENTRY, FAKE, PROJECT, Bench, all_gone
from tests.engine.ray.simulated import TOKEN_VARIABLES, Simulated, simulated
from tests.pipeline.fake_runs import CLEAN, written
from tests.processes import alive, until

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("default"),  # Ray's own
    # Not imported: Ray reads how it authenticates when it is imported.
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
]


@pytest.fixture(scope="module", autouse=True)
def token() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in TOKEN_VARIABLES.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def nodes(token: None) -> Iterator[Simulated]:
    with simulated(2) as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def site(nodes: Simulated, place: Path) -> Iterator[Cluster]:
    with cluster.connected(nodes.address, shared=place, out=place / "run", report=lambda line: None) as found:
        yield found


@pytest.fixture(scope="module")
def ready(site: Cluster, place: Path) -> dict[str, Provisioned]:
    return site.provision([FAKE], folder=place / "environments", device="cpu", plugins=(), report=lambda line: None)


@pytest.fixture
def bench(place: Path, request: pytest.FixtureRequest) -> Bench:
    folder = place / request.node.name
    folder.mkdir()
    return Bench(folder)


@contextmanager
def engine(site: Cluster, ready: dict[str, Provisioned], bench: Bench, **settings: Any) -> Iterator[Engine]:
    environments = bench.folder.parent / "environments"
    given = {"cores": 0, "timeout": 30.0, "entry": ENTRY, **settings}
    with site.engine(ready, folder=bench.folder, environments=environments, listen=bench.hear, **given) as running:
        yield running


def said(bench: Bench) -> str:
    return "\n".join(event.note for event in bench.events if event.note)


# ---------------------------------------------------------------- bad input


def test_a_run_folder_outside_of_the_shared_one_is_refused(nodes: Simulated, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    with pytest.raises(UsageError, match=r"--out .*run is not in --shared .*shared: choose a run folder in it"):  # noqa: SIM117
        with cluster.connected("auto", shared=shared, out=tmp_path / "run", report=print):
            pass


# ---------------------------------------------------------------- whole commands: first, for a site holds all processors


def started(parity: Parity, nodes: Simulated, *extra: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "suite", *parity.arguments("--engine", "ray", "--ray-address", nodes.address, *extra)]
    variables = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables)


def concluded(results: Results) -> dict[str, str]:
    return {f"{pair.a.id} {pair.b.id}": pair.verdict.value for pair in results.pairs}


def hosts_of(nodes: Simulated) -> list[int]:
    """Every process of a worker on the simulated nodes."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if "suite.runner.host" in words and "PARITY_NODE" in process.environ() and alive(process.pid):
                found.append(process.pid)
    return found


def test_a_command_on_a_cluster_concludes_what_it_does_on_this_machine(parity: Parity, nodes: Simulated) -> None:
    """Nothing is shared: the scenario's file, its inputs and all artifacts are sent."""
    parity.scenario("clusters")
    parity.environments(CLEAN)
    code, _ = parity.compare("--jobs", "2")
    here = concluded(written(parity))
    parity.run = parity.folder / "on-cluster"
    with started(parity, nodes, "--verbose") as process:
        assert process.stdout
        said = process.stdout.read()
    assert process.returncode == code, said
    results = written(parity)
    assert concluded(results) == here and here
    assert len({row.facts["node"] for row in results.runs if "node" in row.facts}) == 2
    assert not hosts_of(nodes)


def test_an_interrupted_command_leaves_nothing_on_any_node(parity: Parity, nodes: Simulated) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "hang"}})
    with started(parity, nodes, "--shared", str(parity.folder)) as process:
        until(lambda: any(parity.run.glob("logs/train*fake-b*")), seconds=200)
        assert hosts_of(nodes)
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert process.returncode == 130
    until(lambda: not hosts_of(nodes))


def test_a_command_that_is_killed_leaves_nothing_on_any_node(parity: Parity, nodes: Simulated) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "hang"}})
    with started(parity, nodes, "--shared", str(parity.folder)) as process:
        until(lambda: any(parity.run.glob("logs/train*fake-b*")), seconds=200)
        process.kill()
    until(lambda: not hosts_of(nodes), seconds=60)


def test_a_wrong_token_is_a_sentence(parity: Parity, nodes: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    parity.scenario("clusters")
    parity.environments(CLEAN)
    with started(parity, nodes) as process:
        assert process.stdout
        said = process.stdout.read()
    assert process.returncode == 4
    assert said.splitlines()[-1].startswith(f"parity: --ray-address {nodes.address}: no Ray cluster answers there"), said
    assert "Traceback" not in said


# ---------------------------------------------------------------- in a shared folder


def test_jobs_run_on_all_nodes_at_once(site: Cluster, ready: dict[str, Provisioned], bench: Bench) -> None:
    with engine(site, ready, bench, cores=1) as running:
        outcomes = running.run([bench.job(f"sleep-1-{number}") for number in range(4)])
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    assert len({note["node"] for note in bench.notes()}) == 2


def test_whatever_a_job_does_is_told_as_on_this_machine(site: Cluster, ready: dict[str, Provisioned], bench: Bench) -> None:
    jobs = [bench.job(what) for what in ("raise", "unsupported", "crash-once", "hang")]
    with engine(site, ready, bench, timeout=4.0) as running:
        outcomes = running.run([*jobs, bench.job("fine", devices=8, options=Options(device="gpu"))])
    assert ": ValueError: the first line" in outcomes["prepare/raise"].reason
    assert outcomes["prepare/raise"].reason.startswith("on node ")
    assert outcomes["prepare/raise"].log.startswith("about to raise\nTraceback")
    assert outcomes["prepare/unsupported"].status is Status.UNSUPPORTED
    assert outcomes["prepare/crash-once"].status is Status.COMPLETE and outcomes["prepare/crash-once"].died
    assert outcomes["prepare/hang"].status is Status.TIMED_OUT
    assert outcomes["prepare/fine"].reason == "no node has 8 GPUs: the most is 0; choose fewer with --devices"
    until(lambda: all_gone(bench.pids()))


def test_a_job_that_begins_and_finishes_runs_is_not_stopped(
    site: Cluster, ready: dict[str, Provisioned], bench: Bench
) -> None:
    with engine(site, ready, bench, timeout=2.5) as running:
        assert running.run([bench.job("runs-5-1")])["prepare/runs-5-1"].status is Status.COMPLETE


def test_jobs_of_an_actor_that_is_killed_start_again_and_none_of_its_processes_is_left(
    site: Cluster, ready: dict[str, Provisioned], bench: Bench
) -> None:
    killed: list[int] = []

    def kill(event: Event) -> None:
        if event.kind == "waiting" and not killed and list(bench.folder.glob("pids-*")):
            host = bench.pids()[0][0]
            killed.append(int(Path(f"/proc/{host}/stat").read_text().rpartition(")")[2].split()[1]))
            os.kill(killed[0], signal.SIGKILL)

    bench.react = kill
    with engine(site, ready, bench, timeout=6.0) as running:
        outcome = running.run([bench.job("hang")])["prepare/hang"]
    assert killed and "1 job starts again, there or elsewhere" in said(bench)
    assert outcome.status is Status.TIMED_OUT, "the second attempt hangs, too"
    assert len(bench.pids(2)) == 2
    until(lambda: all_gone(bench.pids()))


# ---------------------------------------------------------------- without


def test_artifacts_come_back_and_inputs_go_out_where_nothing_is_shared(
    site: Cluster, ready: dict[str, Provisioned], bench: Bench
) -> None:
    apart = Cluster(site._members, shared=None)
    with engine(apart, ready, bench) as running:
        first = running.run([bench.job("runs-3-0.7")])
        assert first["prepare/runs-3-0.7"].status is Status.COMPLETE
        outcome = running.run([bench.job("raise")])["prepare/raise"]
    assert outcome.log.startswith("about to raise\nTraceback"), "the log is sent, too"
    assert list(bench.folder.glob("inputs/*/manifest.json"))
    assert not bench.notes(), "what a job leaves elsewhere in its folder is no artifact, and stays there"


# ---------------------------------------------------------------- last: one node less


def test_jobs_of_a_node_that_dies_run_elsewhere_and_what_was_complete_is_kept(
    site: Cluster, ready: dict[str, Provisioned], bench: Bench, nodes: Simulated
) -> None:
    dead: list[str] = []

    def kill(event: Event) -> None:
        if event.kind == "waiting" and not dead and len(event.running) == 2:
            dead.append("node")
            nodes.remove(1)

    bench.react = kill
    jobs = [bench.job(f"sleep-4-{number}") for number in range(2)]
    with engine(site, ready, bench, cores=1) as running:
        done = running.run([bench.job("runs-1-0.2")])
        outcomes = running.run(jobs)
    assert dead and "1 job starts again" in said(bench)
    assert {outcome.status for outcome in {**done, **outcomes}.values()} == {Status.COMPLETE}
    assert list(bench.folder.glob("inputs/runs-1-0.2/manifest.json"))
