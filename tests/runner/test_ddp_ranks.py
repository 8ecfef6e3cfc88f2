"""The reason that a rank of torch DDP leaves for its leader: a refusal is no failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite.records import Environment, Job, Options, Status
from suite.runner import devices, training
from suite.runner.outcome import NoDevices, Unsupported
from suite.runner.strategies import torch_ddp
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

    monkeypatch.setattr(torch_ddp, "end_with", ended)
    monkeypatch.setattr(torch_ddp, "fail", failed)
    monkeypatch.setattr(torch_ddp, "_rank", raising)
    with pytest.raises(type(error)):
        torch_ddp._follow(JOB, 1, str(meeting))
    process = SimpleNamespace(join=lambda: None, exitcode=1)
    for watcher in torch_ddp._end_if_one_fails([process], str(meeting)):
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
    monkeypatch.setattr(torch_ddp, "fail", lambda reason, exitcode=1: found.append((reason, exitcode)))
    if raised:
        (tmp_path / "rank-1.failed").write_text(raised)
    for watcher in torch_ddp._end_if_one_fails([SimpleNamespace(join=lambda: None, exitcode=-6)], str(tmp_path)):
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
    torch_ddp._rank(replace(JOB, options=Options(device=device), gpus=gpus), 1, str(tmp_path))
    (group,) = machine.groups
    assert (group["backend"], group["rank"], group["world_size"], machine.current) == (backend, 1, 2, current)
