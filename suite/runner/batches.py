"""Which rows a run trains on, batch after batch, and after which steps something is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suite.records import JUDGED_STEP, Run, Scenario, shares


def checkpoints(steps: int) -> tuple[int, ...]:
    """1, 2, 5, 10, 20, 50, ... up to the last step, and the last step."""
    series = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
    return (*(step for step in series if step < steps), steps)


def segments(steps: int) -> tuple[int, ...]:
    """The steps after which predictions are made: the judged one, and the last."""
    return tuple(sorted({min(JUDGED_STEP, steps), steps}))


def batch_sizes(scenario: Scenario, steps: int, whole: int) -> list[int]:
    """The rows of each of the first `steps` batches of a run of `whole` steps, whose last one may be short."""
    last = scenario.last_batch or scenario.batch
    return [last if step == whole else scenario.batch for step in range(1, steps + 1)]


def row_order(run: Run, rows: int, sizes: Sequence[int], devices: int, seed: int) -> np.ndarray:
    """Row indices (sum of sizes,) for batches of these sizes, one after another: 0, 1, ... and again from 0 at the end.
    Permuted runs shuffle them within each device's contiguous shard of each batch, which re-rounds every reduction and
    changes nothing else."""
    order = np.arange(sum(sizes)) % rows
    if run.variation != "permuted":
        return order
    random, start = np.random.default_rng([seed, run.index]), 0
    for shard in (share for size in sizes for share in shares(size, devices)):
        order[start : start + shard] = random.permutation(order[start : start + shard])
        start += shard
    return order


def batches(scenario: Scenario, rows: int, steps: int) -> list[np.ndarray]:
    """The row indices (rows of the batch,) of each batch of a whole run, in the order in which every strategy takes them."""
    sizes = batch_sizes(scenario, steps, steps)
    return np.split(np.arange(sum(sizes)) % rows, np.cumsum(sizes)[:-1])


def shard(rows: np.ndarray, batch: int, processes: int, rank: int) -> np.ndarray:
    """The part of the row indices `rows` (all batches,) that one of several processes trains on, batch after batch; the
    last batch may be short."""
    cut = len(rows) - len(rows) % batch
    whole = rows[:cut].reshape(-1, processes, batch // processes)[:, rank].ravel()
    ends = np.cumsum((0, *shares(len(rows) - cut, processes)))
    return np.concatenate([whole, rows[cut:][ends[rank] : ends[rank + 1]]])
