"""What a command will take, in seconds and bytes: from what it took in the same run folder before, or from first steps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from suite.artifacts import dropping as artifacts
from suite.artifacts import names, reading
from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.engine.estimate import Estimate
from suite.engine.progress import rounded
from suite.records import ORACLE, DamagedArtifact, Job, Outcome, Plan, Status
from suite.records.formatting import size
from suite.records.measured import SAMPLED, Measured, Sample, Timed, Work, work_of
from suite.results import dropping
from suite.results.study import Study

UNSAMPLED = Sample(device="", steps=0, model=0, data=0)
FURTHER = 0.25  # of what a process takes for its first run, a further one in the same process takes so much
MEASURE = "--measure trains the first steps to find out"


@dataclass(frozen=True, kw_only=True)
class Duration:
    """`seconds`: of the jobs of which something is known, as they overlap. `further`: of those that decided what was open
    the last time. `timed`: whether some were timed as a whole. `sampled`: scenarios of which only the first steps were;
    `unknown`: those of which nothing was. `other_length`: whether only training of a different number of steps was timed.
    """

    seconds: float
    further: float
    timed: bool
    sampled: tuple[str, ...]
    unknown: tuple[str, ...]
    other_length: bool


def read(store: Store) -> Measured:
    """What running took there; nothing where nothing ran, or where it cannot be read."""
    try:
        return reading.record(store.folder / names.MEASURED, Measured)
    except DamagedArtifact:
        return Measured()


def learn(store: Store, jobs: Sequence[Job], ended: Mapping[str, Outcome], *, further: bool) -> None:
    """Keeps what these jobs took, as far as they completed at the first attempt."""
    timed = {
        job.id: Timed(work=replace(work_of(job), further=further), seconds=outcome.seconds)
        for job in jobs
        if (outcome := ended.get(job.id)) and outcome.status is Status.COMPLETE and not outcome.died
    }
    if timed:
        known = read(store)
        _write(store, replace(known, jobs={**known.jobs, **timed}))


def keep(store: Store, samples: Mapping[str, Sample]) -> None:
    """Keeps what the first steps took."""
    known = read(store)
    _write(store, replace(known, samples={**known.samples, **samples}))


def weigh(study: Study) -> None:
    """Keeps how many bytes the runs of every scenario have that was judged by them."""
    folder = study.folder
    held = {
        scenario: sum(sum(artifacts.sizes(artifact).values()) for _, artifact in folder.artifacts(scenario))
        for scenario in folder.scenarios()
    }
    known = read(folder.store)
    if any(known.bytes.get(scenario) != count for scenario, count in held.items()):
        _write(folder.store, replace(known, bytes={**known.bytes, **held}))


def _write(store: Store, measured: Measured) -> None:
    """Where it cannot be written, the next plan knows less, and nothing else is lost."""
    with contextlib.suppress(OSError):
        write_record(store.folder / names.MEASURED, measured)


def duration(measured: Measured, waiting: Sequence[Job], processes: int) -> Duration:
    """How long these jobs will take, so many at once."""
    estimate, steps, device = Estimate(), {job.options.steps for job in waiting}, {job.options.device for job in waiting}
    every = [one for one in measured.jobs.values() if one.work.device in device]
    there = [one for one in every if not one.work.further]
    exact = {one.work.scenario for one in there if one.work.runs and one.work.steps in steps}
    for one in there:
        if one.work.steps in steps or one.work.scenario not in exact:
            estimate.take(one)
    known = [job for job in waiting if estimate.knows(job)]
    others = [job for job in waiting if not estimate.knows(job) and job.scenario]
    first = {job: of_sample(work_of(job), measured.samples.get(job.scenario, UNSAMPLED)) for job in others}
    sampled = {job: seconds for job, seconds in first.items() if seconds is not None}
    each = [*(estimate.seconds([job]) for job in known), *sampled.values()]
    scenarios = {job.scenario for job in known if job.runs}
    further = sum(one.seconds for one in every if one.work.further and one.work.scenario in scenarios)
    return Duration(
        seconds=max([sum(each) / processes, *each], default=0.0),
        further=further / processes,
        timed=bool(known),
        sampled=tuple(dict.fromkeys(job.scenario for job in sampled)),
        unknown=tuple(dict.fromkeys(job.scenario for job, seconds in first.items() if seconds is None)),
        other_length=not scenarios <= exact,
    )


def of_sample(work: Work, sample: Sample) -> float | None:
    """How long a job takes, from the first steps in its environment; None if these did not run there, or not on its kind of
    device. Starting, building and compiling for the first run takes most of it: each further run takes a quarter of that,
    whatever the job does, and devices take turns (benchmarks/plan_estimate.py measures by how much this is wrong)."""
    if work.device != sample.device or work.environment not in sample.process:
        return None
    start = sample.process[work.environment] * (1 - FURTHER) * work.devices
    return start + work.runs * of_run(sample, work.environment, work.devices, work.steps, trains=work.kind == "train")


def of_run(sample: Sample, environment: str, devices: int, steps: int, *, trains: bool) -> float:
    """How long a run takes in a process that has started. `steps`: 0 for the scenario's own."""
    more = max(0, (steps or sample.steps) - SAMPLED) * sample.step[environment]
    return sample.process[environment] * FURTHER * devices + (more if trains else 0.0)


# ---------------------------------------------------------------- in words


def sentences(store: Store, plan: Plan, waiting: Sequence[Job], *, processes: int, keep: str) -> Iterator[str]:
    """How long a plan takes, and how much disk; or that this is not known."""
    measured = read(store)
    yield _time(duration(measured, waiting, processes), processes, store) if waiting else "time: nothing is left to run"
    yield from _disk(store, plan, measured, keep)


def _time(found: Duration, processes: int, store: Store) -> str:
    unknown = f"not known for {', '.join(found.unknown)}, of which nothing was timed in {store.folder} yet; {MEASURE}"
    if not found.seconds:
        return f"time: {unknown if found.unknown else f'not known, nothing was timed in {store.folder} yet; {MEASURE}'}"
    sources = []
    if found.timed:
        sources.append(f"as timed in {store.folder}{' with a different number of steps' if found.other_length else ''}")
    if found.sampled:
        sources.append(f"from {SAMPLED} training steps of {', '.join(found.sampled)} in each environment")
    about = f"time: about {rounded(found.seconds)}, {processes} processes at once, {' and '.join(sources)}"
    about += f"; {rounded(found.further)} more if the same stays open as the last time" if found.further else ""
    about += "; runs that are asked for where something is open come on top" if found.sampled else ""
    return about + (f"; {unknown}" if found.unknown else "")


def _disk(store: Store, plan: Plan, measured: Measured, keep: str) -> Iterator[str]:
    """Before it is judged, and then."""
    refused = {run for run, _, _ in plan.refused}
    planned = dict.fromkeys(run.configuration for run in plan.runs if run not in refused and run.variation != ORACLE)
    scenarios: dict[str, int] = {}
    for configuration in planned:
        scenarios[configuration.scenario] = scenarios.get(configuration.scenario, 0) + 1
    sizes = {name: dropping.inputs(store, name) or _sampled_sizes(measured, name) for name in scenarios}
    unknown = [name for name, found in sizes.items() if found is None]
    if known := [dropping.allowance(*found, scenarios[name]) for name, found in sizes.items() if found]:
        held = [measured.bytes[name] for name in scenarios if name in measured.bytes]
        before = f"; {size(sum(held))} before, as measured in {store.folder}" if held else ""
        if keep == "all":
            yield f"disk: everything is kept{before.replace('; ', ', ').replace(' before,', '')}"
        else:
            yield f"disk: at most {size(sum(known))} once it is judged, data included{before}"
    if unknown:
        yield (
            f"disk: not known for {', '.join(unknown)}: how large the model is shows in its first run; once it is judged, "
            f"it holds at most {dropping.MODELS} times the model for each of its configurations, and the data"
        )


def _sampled_sizes(measured: Measured, scenario: str) -> tuple[int, int] | None:
    found = measured.samples.get(scenario)
    return (found.model, found.data) if found else None
