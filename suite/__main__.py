"""The command line; the only caller of the engine."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite import discover, new_scenario, report
from suite import plan as planning
from suite import results as judging
from suite.engine import devices, provision
from suite.engine.local import Local
from suite.engine.progress import Progress
from suite.explain import needs
from suite.records import (
    Broken,
    FoundScenario,
    Job,
    Options,
    Outcome,
    Pair,
    Plan,
    Provisioned,
    Results,
    Run,
    ScenarioRow,
    Session,
    Status,
    Strategy,
    Verdict,
)
from suite.store import Damaged, Store

ROOT = Path(__file__).resolve().parent.parent
USAGE = 4
GATES = tuple(verdict.value for verdict in Verdict if verdict.rank > 0 and verdict is not Verdict.NOT_RUN)


class Wrong(Exception):
    """The command line asks for something that is not there; the message says what, and what there is."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the arguments select."""

    scenarios: tuple[FoundScenario, ...]
    broken: tuple[Broken, ...]
    strategies: Mapping[str, Strategy]
    environments: Mapping[str, Provisioned]
    options: Options
    gpus: int


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return USAGE if error.code else 0
    command: Callable[[argparse.Namespace], int] = given.command
    try:
        return command(given)
    except (Wrong, discover.BadConfiguration, devices.NoGpu, Damaged, BlockingIOError, ValueError) as error:
        print(f"parity: {error}", file=sys.stderr)
        return 3 if isinstance(error, discover.BadConfiguration) else USAGE
    except KeyboardInterrupt:
        print("\ninterrupted: finished runs are kept, the same command goes on from there", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parity", description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, words in (
        ("compare", compare, "run what has not run yet, judge everything, write the report"),
        ("plan", show_plan, "show what compare would run, and run nothing"),
    ):
        one = commands.add_parser(name, help=words, description=words)
        _add_selection(one)
        if command is compare:
            _add_page(one)
        one.set_defaults(command=command)
    one = commands.add_parser("report", help="judge and render again what is on disk")
    one.add_argument("--out", type=Path, default=ROOT / "reports" / "latest", metavar="FOLDER", help="the run folder")
    one.add_argument("--fail-on", choices=GATES, help="the best verdict that fails the gate (default: as planned)")
    _add_page(one)
    one.set_defaults(command=render_again)
    one = commands.add_parser("scenarios", help="list scenarios, or check that each is valid")
    one.add_argument("action", choices=("list", "check"))
    _add_sources(one)
    one.set_defaults(command=show_scenarios)
    one = commands.add_parser("environments", help="list environments, making them ready")
    _add_environments(one)
    one.set_defaults(command=show_environments)
    one = commands.add_parser("new-scenario", help="write a scenario to start from")
    one.add_argument("name", help="lower case, digits and hyphens")
    one.add_argument("--folder", type=Path, default=ROOT / "scenarios")
    one.set_defaults(command=write_scenario)
    return parser


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario-path", type=Path, action="append", default=[], metavar="FOLDER", help="more scenarios (repeatable)"
    )


def _add_environments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--environments", type=Path, action="append", default=[], metavar="FILE", help="more environments, TOML (repeatable)"
    )
    parser.add_argument("--backend", action="append", default=[], metavar="NAME", help="only this backend (repeatable)")
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="REQUIREMENT", help="installed into every environment (repeatable)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="default: auto")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    _add_sources(parser)
    _add_environments(parser)
    parser.add_argument("--devices", type=_counts, default=(1, 2), metavar="N,N", help="device counts (default: 1,2)")
    parser.add_argument("--steps", type=_positive, default=0, metavar="N", help="training steps (default: the scenario's)")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and row permutations (default: 0)")
    parser.add_argument(
        "--reference", default="torch", metavar="NAME", help="makes data and initial weights (default: torch)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "latest", metavar="FOLDER", help="the run folder")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    parser.add_argument("--timeout", type=_positive, default=600, metavar="SECONDS", help="for one process (default: 600)")
    parser.add_argument(
        "--fail-on", choices=GATES, default="different", help="the best verdict that fails (default: different)"
    )
    parser.add_argument(
        "--rerun", choices=("failed", "all"), default="failed", help="failed: what is not complete or has changed (default)"
    )


def _add_page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--split-assets",
        action="store_true",
        help="index.css and index.js beside index.html, for servers that forbid inline code",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, wanted a whole number of at least 1")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_positive(part) for part in text.split(",")}))


# ---------------------------------------------------------------- commands


def compare(given: argparse.Namespace) -> int:
    store = Store(given.out)
    with store.lock():
        chosen = _choose(given)
        plan = _plan(chosen)
        store.write_plan(plan)
        session, pairs = _run(store, plan, chosen, given)
        return _conclude(store, plan, session, pairs, given)


def show_plan(given: argparse.Namespace) -> int:
    chosen = _choose(given)
    plan = _plan(chosen)
    jobs = planning.Jobs(Store(given.out), plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    waiting = jobs.first()
    for configuration in dict.fromkeys(run.configuration for run in plan.runs):
        print(configuration.id)
    for run, status, reason in plan.refused:
        if run.variation == "plain":
            print(f"not run: {run.configuration.id}: {status.value}: {reason}")
    print(f"{len(plan.runs)} runs in {len(waiting)} processes, {len(jobs.reused)} already there; plan {plan.digest[:12]}")
    return 0


def render_again(given: argparse.Namespace) -> int:
    store = Store(given.out)
    plan, session = store.read_plan(), store.read_session()
    if given.fail_on:
        plan = replace(plan, options=replace(plan.options, gate=given.fail_on))
    pairs = tuple(judging.pairs(judging.comparisons(judging.Reader(store, plan, session))))
    return _conclude(store, plan, session, pairs, given)


def show_scenarios(given: argparse.Namespace) -> int:
    found, broken = discover.scenarios([ROOT / "scenarios", *given.scenario_path])
    for one in found:
        print(f"{one.scenario.name:20} {one.scenario.description}  [{one.source}]")
    for wrong in broken:
        print(f"broken: {wrong.name}: {wrong.reason}  [{wrong.source}]", file=sys.stderr)
    return 3 if broken else 0


def show_environments(given: argparse.Namespace) -> int:
    _, ready = _provision(given)
    for one in ready.values():
        packages = ", ".join(f"{name} {version}" for name, version in one.packages.items())
        print(f"{one.environment.name:14} {one.environment.backend:11} {one.reason or packages}")
    return 2 if any(one.reason for one in ready.values()) else 0


def write_scenario(given: argparse.Namespace) -> int:
    print(new_scenario.write(given.name, given.folder))
    return 0


# ---------------------------------------------------------------- steps


def _choose(given: argparse.Namespace) -> Chosen:
    options = Options(
        devices=given.devices,
        steps=given.steps,
        seed=given.seed,
        reference=given.reference,
        gate=given.fail_on,
    )
    gpus, environments = _provision(given)
    found, broken = discover.scenarios([ROOT / "scenarios", *given.scenario_path])
    strategies, broken_strategies = discover.strategies()
    names = [one.scenario.name for one in found]
    if unknown := sorted(set(given.scenario) - set(names) - {one.name for one in broken}):
        raise Wrong(f"no scenario {unknown[0]!r}; there are {', '.join(names)}")
    chosen = tuple(one for one in found if not given.scenario or one.scenario.name in given.scenario)
    wanted = tuple(one for one in broken if not given.scenario or one.name in given.scenario)
    return Chosen(
        scenarios=chosen,
        broken=(*wanted, *broken_strategies),
        strategies=strategies,
        environments=environments,
        options=replace(options, device=devices.resolve(given.device, devices.detect_gpus())),
        gpus=gpus,
    )


def _provision(given: argparse.Namespace) -> tuple[int, Mapping[str, Provisioned]]:
    gpus = devices.detect_gpus()
    device = devices.resolve(given.device, gpus)
    wanted = discover.environments(given.environments)
    backends = {one.backend for one in wanted}
    if unknown := sorted(set(given.backend) - backends - {one.name for one in wanted}):
        raise Wrong(f"no backend or environment {unknown[0]!r}; there are {', '.join(one.name for one in wanted)}")
    if given.backend:
        wanted = tuple(one for one in wanted if one.backend in given.backend or one.name in given.backend)
    folder = ROOT / ".environments"
    ready = provision.provision(wanted, folder=folder, device=device, plugins=given.plugin, report=_say)
    return len(gpus), ready


def _plan(chosen: Chosen) -> Plan:
    return planning.plan(
        chosen.scenarios,
        chosen.environments,
        chosen.strategies,
        chosen.options,
        gpus=chosen.gpus,
        command="parity " + " ".join(sys.argv[1:]),
    )


def _run(store: Store, plan: Plan, chosen: Chosen, given: argparse.Namespace) -> tuple[Session, tuple[Pair, ...]]:
    """Runs everything, then what is asked for to decide what is open; judges in between."""
    jobs = planning.Jobs(store, plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    outcomes: dict[str, Outcome] = {}
    first = jobs.first()
    _say(f"{len(jobs.runs)} runs in {len(first)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    progress = Progress()
    with Local(
        chosen.environments,
        folder=store.folder,
        cores=given.jobs,
        timeout=given.timeout,
        gpus=chosen.gpus,
        listen=progress,
        cache=ROOT / ".environments" / "compiled",
    ) as engine:
        ended = engine.run(first)
        outcomes |= _by_run(first, ended)
        session = _session(store, plan, chosen, jobs, outcomes, ())
        reader = judging.Reader(store, plan, session)
        measured = list(judging.comparisons(reader))
        further = needs.further_runs({(a, b): one for a, b, one in measured if not isinstance(one, str)})
        if further:
            more = jobs.training(further)
            _say(f"{len(further)} further runs decide what is open")
            outcomes |= _by_run(more, engine.run(more))
            session = _session(store, plan, chosen, jobs, outcomes, tuple(further))
            reader = judging.Reader(store, plan, session)
            asked = {run.configuration for run in further}
            measured = [
                one if not asked & {one[0], one[1]} else again
                for one, again in zip(measured, judging.comparisons(reader), strict=True)
            ]
    return session, tuple(judging.pairs(measured))


def _by_run(jobs: Sequence[Job], ended: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """How each run that a job was to execute ended, by run id."""
    return {run.id: ended[job.id] for job in jobs for run in job.runs if job.kind == "train" and job.id in ended}


def _session(
    store: Store,
    plan: Plan,
    chosen: Chosen,
    jobs: planning.Jobs,
    outcomes: Mapping[str, Outcome],
    further: tuple[Run, ...],
) -> Session:
    found = {one.scenario.name: one.scenario for one in chosen.scenarios}
    session = Session(
        environments=tuple(chosen.environments.values()),
        scenarios=tuple(_scenario_row(one) for one in chosen.scenarios),
        broken=chosen.broken,
        declared={
            configuration.id: chosen.strategies[configuration.strategy].semantics(
                found[configuration.scenario], configuration.devices
            )
            for configuration in dict.fromkeys(run.configuration for run in plan.runs)
        },
        ended={run: outcome for run, outcome in outcomes.items() if outcome.status is not Status.COMPLETE},
        further=further,
        reused=tuple(run.id for run in jobs.reused),
    )
    store.write_session(session)
    return session


def _scenario_row(found: FoundScenario) -> ScenarioRow:
    scenario = found.scenario
    return ScenarioRow(
        name=scenario.name,
        description=scenario.description,
        source=str(found.source),
        digest=found.digest,
        batch=scenario.batch,
        steps=scenario.steps,
        outputs=scenario.outputs,
    )


def _conclude(store: Store, plan: Plan, session: Session, pairs: tuple[Pair, ...], given: argparse.Namespace) -> int:
    found: Results = judging.results(judging.Reader(store, plan, session), pairs)
    report.render(found, given.out, split_assets=given.split_assets)
    for finding in found.findings[:5]:
        print(f"  {finding.verdict.mark} {finding.claim}")
    print(found.answer)
    print(given.out / "index.html")
    return found.exit_code


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
