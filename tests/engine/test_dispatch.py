"""The schedule over several nodes: real processes, and machines that are folders of this one. No Ray."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.engine import dispatch
from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.engine.gpus import Gpus
from suite.engine.hosts import Warm
from suite.engine.local import ThisMachine
from suite.records import Environment, Job, Options, Provisioned, Status
from tests.engine.bench import FAKE, Bench
from tests.engine.test_local import peak
from tests.processes import until

GPU = Options(device="gpu")


class Machine:
    """A node that can be lost, and come back so many times."""

    def __init__(self, bench: Bench, name: str, *, gpus: int = 0, comes_back: int = 0, **arguments: Any) -> None:
        self._node = bench.node(name=name, gpus=Gpus([str(index) for index in range(gpus)], jobs_per_gpu=1), **arguments)
        self._bench, self._arguments, self._comes_back = bench, {"gpus": gpus, **arguments}, comes_back
        self.name, self.cores, self.gpus, self.provisioned = name, self._node.cores, self._node.gpus, self._node.provisioned
        self.lost = ""
        self.hosts: list[Warm] = []
        self.heirs: list[Machine] = []

    def open(self, environment: Environment, options: Options, python: str, log: Path) -> Warm:
        self.hosts.append(self._node.open(environment, options, python, log))
        return self.hosts[-1]

    def made(self, job: Job) -> object:
        return self._node.made(job)

    def knows(self, gpu: str) -> bool:
        return True

    def renewed(self) -> Machine | None:
        if not self._comes_back:
            return None
        self.heirs.append(Machine(self._bench, self.name, comes_back=self._comes_back - 1, **self._arguments))
        return self.heirs[-1]

    def die(self, why: str = "no answer for 30 s") -> None:
        """As a machine that loses its power: nobody is told why a host is gone."""
        self.lost = why
        for host in self.hosts:
            os.kill(host._process.pid, signal.SIGKILL)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def engine(bench: Bench, *nodes: Machine | ThisMachine, timeout: float = 30.0) -> Engine:
    return Engine(nodes, folder=bench.folder, timeout=timeout, listen=bench.hear)


def said(bench: Bench) -> list[str]:
    return [event.note for event in bench.events if event.kind == "noted"]


def test_jobs_run_on_all_nodes_at_once_and_never_on_more_cores_than_each_has(bench: Bench) -> None:
    nodes = [Machine(bench, "a", cores=1), Machine(bench, "b", cores=2)]
    with engine(bench, *nodes) as running:
        outcomes = running.run([bench.job(f"sleep-0.3-{number}") for number in range(9)])
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    assert peak(bench.notes(), lambda note: 1) == 3
    by_node = {name: [note for note in bench.notes() if note["node"] == name] for name in "ab"}
    assert peak(by_node["a"], lambda note: 1) == 1 and peak(by_node["b"], lambda note: 1) == 2


def test_a_job_of_many_cores_takes_the_node_that_has_most(bench: Bench) -> None:
    with engine(bench, Machine(bench, "small", cores=1), Machine(bench, "large", cores=2)) as running:
        running.run([bench.job("sleep-0.1-two", cores=2), bench.job("sleep-0.1-nine", cores=9)])
    assert {note["node"] for note in bench.notes()} == {"large"}
    assert peak(bench.notes(), lambda note: 1) == 1


def test_a_job_that_fits_no_node_is_told_at_once_and_the_others_run(bench: Bench) -> None:
    nodes = [Machine(bench, "a"), Machine(bench, "b", gpus=2), Machine(bench, "c", gpus=4)]
    eight, two = (bench.job(f"sleep-0.1-{count}", devices=count, options=GPU) for count in (8, 2))
    with engine(bench, *nodes) as running:
        outcomes = running.run([eight, two, bench.job("fine")])
    assert outcomes[eight.id].status is Status.NO_DEVICES
    assert outcomes[eight.id].reason == "no node has 8 GPUs: the most is 4; choose fewer with --devices"
    assert outcomes[eight.id].seconds == 0
    assert outcomes[two.id].status is outcomes["prepare/fine"].status is Status.COMPLETE
    assert {note["node"] for note in bench.notes() if note["gpus"]} <= {"b", "c"}


def test_gpus_of_one_node_are_not_those_of_the_other(bench: Bench) -> None:
    jobs = [bench.job(f"sleep-0.3-{number}", devices=2, options=GPU) for number in range(4)]
    with engine(bench, Machine(bench, "a", gpus=2, cores=8), Machine(bench, "b", gpus=2, cores=8)) as running:
        running.run(jobs)
    assert peak(bench.notes(), lambda note: 1) == 2
    assert {(note["node"], note["gpus"]) for note in bench.notes()} == {("a", "0,1"), ("b", "0,1")}


def test_an_environment_that_one_node_lacks_is_used_on_the_other(bench: Bench) -> None:
    without = Machine(bench, "a", provisioned={"fake": Provisioned(environment=FAKE, reason="no network")})
    with engine(bench, without, Machine(bench, "b")) as running:
        outcomes = running.run([bench.job(f"fine-{number}") for number in range(3)])
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    assert {note["node"] for note in bench.notes()} == {"b"}


def test_an_environment_that_no_node_has_is_told_with_the_reason_of_each(bench: Bench) -> None:
    ready = Provisioned(environment=FAKE)
    reasons = {"a": "no network", "b": "disk full"}
    nodes = [Machine(bench, name, provisioned={"fake": replace(ready, reason=why)}) for name, why in reasons.items()]
    with engine(bench, *nodes) as running:
        outcome = running.run([bench.job("fine")])["prepare/fine"]
    assert (outcome.status, outcome.reason) == (Status.NO_ENVIRONMENT, "on node a: no network; on node b: disk full")


def test_the_jobs_of_a_node_that_dies_run_on_another(bench: Bench) -> None:
    dying, staying = Machine(bench, "dying"), Machine(bench, "staying", cores=1)

    def die(event: Event) -> None:
        if event.kind == "started" and len(event.running) == 3 and not dying.lost:
            dying.die()

    bench.react = die
    with engine(bench, dying, staying) as running:
        outcomes = running.run([bench.job(f"sleep-1.5-{number}") for number in range(4)])
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    assert said(bench) == ["node dying is lost (no answer for 30 s): 2 jobs start again elsewhere"]
    assert [note["node"] for note in bench.notes()] == ["staying"] * 4


def test_a_node_that_comes_back_is_used_again(bench: Bench) -> None:
    only = Machine(bench, "only", comes_back=1)

    def die(event: Event) -> None:
        if event.kind == "started" and not only.lost:
            only.die("its actor died")

    bench.react = die
    with engine(bench, only) as running:
        assert running.run([bench.job("sleep-0.3")])["prepare/sleep-0.3"].status is Status.COMPLETE
    assert said(bench) == ["node only is lost (its actor died): 1 job starts again, there or elsewhere"]


def test_where_no_node_is_left_every_job_says_so(bench: Bench) -> None:
    only = Machine(bench, "only")

    def die(event: Event) -> None:
        if event.kind == "started" and not only.lost:
            only.die()

    bench.react = die
    with engine(bench, only) as running:
        outcomes = running.run([bench.job("hang"), bench.job("fine"), bench.job("fine-1", needs=("prepare/fine",))])
    assert {outcome.status for outcome in outcomes.values()} == {Status.FAILED}
    assert outcomes["prepare/fine"].reason == "no node is left: node only is lost (no answer for 30 s)"


def killed_by(bench: Bench, *nodes: Machine) -> None:
    """Each node on which the job `hang` begins its work dies."""

    def die(event: Event) -> None:
        if event.kind == "started" and event.job and event.job.scenario == "hang":
            until(lambda: bool(at_work()))
            at_work()[0].die()

    def at_work() -> list[Machine]:
        hosts = {pids[0] for pids in bench.pids()}
        return [one for one in there(nodes) if any(host._process.pid in hosts for host in one.hosts)]

    def there(machines: Sequence[Machine]) -> list[Machine]:
        return [one for machine in machines for one in ([machine] if not machine.lost else there(machine.heirs))]

    bench.react = die


def test_a_job_that_kills_node_after_node_is_stopped_before_it_kills_them_all(bench: Bench) -> None:
    nodes = [Machine(bench, name) for name in "abcd"]
    killed_by(bench, *nodes)
    with engine(bench, *nodes) as running:
        outcomes = running.run([bench.job("hang"), bench.job("sleep-2-last")])
    assert outcomes["prepare/hang"].reason.startswith("on node ")
    assert f"lost its node {dispatch.LOST_NODES} times" in outcomes["prepare/hang"].reason
    assert outcomes["prepare/sleep-2-last"].status is Status.COMPLETE


def test_a_job_beside_one_that_kills_nodes_is_not_charged_with_it(bench: Bench) -> None:
    only = Machine(bench, "only", comes_back=3)
    killed_by(bench, only)
    with engine(bench, only) as running:
        outcomes = running.run([bench.job("hang"), bench.job("sleep-2-beside"), bench.job("sleep-2-too")])
    assert outcomes["prepare/hang"].status is Status.FAILED
    assert {outcomes[f"prepare/sleep-2-{name}"].status for name in ("beside", "too")} == {Status.COMPLETE}


def test_a_failure_names_its_node(bench: Bench) -> None:
    with engine(bench, Machine(bench, "a")) as running:
        outcome = running.run([bench.job("raise")])["prepare/raise"]
    assert outcome.reason.startswith("on node a: ValueError: the first line")
