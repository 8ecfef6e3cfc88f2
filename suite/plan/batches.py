"""Which rows a run trains on, batch after batch, and after which steps something is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from suite.records import JUDGED_STEP, Run, Scenario, shares

SHUFFLED = 20_150_301  # begins the seed of an epoch's order: the same on every backend


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a whole run trains on. `batches`: the row indices (rows of the batch,) of each step. `epochs`: the steps after
    which an epoch ends, the last one cut where the run is; empty where a scenario counts steps. `whole`: how many of these
    epochs are not cut. `batch`, `rows`: the rows of a full batch, and all that there are. `together`: how many steps Keras
    takes at once. `phases`: the steps after which a phase of the training ends; empty where it has none."""

    batches: tuple[np.ndarray, ...]
    batch: int
    rows: int
    epochs: tuple[int, ...] = ()
    whole: int = 0
    together: int = 1
    phases: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        return len(self.batches)

    @property
    def uneven(self) -> int | None:
        """The step after which the first batch comes that is not full; None if every batch is."""
        return next((step for step, rows in enumerate(self.batches) if len(rows) < self.batch), None)

    def checkpoints(self, steps: int) -> tuple[int, ...]:
        """1, 2, 5, 10, 20, 50, ... up to the last of so many steps, and the last; what Keras does together is one."""
        series = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
        seen = {-(-step // self.together) * self.together for step in series}
        # What a phase does differently begins with its first step.
        seen |= {step for end in self.phases for step in (end, end + 1)}
        return (*sorted(step for step in seen if step < steps), steps)

    def segments(self, steps: int) -> tuple[int, ...]:
        """The steps after which predictions are made: the judged one, or the end of the last epoch before it, those that end
        a phase, and the last."""
        judged = min(JUDGED_STEP, steps)
        early = [judged] if not self.epochs else [end for end in self.epochs if end <= judged][-1:]
        return tuple(sorted({*early, *(end for end in self.phases if end < steps), steps}))

    def fits(self, steps: int) -> tuple[int, ...]:
        """The steps after which a call of `fit` ends, of a run of so many: where epochs end, or where it predicts."""
        return (*(end for end in self.epochs if end < steps), steps) if self.epochs else self.segments(steps)

    def phase_end(self, step: int) -> int:
        """The step after which the phase of this step ends."""
        return next((end for end in self.phases if end >= step), self.steps)

    def stopped(self, step: int) -> Schedule:
        """The same where a callback ends the phase with this step: what was left of it is not trained."""
        end = self.phase_end(step)
        left = end - step

        def moved(ends: Sequence[int]) -> tuple[int, ...]:
            return tuple(dict.fromkeys(one if one <= step else max(step, one - left) for one in ends))

        whole = sum(one <= step or one > end for one in self.epochs[: self.whole])
        batches = (*self.batches[:step], *self.batches[end:])
        return replace(self, batches=batches, epochs=moved(self.epochs), whole=whole, phases=moved(self.phases))

    def after(self, step: int) -> np.ndarray:
        """The row indices (rows of the batch,) of the batch that follows a step, also beyond the last one."""
        if step < self.steps:
            return self.batches[step]
        return (step * self.batch + np.arange(self.batch)) % self.rows

    def counted(self, steps: int, devices: int) -> np.ndarray:
        """How many rows of the epoch each of so many devices has seen after each of so many steps, (devices, steps)."""
        sizes = np.array([shares(len(rows), devices) for rows in self.batches[:steps]], np.float64)
        ends = [end for end in self.epochs if end < steps]
        return np.concatenate([np.cumsum(part, axis=0) for part in np.split(sizes, ends)]).T

    def reported(self, losses: Sequence[float]) -> np.ndarray:
        """The losses (steps,) that `fit` shows, from those of single steps: the mean over the steps that Keras takes
        together; in epochs the mean since the epoch's begin. Rows count alike."""
        sizes = np.array([len(rows) for rows in self.batches[: len(losses)]], np.float64)
        values = np.asarray(losses, np.float64)
        starts = self.epochs if self.epochs else range(self.together, len(values) + 1, self.together)
        bounds = [0, *(end for end in starts if end < len(values)), len(values)]
        found = np.empty(len(values))
        for begin, end in pairwise(bounds):
            part = slice(begin, end)
            means = np.cumsum(values[part] * sizes[part]) / np.cumsum(sizes[part])
            found[part] = means if self.epochs else means[-1:]
        return found if self.epochs or self.together > 1 else values


def schedule(scenario: Scenario, rows: int, asked: int = 0) -> Schedule:
    """What a run of a scenario with so many rows to train on trains on. `asked`: of so many steps; 0 for the scenario's."""
    if scenario.epochs:
        return _in_epochs(scenario, rows, asked)
    steps = asked or scenario.steps
    sizes = [*[scenario.batch] * (steps - 1), scenario.last_batch or scenario.batch]
    batches = np.split(np.arange(sum(sizes)) % rows, np.cumsum(sizes)[:-1])
    return Schedule(
        batches=tuple(batches),
        batch=scenario.batch,
        rows=rows,
        together=scenario.steps_per_execution,
        phases=_phases(scenario, range(1, steps + 1), steps),
    )


def _in_epochs(scenario: Scenario, rows: int, asked: int) -> Schedule:
    batches: list[np.ndarray] = []
    ends: list[int] = []
    for epoch in range(scenario.epochs):
        random = np.random.default_rng([SHUFFLED, epoch])
        order = random.permutation(rows) if scenario.shuffle else np.arange(rows)
        batches += np.split(order, range(scenario.batch, rows, scenario.batch))
        ends.append(len(batches))
    steps = min(asked or len(batches), len(batches))
    return Schedule(
        batches=tuple(batches[:steps]),
        batch=scenario.batch,
        rows=rows,
        epochs=(*(end for end in ends if end < steps), steps),
        whole=sum(end <= steps for end in ends),
        phases=_phases(scenario, ends, steps),
    )


def _phases(scenario: Scenario, ends: Sequence[int], steps: int) -> tuple[int, ...]:
    """The steps after which a phase ends, of a run of so many. `ends`: those after which each step or epoch ends."""
    totals = np.cumsum([phase.epochs or phase.steps for phase in scenario.phases[:-1]])
    found = [ends[total - 1] for total in totals.tolist() if total <= len(ends)]
    return (*(end for end in found if end < steps), steps) if scenario.phases else ()


def permuted(run: Run, batches: Sequence[np.ndarray], devices: int, seed: int) -> list[np.ndarray]:
    """The batches of a run, row indices (rows of the batch,) each. Permuted runs shuffle them within each device's
    contiguous shard of each batch, which re-rounds every reduction and changes nothing else."""
    if run.variation != "permuted":
        return list(batches)
    random = np.random.default_rng([seed, run.index])
    found = []
    for rows in batches:
        shards = np.split(rows, np.cumsum(shares(len(rows), devices))[:-1])
        found.append(np.concatenate([random.permutation(part) for part in shards]))
    return found


def shard(rows: np.ndarray, batch: int, processes: int, rank: int) -> np.ndarray:
    """The part of the row indices `rows` (all batches,) that one of several processes trains on, batch after batch; the
    last batch may be short."""
    cut = len(rows) - len(rows) % batch
    whole = rows[:cut].reshape(-1, processes, batch // processes)[:, rank].ravel()
    ends = np.cumsum((0, *shares(len(rows) - cut, processes)))
    return np.concatenate([whole, rows[cut:][ends[rank] : ends[rank + 1]]])
