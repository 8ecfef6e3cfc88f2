"""Which of the jobs that may start starts first."""

from __future__ import annotations

from suite.engine.schedule import Schedule
from suite.records import Environment, Job, Options, Outcome, Status


def job(kind: str, scenario: str, environment: str = "one", needs: tuple[str, ...] = ()) -> Job:
    where = Environment(name=environment, backend="numpy")
    return Job(kind=kind, run_folder="/nowhere", environment=where, options=Options(), scenario=scenario, needs=needs)


def after_preparing(seconds: dict[str, float]) -> Schedule:
    """Of scenarios that took so long to prepare, in this order, one job each that needs that."""
    prepared = {name: job("prepare", name) for name in seconds}
    waiting = [job("reload", name, needs=(prepared[name].id,)) for name in seconds]
    outcomes = [Outcome(job=prepared[name].id, status=Status.COMPLETE, seconds=seconds) for name, seconds in seconds.items()]
    return Schedule(waiting, {outcome.job: outcome for outcome in outcomes})


def scenarios(schedule: Schedule) -> list[str]:
    return [one.scenario for one in schedule.ready()]


def test_what_took_longest_to_prepare_starts_first() -> None:
    assert scenarios(after_preparing({"small": 1.0, "large": 9.0, "medium": 3.0})) == ["large", "medium", "small"]


def test_parts_of_a_second_do_not_change_the_order() -> None:
    assert scenarios(after_preparing({"first": 0.6, "second": 1.4})) == ["first", "second"]


def test_what_other_jobs_wait_for_starts_before_what_takes_longer() -> None:
    prepared = job("prepare", "large")
    awaited = job("prepare", "small")
    jobs = [job("reload", "large", needs=(prepared.id,)), awaited, job("reload", "small", needs=(awaited.id,))]
    outcome = Outcome(job=prepared.id, status=Status.COMPLETE, seconds=60.0)
    assert scenarios(Schedule(jobs, {prepared.id: outcome})) == ["small", "large"]


def test_a_job_that_starts_again_starts_next() -> None:
    schedule = after_preparing({"small": 1.0, "large": 9.0})
    small = next(one for one in schedule.ready() if one.scenario == "small")
    schedule.start(small)
    schedule.again(small)
    assert scenarios(schedule) == ["small", "large"]
