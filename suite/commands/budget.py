"""Leaves out variations, so that a command takes no longer than it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from suite.artifacts.store import Store
from suite.commands import costs
from suite.commands.choosing import Chosen
from suite.commands.execution import jobs_of, kept_of
from suite.commands.options import RunOptions, seconds_of
from suite.engine.progress import rounded
from suite.records import Options, Plan, Run, Status
from suite.records.measured import Measured


def within(
    plan: Plan, store: Store, chosen: Chosen, options: RunOptions, budget: str | None, tell: Callable[[str], None]
) -> Plan:
    """The plan without as many variations as have to go. What is left out is refused, with the reason; so what needs it is
    undecided. Nothing goes where nobody knows how long it takes."""
    if not budget:
        return plan
    jobs = jobs_of(store, plan, chosen, options)
    jobs.settled = {} if options.rerun == "all" else kept_of(store, plan, chosen, jobs)
    waiting = jobs.first()
    processes = max(1, min(options.processes, len(waiting)))
    measured = costs.read(store)
    expected = costs.duration(measured, waiting, processes)
    left, allowed = expected.seconds + expected.further, seconds_of(budget)
    if expected.unknown:
        tell(f"--budget {budget}: not known how long {', '.join(expected.unknown)} takes; of that, nothing can be left out")
    dropped: list[Run] = []
    for group in _groups([run for job in waiting if job.kind == "train" for run in job.runs]):
        if left <= allowed:
            break
        saved = sum(_seconds(store, measured, run, plan.options) for run in group)
        if saved:
            dropped += group
            left -= saved / processes
    if left > allowed:
        tell(f"--budget {budget}: what no verdict can do without takes about {rounded(left)}")
    if dropped:
        tell(f"left out by --budget {budget}: {_counted(dropped)}")
    refused = ((run, Status.LEFT_OUT, f"left out by --budget {budget}") for run in dropped)
    return replace(plan, refused=(*plan.refused, *refused))


def _groups(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """What goes together, in the order in which it goes: of other initial states the last first, for no verdict of a pair
    rests on them; then the permuted reruns of one configuration after another, the last of the plan first."""
    for index in sorted({run.index for run in runs if run.variation == "seed"}, reverse=True):
        yield [run for run in runs if run.variation == "seed" and run.index == index]
    permuted = [run for run in runs if run.kind == "permuted"]
    for configuration in reversed(list(dict.fromkeys(run.configuration for run in permuted))):
        yield [run for run in permuted if run.configuration == configuration]


def _seconds(store: Store, measured: Measured, run: Run, options: Options) -> float:
    """What the run took before, in this folder, or would by its scenario's first steps; 0 where nothing is known."""
    manifest = store.run(run).manifest()
    if manifest is not None and manifest.status is Status.COMPLETE:
        return manifest.seconds
    where = run.configuration
    sample = measured.samples.get(where.scenario)
    if sample is None or sample.device != options.device or where.environment not in sample.process:
        return 0.0
    return costs.of_run(sample, where.environment, where.devices, options.steps, trains=True)


def _counted(runs: Sequence[Run]) -> str:
    """How many of which kind, and of what."""
    kinds = dict.fromkeys(run.variation for run in runs)
    return "; ".join(
        f"{len(own)} {kind} runs of {', '.join(dict.fromkeys(run.configuration.id for run in own))}"
        for kind in kinds
        if (own := [run for run in runs if run.variation == kind])
    )
