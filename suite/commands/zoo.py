"""parity zoo: single calls of layers, losses and optimizers on every backend, against their independent definitions."""

from __future__ import annotations

from collections.abc import Sequence

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.commands import listening, places
from suite.commands.choosing import provisioned, wanted
from suite.commands.options import ZooOptions
from suite.commands.streams import say
from suite.engine import devices, plugins
from suite.engine.sites import Site
from suite.records import Options, unknown_name
from suite.records.zoo import Case
from suite.zoo import output
from suite.zoo.cases import every_case, sample
from suite.zoo.visit import Visit, exit_code


def run(options: ZooOptions) -> int:
    """0 if every departure is known, 1 if one is new, 2 if something that was needed is missing."""
    cases = chosen(options)
    with places.site(options.running) as site:
        return _run(options, cases, site)


def _run(options: ZooOptions, cases: Sequence[Case], site: Site) -> int:
    gpus = site.gpus()
    device = devices.resolve(options.environments.device, gpus)
    if passed_over := site.passed_over(options.environments.device):
        say(passed_over)
    environments = wanted(options.environments, gpus)
    folder = options.environments.environments_folder
    plugins.add(options.environments.plugin, folder, say)
    ready = provisioned(options.environments, environments, device, site=site)
    store = Store(options.running.out)
    with store.lock():
        say(f"{len(cases)} calls, each in float64 and in float32, on {', '.join(ready)}")
        with (
            listening.display(options.running) as progress,
            site.engine(
                ready,
                folder=store.folder,
                environments=folder,
                cores=options.running.jobs,
                timeout=options.running.timeout,
                jobs_per_gpu=options.running.jobs_per_gpu,
                listen=listening.listener(options.running, progress),
            ) as engine,
        ):
            visit = Visit(
                engine,
                store,
                ready,
                Options(device=device, seed=options.seed),
                processes=options.running.processes,
                again=options.running.rerun == "all",
            )
            results = visit.results(cases)
        output.write(results, store.folder)
    say(output.table(results))
    say(str(store.folder / names.ZOO_TABLE))
    return exit_code(results)


def chosen(options: ZooOptions) -> Sequence[Case]:
    """The cases that were asked for.

    Raises:
        UsageError: there is no class of a name.
    """
    cases = every_case(options.seed)
    classes = list(dict.fromkeys(case.name for case in cases))
    for name in options.only:
        if name not in classes:
            raise unknown_name("layer, loss or optimizer", name, classes)
    if options.only:
        cases = tuple(case for case in cases if case.name in options.only)
    return sample(cases, options.sample, options.seed) if options.sample else cases
