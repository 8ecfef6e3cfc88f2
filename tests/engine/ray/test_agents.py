"""Agents, and the coordinator's side of them, without Ray: a link that calls an agent in this process. Real hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from suite.artifacts.store import Store
from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.engine.ray import cluster, link
from suite.engine.ray.agent import Agent
from suite.engine.ray.cluster import Cluster, Member, agreed, check_shared, links_by_name, merge
from suite.engine.ray.link import NodeLost
from suite.engine.ray.messages import Facts
from suite.records import Manifest, Provisioned, Source, Status, UsageError
from tests.engine.bench import ENTRY, FAKE, Bench
from tests.processes import until


@dataclass(kw_only=True)
class InProcess:
    """A link to an agent in this process. `lies`: facts that are not as they are. `called`: how often each method was."""

    identity: str = "1"
    address: str = "machine"
    cores: int = 2
    gpus: int = 0
    agent: Agent | None = None
    dead: str = ""
    comes_back: bool = False
    lies: dict[str, Any] = field(default_factory=dict)
    called: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        self.agent, self.dead = Agent(), ""

    def call(self, method: str, *arguments: Any, seconds: float | None = None, group: str = "") -> Any:
        self.called[method] += 1
        if self.dead or self.agent is None:
            raise NodeLost(self.dead or "its actor did not start")
        answer = getattr(self.agent, method)(*arguments)
        if self.dead:
            raise NodeLost(self.dead)
        if method == "describe":
            truth = replace(msgspec.json.decode(answer, type=Facts), authenticated=True)
            return msgspec.json.encode(replace(truth, **self.lies))
        return answer

    def is_there(self) -> bool:
        return self.comes_back

    def end(self) -> None:
        if self.agent is not None:
            self.agent.end()
        self.agent = None

    def die(self, why: str) -> None:
        """The machine is gone, with all that runs there."""
        self.dead = why
        assert self.agent is not None
        self.agent.finish()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "run").mkdir()
    return Bench(tmp_path / "run")


@contextmanager
def site(monkeypatch: pytest.MonkeyPatch, *links: InProcess, shared: Path | None = None, out: Path) -> Iterator[Cluster]:
    @contextmanager
    def connected(address: str) -> Iterator[tuple[InProcess, ...]]:
        yield links

    monkeypatch.setattr(link, "connected", connected)
    with cluster.connected("auto", shared=shared, out=out, report=SAID.append) as found:
        yield found


SAID: list[str] = []


@contextmanager
def engine(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, *links: InProcess, shared: bool = False, **settings: Any
) -> Iterator[Engine]:
    SAID.clear()
    with ExitStack() as stack:
        folder = bench.folder if shared else None
        found = stack.enter_context(site(monkeypatch, *links, shared=folder, out=bench.folder))
        environments = bench.folder.parent / "environments"
        ready = found.provision([FAKE], folder=environments, device="cpu", plugins=(), report=SAID.append)
        given = {"cores": 0, "timeout": 30.0, "entry": ENTRY, "jobs_per_gpu": 0, **settings}
        yield stack.enter_context(
            found.engine(ready, folder=bench.folder, environments=environments, listen=bench.hear, **given)
        )


@pytest.mark.parametrize("shared", [True, False])
def test_whatever_a_job_does_is_told_as_on_this_machine(bench: Bench, monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    jobs = [bench.job(what) for what in ("fine", "raise", "unsupported", "crash-once")]
    with engine(monkeypatch, bench, InProcess(), shared=shared) as running:
        outcomes = running.run(jobs)
    assert outcomes["prepare/fine"].status is Status.COMPLETE
    assert outcomes["prepare/raise"].reason.startswith("on node machine: ValueError: the first line")
    assert outcomes["prepare/raise"].log.startswith("about to raise\nTraceback")
    assert outcomes["prepare/unsupported"].status is Status.UNSUPPORTED
    assert outcomes["prepare/crash-once"].status is Status.COMPLETE and outcomes["prepare/crash-once"].died
    assert (bench.folder / "notes").exists() == shared, "what is no artifact stays on a node that shares nothing"


@pytest.mark.parametrize("shared", [True, False])
def test_a_job_that_begins_and_finishes_runs_is_not_stopped_and_one_that_hangs_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    with engine(monkeypatch, bench, InProcess(), shared=shared, timeout=2.0) as running:
        outcomes = running.run([bench.job("runs-5-0.8"), bench.job("sleep-60")])
    assert outcomes["prepare/runs-5-0.8"].status is Status.COMPLETE
    assert outcomes["prepare/sleep-60"].status is Status.TIMED_OUT
    assert (bench.folder / "inputs" / "runs-5-0.8" / "manifest.json").is_file()


def test_inputs_are_sent_once_to_each_node_and_are_what_they_were(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = Store(bench.folder).inputs("fine")
    with artifact.recording(Manifest(run="prepare/fine", status=Status.STARTED)):
        (artifact.folder / "large").write_bytes(b"0123456789" * 1_000_000)
        artifact.placed("large")
    node = InProcess()
    jobs = [replace(bench.job("fine"), kind="zoo", environment=replace(FAKE), precision=str(number)) for number in range(3)]
    with engine(monkeypatch, bench, node) as running:
        outcomes = running.run(jobs)
        assert node.agent is not None
        (sent,) = Path(node.agent._root.name).glob("runs/inputs/fine/large")
        assert sent.read_bytes() == b"0123456789" * 1_000_000
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    assert node.called["receive"] == 3, "two blocks of one file, and the manifest"


def test_a_file_that_arrives_damaged_is_refused(tmp_path: Path) -> None:
    agent = Agent()
    try:
        with pytest.raises(ValueError, match="another sha256"):
            agent.receive("0" * 64, b"something else", True)
        assert agent.lacks(["0" * 64]) == ["0" * 64]
    finally:
        agent.end()


def test_a_scenario_of_the_users_is_sent_with_what_lies_beside_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "rows.csv").write_text("1,2")
    (mine / "_beside.py").write_text("ROWS = 3")
    (mine / "fine.py").write_text(
        'from suite import Scenario\nSCENARIO = Scenario(name="fine", description="a", model=print, data=print, '
        'optimizer=print, loss="mse", batch=8, steps=2, files=("rows.csv",))\n'
    )
    node = InProcess()
    job = replace(bench.job("fine"), source=Source(kind="file", location=str(mine / "fine.py")))
    with engine(monkeypatch, bench, node) as running:
        assert running.run([job])["prepare/fine"].status is Status.COMPLETE
        assert node.agent is not None
        sent = {path.name for path in Path(node.agent._root.name).glob("sent/*/*")}
    assert sent == {"fine.py", "_beside.py", "rows.csv"}


def test_the_jobs_of_a_node_that_dies_run_on_the_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    dying, staying = InProcess(identity="1"), InProcess(identity="2")

    def die(event: Event) -> None:
        if event.kind == "waiting" and len(event.running) == 2 and not dying.dead:
            dying.die("the machine is gone")

    bench.react = die
    with engine(monkeypatch, bench, dying, staying, cores=1, shared=True) as running:
        outcomes = running.run([bench.job("sleep-3-a"), bench.job("sleep-3-b")])
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    assert "node machine-1 is lost (the machine is gone): 1 job starts again elsewhere" in [one.note for one in bench.events]


def test_a_node_that_is_still_there_gets_a_new_agent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    node = InProcess(comes_back=True)

    def die(event: Event) -> None:
        if event.kind == "started" and node.called["die"] == 0:
            node.called["die"] += 1
            until(lambda: node.called["order"] > 1)
            node.die("its actor was killed")

    bench.react = die
    with engine(monkeypatch, bench, node, shared=True) as running:
        assert running.run([bench.job("sleep-1")])["prepare/sleep-1"].status is Status.COMPLETE
    assert any("1 job starts again, there or elsewhere" in event.note for event in bench.events)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        ({"authenticated": False}, "its Ray asks for no token: start Ray there with RAY_AUTH_MODE=token"),
        ({"suite": "0", "version": "0.1"}, "it has another keras-parity (0.1; here 0.2.0): install the same on all nodes"),
    ],
)
def test_a_node_that_cannot_be_used_is_left_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, lies: dict[str, Any], why: str
) -> None:
    SAID.clear()
    good, bad = InProcess(address="good"), InProcess(address="bad", lies=lies)
    with site(monkeypatch, good, bad, out=bench.folder):
        assert [f"node bad is left out: {why}", "Ray: good (2 processors)"] == SAID


def test_a_cluster_without_a_usable_node_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(UsageError, match="no node of the Ray cluster can be used"),
        site(monkeypatch, InProcess(lies={"authenticated": False}), out=bench.folder),
    ):
        pass


def test_a_run_folder_outside_of_the_shared_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(UsageError, match=r"--out .*run is not in --shared .*shared: choose a run folder in it"),
        site(monkeypatch, InProcess(), shared=tmp_path / "shared", out=tmp_path / "run"),
    ):
        pass


def test_a_folder_that_a_node_does_not_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = InProcess()
    node.start()
    facts = msgspec.json.decode(node.call("describe"), type=Facts)
    members = [Member(link=node, name="far", facts=facts)]
    try:
        check_shared(members, tmp_path)
        monkeypatch.setattr(node.agent, "shares", lambda *arguments: False)
        with pytest.raises(UsageError, match=f"--shared {tmp_path} is not shared by node far: mount it there"):
            check_shared(members, tmp_path)
        assert not list(tmp_path.iterdir())
        with pytest.raises(UsageError, match="is no folder: make it"):
            check_shared(members, tmp_path / "none")
    finally:
        node.end()


def test_a_call_of_an_actor_that_was_ended_is_told_as_that_of_a_lost_node() -> None:
    """Nodes are ended once when they are lost, and all once more in the end."""
    ended = link.RayLink(identity="1", address="far", cores=2, gpus=0)
    with pytest.raises(NodeLost, match="its actor was ended"):
        ended.call("end", seconds=1.0)
    cluster._end(ended)


def test_nodes_of_one_name_are_numbered() -> None:
    links = [InProcess(address=address) for address in ("a", "b", "a")]
    assert links_by_name(links) == ["a-1", "b", "a-2"]


def test_an_environment_that_differs_between_nodes_is_used_where_it_is_as_on_the_first() -> None:
    none = Provisioned(environment=FAKE, reason="no network")
    one = Provisioned(environment=FAKE, python="python", digest="1", packages={"keras": "3.15.1"})
    other = replace(one, digest="2", packages={"keras": "3.14.1"})
    assert merge([none, one, other]) == one and merge([none]) == none
    assert agreed(one, one) == one and agreed(none, one) == none
    assert agreed(other, one).reason == "it has other versions than the first node (keras): make it anew there"
