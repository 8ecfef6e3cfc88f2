"""PyTorch DistributedDataParallel over hosts, as torchrun starts it: the ranks find each other at a network address that is
in their environment variables. Here every host is a process of one machine, with one device."""

from __future__ import annotations

import os

from suite.records import Job
from suite.runner import ranks
from suite.runner.strategies import torch_ddp


def work(job: Job) -> None:
    """Executes the job's runs in as many processes as it has devices."""
    [address] = ranks.addresses(1)
    ranks.work(job, lambda job, meeting: _rank(job, meeting, address), "torch DDP over hosts")


def _rank(job: Job, meeting: ranks.Meeting, address: str) -> None:
    host, _, port = address.partition(":")
    of_hosts = {"RANK": meeting.rank, "GROUP_RANK": meeting.rank, "WORLD_SIZE": job.devices, "GROUP_WORLD_SIZE": job.devices}
    of_this_host = {"LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}
    os.environ |= {name: str(value) for name, value in {**of_hosts, **of_this_host}.items()}
    os.environ |= {"MASTER_ADDR": host, "MASTER_PORT": port}
    torch_ddp.train(job, meeting, "env://")
