"""The ranks of a job: what they give their leader, and the reason that one leaves. A refusal is no failure."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.records import Environment, Job, Options, Status
from suite.runner import devices, ranks, training
from suite.runner.outcome import NoDevices, Unsupported
from suite.runner.strategies import torch_ddp, torch_ddp_hosts
from tests.runner.frameworks import Machine, install

JOB = Job(
    kind="train", run_folder="/nowhere", environment=Environment(name="torch", backend="torch"), options=Options(), devices=2
)


def said(monkeypatch: pytest.MonkeyPatch, meeting: Path, error: BaseException) -> list[tuple[Status, str]]:
    """Status and reason that the leader ends with when rank 1 raises this."""
    found: list[tuple[Status, str]] = []

    def ended(error: Any) -> None:
        found.append((error.status, str(error)))

    def failed(reason: str, exitcode: int = 1) -> None:
        found.append((Status.FAILED, reason))

    def raising(*_: Any) -> None:
        raise error

    monkeypatch.setattr(ranks, "end_with", ended)
    monkeypatch.setattr(ranks, "fail", failed)
    with pytest.raises(type(error)):
        ranks._follow(JOB, raising, ranks.Meeting(meeting, 1, 2))
    process = SimpleNamespace(join=lambda: None, exitcode=1)
    for watcher in ranks._end_if_one_fails([process], meeting, "torch DDP"):
        watcher.join()
    return found


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (Unsupported("no float64 run"), (Status.UNSUPPORTED, "no float64 run")),
        (NoDevices("one GPU"), (Status.NO_DEVICES, "one GPU")),
        (ValueError("broken"), (Status.FAILED, "rank 1 of torch DDP failed: ValueError: broken")),
    ],
)
def test_the_leader_says_why_a_rank_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, first: tuple[Status, str]
) -> None:
    assert said(monkeypatch, tmp_path, error)[0] == first


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("", ("rank 1 of torch DDP was killed by signal 6 (SIGABRT)", -6)),
        ("ValueError: broken", ("rank 1 of torch DDP failed: ValueError: broken", 1)),
    ],
)
def test_a_rank_that_crashed_differs_from_one_that_aborts_after_an_exception(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raised: str, told: tuple[str, int]
) -> None:
    found: list[tuple[str, int]] = []
    monkeypatch.setattr(ranks, "fail", lambda reason, exitcode=1: found.append((reason, exitcode)))
    if raised:
        (tmp_path / "rank-1.failed").write_text(raised)
    ended = SimpleNamespace(join=lambda: None, exitcode=-6)
    for watcher in ranks._end_if_one_fails([ended], tmp_path, "torch DDP"):
        watcher.join()
    assert found == [told]


@pytest.mark.parametrize(
    ("device", "gpus", "backend", "current"),
    [
        ("cpu", 0, "gloo", []),
        ("gpu", 2, "nccl", [1]),
        ("gpu", 1, "gloo", [0]),  # NCCL refuses two ranks on one GPU
    ],
)
def test_ranks_meet_over_nccl_where_each_has_a_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, gpus: int, backend: str, current: list[int]
) -> None:
    machine = Machine(gpus=gpus)
    install(monkeypatch, machine)
    monkeypatch.setattr(devices, "claim", lambda job: None)
    monkeypatch.setattr(training, "train", lambda job, drive: None)
    torch_ddp._rank(replace(JOB, options=Options(device=device), gpus=gpus), ranks.Meeting(tmp_path, 1, 2))
    (group,) = machine.groups
    assert (group["backend"], group["rank"], group["world_size"], machine.current) == (backend, 1, 2, current)


def test_the_leader_gets_what_each_rank_gives_in_their_order_each_time(tmp_path: Path) -> None:
    meetings = [ranks.Meeting(tmp_path, rank, 3) for rank in range(3)]

    def given(rank: int) -> dict[str, np.ndarray]:
        return {"value": np.array([10 * rank, 1.5])}

    for _ in range(2):  # the same name again: nothing of the first time is taken
        for rank in (2, 1):  # they come in any order
            assert meetings[rank].gather("values", given(rank)) == []
        gathered = meetings[0].gather("values", given(0))
        assert [list(part["value"]) for part in gathered] == [[0.0, 1.5], [10.0, 1.5], [20.0, 1.5]]
    assert list(tmp_path.iterdir()) == []


def test_the_leader_waits_for_a_rank_that_comes_late(tmp_path: Path) -> None:
    late = threading.Timer(0.2, lambda: ranks.Meeting(tmp_path, 1, 2).gather("it", {"x": np.ones(1)}))
    late.start()
    first, second = ranks.Meeting(tmp_path, 0, 2).gather("it", {"x": np.zeros(1)})
    assert [first["x"].item(), second["x"].item()] == [0.0, 1.0]


def test_every_host_sees_its_own_gpu_of_those_that_the_job_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    seen = ranks.alone(replace(JOB, options=Options(device="gpu"), gpus=2), 1)
    assert (seen.devices, seen.gpus, os.environ["CUDA_VISIBLE_DEVICES"]) == (1, 1, "5")


def test_a_host_on_the_cpu_leaves_what_is_visible_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    seen = ranks.alone(JOB, 1)
    assert (seen.devices, seen.gpus, os.environ["CUDA_VISIBLE_DEVICES"]) == (1, 0, "")


def test_addresses_are_different_and_free() -> None:
    found = [address.partition(":") for address in ranks.addresses(3)]
    assert len({port for _, _, port in found}) == 3
    for host, _, port in found:
        socket.create_server((host, int(port))).close()


def test_ranks_over_hosts_find_each_other_as_torchrun_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine = Machine(gpus=0)
    install(monkeypatch, machine)
    monkeypatch.setattr(devices, "claim", lambda job: None)
    monkeypatch.setattr(training, "train", lambda job, drive: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    torch_ddp_hosts._rank(JOB, ranks.Meeting(tmp_path, 1, 2), "127.0.0.1:29500")
    (group,) = machine.groups
    told = {name: os.environ[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")}
    assert group["init_method"] == "env://"
    assert list(told.values()) == ["1", "2", "0", "127.0.0.1", "29500"]
