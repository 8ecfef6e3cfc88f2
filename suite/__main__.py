"""The command line; the only caller of the engine."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite import claims, discover, new_scenario, report
from suite import plan as planning
from suite.claims import design as designing
from suite.engine import devices, provision
from suite.engine.local import Local
from suite.engine.progress import Progress
from suite.records import (
    ORACLE,
    Broken,
    Environment,
    FoundScenario,
    Job,
    Options,
    Outcome,
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
from suite.results import Study
from suite.selftest import output, scoring
from suite.selftest import planning as planting
from suite.store import Damaged, Store, write_text

ROOT = Path(__file__).resolve().parent.parent
USAGE = 4
CLAIMS = "put the article's claims to the test on one scenario: a factorial, and an answer to each"
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
        one.set_defaults(command=command)
    one = commands.add_parser("selftest", help="plant faults in real runs: what is detected, named and located?")
    _add_selftest(one)
    one.set_defaults(command=self_test)
    one = commands.add_parser("claims", help=CLAIMS, description=CLAIMS)
    _add_claims(one)
    one.set_defaults(command=answer_claims)
    one = commands.add_parser("report", help="judge and render again what is on disk")
    one.add_argument("--out", type=Path, default=ROOT / "reports" / "latest", metavar="FOLDER", help="the run folder")
    one.add_argument("--fail-on", choices=GATES, help="the best verdict that fails the gate (default: as planned)")
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


def _add_selftest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    parser.add_argument("--sample", type=_positive, default=0, metavar="N", help="N of them, drawn by --seed (default: all)")
    parser.add_argument(
        "--seeds", type=_positive, default=1, metavar="N", help="clean pairs for N initial states (default: 1)"
    )
    parser.add_argument("--keep", action="store_true", help="write docs/selftest.json, which reports quote")
    _add_environments(parser)
    _add_recipe(parser, ROOT / "reports" / "selftest")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    _add_sources(parser)
    _add_environments(parser)
    parser.add_argument("--devices", type=_counts, default=(1, 2), metavar="N,N", help="device counts (default: 1,2)")
    _add_recipe(parser, ROOT / "reports" / "latest")
    parser.add_argument(
        "--fail-on", choices=GATES, default="different", help="the best verdict that fails (default: different)"
    )
    parser.add_argument(
        "--seeds",
        dest="other_seeds",
        type=_positive,
        default=0,
        metavar="N",
        help="also train from N other initial states, to say what is large",
    )


def _add_recipe(parser: argparse.ArgumentParser, out: Path) -> None:
    parser.add_argument("--steps", type=_positive, default=0, metavar="N", help="training steps (default: the scenario's)")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and row permutations (default: 0)")
    parser.add_argument(
        "--reference", default="torch", metavar="NAME", help="makes data and initial weights (default: torch)"
    )
    parser.add_argument("--out", type=Path, default=out, metavar="FOLDER", help="the run folder")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    parser.add_argument("--timeout", type=_positive, default=600, metavar="SECONDS", help="for one process (default: 600)")
    parser.add_argument(
        "--rerun", choices=("failed", "all"), default="failed", help="failed: what is not complete or has changed (default)"
    )


def _add_claims(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario", default="article-mlp", metavar="NAME", help="with batch normalization (default: article-mlp)"
    )
    _add_sources(parser)
    _add_environments(parser)
    parser.add_argument("--devices", type=_several, default=2, metavar="N", help="how many are several (default: 2)")
    parser.add_argument("--steps", type=_positive, default=0, metavar="N", help="training steps (default: the scenario's)")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and row permutations (default: 0)")
    parser.add_argument("--reference", default="torch", metavar="NAME", help="where the factorial runs (default: torch)")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "latest", metavar="FOLDER", help="for the answers")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    parser.add_argument("--timeout", type=_positive, default=600, metavar="SECONDS", help="for one process (default: 600)")
    parser.add_argument(
        "--rerun", choices=("failed", "all"), default="failed", help="failed: what is not complete or has changed (default)"
    )


def _several(text: str) -> int:
    number = _positive(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"got {text}, wanted at least 2: one device is compared anyway")
    return number


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
        return _conclude(_run(store, plan, chosen, given), given.out)


def self_test(given: argparse.Namespace) -> int:
    """Plants the chosen faults with the first seed; runs what is clean with all of them. 0: the goals are met."""
    given.scenario_path, given.scenario, given.fail_on = [ROOT / "scenarios" / "selftest"], [], "different"
    environments = {one.name: one.backend for one in _wanted(given)}
    faults = planting.chosen(given.fault, given.sample, given.seed, environments)
    if given.fault or given.sample:
        given.scenario = list(planting.scenarios(faults))
    given.devices = planting.device_counts(given.scenario)
    scores: list[scoring.Score] = []
    for seed in range(given.seed, given.seed + given.seeds):
        store, given.seed = Store(given.out / f"seed-{seed}"), seed
        with store.lock():
            chosen = _choose(given)
            here = faults if not scores else []
            plan = planting.restricted(_plan(chosen), [*here, *planting.variants(here, environments)])
            store.write_plan(plan)
            found = _run(store, plan, chosen, given).results()
        report.render(found, store.folder)
        scores.append(scoring.score(found, here))
    total = scoring.together(scores)
    for folder in (given.out, ROOT / "docs") if given.keep else (given.out,):
        write_text(folder / "selftest.json", output.as_json(total))
    print(output.table(total))
    return 0 if output.passed(total) else 1


def show_plan(given: argparse.Namespace) -> int:
    chosen = _choose(given)
    plan = _plan(chosen)
    jobs = planning.Jobs(Store(given.out), plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    waiting = jobs.first()
    for configuration in dict.fromkeys(run.configuration for run in plan.runs if run.configuration.strategy != ORACLE):
        print(configuration.id)
    for run, status, reason in plan.refused:
        if run.variation == "plain":
            print(f"not run: {run.configuration.id}: {status.value}: {reason}")
    print(f"{len(plan.runs)} runs in {len(waiting)} processes, {len(jobs.reused)} already there; plan {plan.digest[:12]}")
    return 0


def answer_claims(given: argparse.Namespace) -> int:
    """0 if every cell has a result or cannot have one, 2 if one failed."""
    store = Store(given.out / "claims")
    given.scenario, given.devices, given.fail_on = [given.scenario], (1, given.devices), "different"
    with store.lock():
        chosen = _choose(given)
        if chosen.broken and not chosen.scenarios:
            raise discover.BadConfiguration(f"{chosen.broken[0].name}: {chosen.broken[0].reason}")
        design = designing.design(chosen.scenarios[0], chosen.environments, chosen.options)
        variants = designing.write(design, store.folder / "scenarios" / design.base.scenario.name)
        plan = designing.plan(
            design,
            variants,
            chosen.environments,
            chosen.strategies,
            gpus=chosen.gpus,
            command="parity " + " ".join(sys.argv[1:]),
        )
        store.write_plan(plan)
        outcomes = _run_cells(store, plan, design, replace(chosen, scenarios=variants), given)
        found = claims.conclude(store, plan, design, outcomes)
    report.claims.write(found, given.out)
    _say(report.claims.text(found))
    _say(str(given.out / "claims.html"))
    return 2 if any(outcome.status.broken for outcome in outcomes.values()) else 0


def render_again(given: argparse.Namespace) -> int:
    store = Store(given.out)
    plan, session = store.read_plan(), store.read_session()
    if given.fail_on:
        plan = replace(plan, options=replace(plan.options, gate=given.fail_on))
    return _conclude(Study(store, plan, session), given.out)


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
        seeds=getattr(given, "other_seeds", 0),
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
    folder = ROOT / ".environments"
    ready = provision.provision(_wanted(given), folder=folder, device=device, plugins=given.plugin, report=_say)
    return len(gpus), ready


def _wanted(given: argparse.Namespace) -> tuple[Environment, ...]:
    """The environments that the arguments select."""
    wanted = discover.environments(given.environments)
    backends = {one.backend for one in wanted}
    if unknown := sorted(set(given.backend) - backends - {one.name for one in wanted}):
        raise Wrong(f"no backend or environment {unknown[0]!r}; there are {', '.join(one.name for one in wanted)}")
    if given.backend:
        wanted = tuple(one for one in wanted if one.backend in given.backend or one.name in given.backend)
    return wanted


def _plan(chosen: Chosen) -> Plan:
    return planning.plan(
        chosen.scenarios,
        chosen.environments,
        chosen.strategies,
        chosen.options,
        gpus=chosen.gpus,
        command="parity " + " ".join(sys.argv[1:]),
    )


def _run(store: Store, plan: Plan, chosen: Chosen, given: argparse.Namespace) -> Study:
    """Runs everything, then what is asked for to decide and to explain what is open, until nothing is asked for."""
    jobs = planning.Jobs(store, plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    outcomes: dict[str, Outcome] = {}
    further: dict[Run, None] = {}
    first = jobs.first()
    _say(f"{len(jobs.runs)} runs in {len(first)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    with Local(
        chosen.environments,
        folder=store.folder,
        cores=given.jobs,
        timeout=given.timeout,
        gpus=chosen.gpus,
        listen=Progress(),
        cache=ROOT / ".environments" / "compiled",
    ) as engine:
        outcomes |= _by_run(first, engine.run(first))
        study = Study(store, plan, _session(store, plan, chosen, jobs, outcomes, ()))
        while wanted := [run for run in study.further_runs() if run not in further]:
            further |= dict.fromkeys(wanted)
            more = jobs.training(wanted)
            _say(f"{len(wanted)} further runs decide what is open")
            outcomes |= _by_run(more, engine.run(more))
            study.renew(_session(store, plan, chosen, jobs, outcomes, tuple(further)))
    return study


def _run_cells(
    store: Store, plan: Plan, design: designing.Design, chosen: Chosen, given: argparse.Namespace
) -> dict[str, Outcome]:
    """Runs what has not run yet: inputs first, for a scenario without batch normalization is refused."""
    jobs = planning.Jobs(store, plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    needed = designing.needed(jobs.first(), design)
    inputs = [job for job in needed if job.kind in ("check", "prepare")]
    rest = [job for job in needed if job not in inputs]
    _say(f"{len(jobs.runs)} runs in {len(needed)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    with Local(
        chosen.environments,
        folder=store.folder,
        cores=given.jobs,
        timeout=given.timeout,
        gpus=chosen.gpus,
        listen=Progress(),
        cache=ROOT / ".environments" / "compiled",
    ) as engine:
        engine.run(inputs)
        if not designing.normalizes(store, design):
            raise Wrong(
                f"{given.scenario[0]} has no batch normalization, which the claims are about: choose another scenario"
            )
        return _by_run(rest, engine.run(rest))


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
            if configuration.strategy != ORACLE
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


def _conclude(study: Study, out: Path) -> int:
    found: Results = study.results()
    report.render(found, out)
    for finding in found.findings[:5]:
        print(f"  {finding.verdict.mark} {finding.claim}")
    print(found.answer)
    print(out / "index.html")
    return found.exit_code


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
