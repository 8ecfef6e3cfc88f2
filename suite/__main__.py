"""The command line: one function for each command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite import report
from suite.artifacts.store import Store, write_text
from suite.commands import arguments as words
from suite.commands import new_scenario
from suite.commands.execution import REFUSED, choose, planned, provisioned, run, run_cells, say, wanted
from suite.explain import claims
from suite.explain.claims import design as designing
from suite.plan import discover
from suite.plan import planning as planning
from suite.plan.locations import ROOT
from suite.records import ORACLE, Change, ConfigurationError, KnownDifference, ParityError, Results
from suite.report import changes, repro, results_json
from suite.results import baseline, known_differences
from suite.results.study import Study
from suite.selftest import kept_rates, output, score
from suite.selftest import plan as injecting

USAGE = 4


@dataclass(frozen=True, kw_only=True)
class History:
    """What was before: accepted differences, and a baseline by its file name; a sentence if it is of another schema."""

    known: tuple[KnownDifference, ...] = ()
    name: str = ""
    baseline: Results | str | None = None

    def since(self, now: Results) -> Change | None:
        if self.baseline is None:
            return None
        if isinstance(self.baseline, str):
            return baseline.incomparable(self.name, self.baseline)
        return baseline.since(self.baseline, now, self.name)


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        given = words.parser().parse_args(arguments)
    except SystemExit as error:
        return USAGE if error.code else 0
    try:
        return COMMANDS[given.command](given)
    except (*REFUSED, ParityError, BlockingIOError, ValueError) as error:
        print(f"parity: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, ParityError) else USAGE
    except KeyboardInterrupt:
        print("\ninterrupted: finished runs are kept, the same command goes on from there", file=sys.stderr)
        return 130


# ---------------------------------------------------------------- commands


def compare(given: argparse.Namespace) -> int:
    history = _history(given)
    store = Store(given.out)
    with store.lock():
        chosen = choose(given)
        plan = planned(chosen)
        store.write_plan(plan)
        return _conclude(run(store, plan, chosen, given), history, given)


def self_test(given: argparse.Namespace) -> int:
    """Injects the chosen faults with the first seed; runs what is clean with all of them. 0: the goals are met."""
    given.scenario_path, given.scenario, given.fail_on = [ROOT / "scenarios" / "selftest"], [], "different"
    environments = {one.name: one.backend for one in wanted(given)}
    faults = injecting.chosen(given.fault, given.sample, given.seed, environments)
    if given.fault or given.sample:
        given.scenario = list(injecting.scenarios(faults))
    given.devices = injecting.device_counts(given.scenario)
    scores: list[score.Score] = []
    for seed in range(given.seed, given.seed + given.seeds):
        store, given.seed = Store(given.out / f"seed-{seed}"), seed
        with store.lock():
            chosen = choose(given)
            here = faults if not scores else []
            plan = injecting.restricted(planned(chosen), [*here, *injecting.variants(here, environments)])
            store.write_plan(plan)
            found = run(store, plan, chosen, given).results()
        report.render(_quoting(found), store.folder)
        scores.append(score.score(found, here))
    total = score.together(scores)
    for path in (given.out / words.KEPT.name, words.KEPT) if given.keep else (given.out / words.KEPT.name,):
        write_text(path, output.as_json(total))
    print(output.table(total))
    return 0 if output.passed(total) else 1


def show_plan(given: argparse.Namespace) -> int:
    chosen = choose(given)
    plan = planned(chosen)
    jobs = planning.Jobs(Store(given.out), plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    waiting = jobs.first()
    for configuration in dict.fromkeys(one.configuration for one in plan.runs if one.configuration.strategy != ORACLE):
        print(configuration.id)
    for one, status, reason in plan.refused:
        if one.kind == "plain":
            print(f"not run: {one.configuration.id}: {status.value}: {reason}")
    print(f"{len(plan.runs)} runs in {len(waiting)} processes, {len(jobs.reused)} already there; plan {plan.digest[:12]}")
    return 0


def answer_claims(given: argparse.Namespace) -> int:
    """0 if every cell has a result or cannot have one, 2 if one failed."""
    store = Store(given.out / "claims")
    given.scenario, given.devices, given.fail_on = [given.scenario], (1, given.devices), "different"
    with store.lock():
        chosen = choose(given)
        if chosen.broken and not chosen.scenarios:
            raise ConfigurationError(f"{chosen.broken[0].name}: {chosen.broken[0].reason}")
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
        outcomes = run_cells(store, plan, design, replace(chosen, scenarios=variants), given)
        found = claims.conclude(store, plan, design, outcomes)
    report.claims.write(found, given.out)
    say(report.claims.text(found))
    say(str(given.out / "claims.html"))
    return 2 if any(outcome.status.broken for outcome in outcomes.values()) else 0


def show_scenarios(given: argparse.Namespace) -> int:
    found, broken = discover.scenarios([ROOT / "scenarios", *given.scenario_path])
    for one in found:
        print(f"{one.scenario.name:20} {one.scenario.description}  [{one.source}]")
    for wrong in broken:
        print(f"broken: {wrong.name}: {wrong.reason}  [{wrong.source}]", file=sys.stderr)
    return 3 if broken else 0


def show_environments(given: argparse.Namespace) -> int:
    _, ready = provisioned(given)
    for one in ready.values():
        packages = ", ".join(f"{name} {version}" for name, version in one.packages.items())
        print(f"{one.environment.name:14} {one.environment.backend:11} {one.reason or packages}")
    return 2 if any(one.reason for one in ready.values()) else 0


def write_scenario(given: argparse.Namespace) -> int:
    print(new_scenario.write(given.name, given.folder))
    return 0


def render_again(given: argparse.Namespace) -> int:
    history = _history(given)
    store = Store(given.out)
    plan, session = store.read_plan(), store.read_session()
    if given.fail_on:
        plan = replace(plan, options=replace(plan.options, gate=given.fail_on))
    return _conclude(Study(store, plan, session), history, given)


def show_changes(given: argparse.Namespace) -> int:
    """0 nothing is worse, 1 something is, or is new and fails the gate, 2 the two cannot be compared."""
    later = results_json.read(given.now)
    found = History(name=str(given.before), baseline=_baseline(given.before)).since(later)
    assert found is not None
    for line in changes.text(found):
        print(line)
    if found.incomparable:
        return 2
    return 1 if baseline.is_worse(found, later.plan.options.gate) else 0


def write_repro(given: argparse.Namespace) -> int:
    print(repro.write(results_json.read(given.results), given.results.parent, given.finding, given.out))
    return 0


def _history(given: argparse.Namespace) -> History:
    """Read before anything runs: what cannot be read should not cost a run."""
    return History(
        known=known_differences.read(given.known) if given.known else (),
        name=str(given.baseline) if given.baseline else "",
        baseline=_baseline(given.baseline) if given.baseline else None,
    )


def _baseline(path: Path) -> Results | str:
    try:
        return results_json.read(path)
    except results_json.OtherSchema as error:
        return str(error)


def _conclude(study: Study, history: History, given: argparse.Namespace) -> int:
    found: Results = study.results(history.known)
    found = _quoting(replace(found, change=history.since(found)))
    folder = study.folder.store.folder
    report.render(found, folder, split_assets=given.split_assets)
    for line in report.terminal(found):
        print(line)
    print(folder / "index.html")
    return found.exit_code


def _quoting(found: Results) -> Results:
    return replace(found, self_test=kept_rates.quoted(words.KEPT, found))


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "compare": compare,
    "plan": show_plan,
    "selftest": self_test,
    "claims": answer_claims,
    "report": render_again,
    "diff": show_changes,
    "repro": write_repro,
    "scenarios": show_scenarios,
    "environments": show_environments,
    "new-scenario": write_scenario,
}

if __name__ == "__main__":
    sys.exit(main())
