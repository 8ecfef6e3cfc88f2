"""Two processes with DistributedDataParallel and the loop that Keras's guide shows: train and save."""

import os
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing


def train(rank: int, path: str) -> None:
    from _model import BATCH, STEPS, data, model

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29517")
    dist.init_process_group("gloo", rank=rank, world_size=2)
    x, y = data()
    trained = model()
    parallel = torch.nn.parallel.DistributedDataParallel(trained)
    optimizer = torch.optim.Adam([p for p in trained.parameters() if p.requires_grad], lr=1e-3, eps=1e-7)
    half = BATCH // 2
    for step in range(STEPS):
        rows = slice(step * BATCH + rank * half, step * BATCH + (rank + 1) * half)
        loss = torch.nn.functional.nll_loss(parallel(torch.from_numpy(x[rows])).log(), torch.from_numpy(y[rows]).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if rank == 0:
        trained.save(path)
    dist.destroy_process_group()


if __name__ == "__main__":
    multiprocessing.spawn(train, (sys.argv[1],), nprocs=2)
