"""What a command is about: scenarios, environments and devices, as the user has chosen them and as this machine has
them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suite.commands.options import CompareOptions, EnvironmentOptions, RecipeOptions
from suite.commands.streams import say
from suite.engine import devices, plugins, provision
from suite.engine.local import Local
from suite.engine.sites import Site
from suite.plan import discover, environments, locations, variants
from suite.records import (
    Broken,
    Environment,
    FoundScenario,
    Options,
    Provisioned,
    Strategy,
    unknown_name,
)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is to be trained, and where. `scenario`: names; without any, all. `fail_on`: the gate of the plan. `only_one`: of
    all scenarios the first of the user's, else the first."""

    scenario: tuple[str, ...]
    scenario_path: tuple[Path, ...]
    environments: EnvironmentOptions
    devices: tuple[int, ...]
    recipe: RecipeOptions
    fail_on: str = "different"
    seeds: int = 0
    only_one: bool = False


def selection(options: CompareOptions) -> Selection:
    return Selection(
        scenario=options.scenario,
        scenario_path=options.scenario_path,
        environments=options.environments,
        devices=options.devices,
        recipe=options.trained,
        fail_on=options.fail_on,
        seeds=options.seeds,
        only_one=options.smoke,
    )


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a selection comes to. `missing`: what would have to be installed, by environment, where nothing may be.
    `folder` keeps the environments. `site`: where it runs."""

    scenarios: tuple[FoundScenario, ...]
    broken: tuple[Broken, ...]
    strategies: Mapping[str, Strategy]
    environments: Mapping[str, Provisioned]
    options: Options
    gpus: int
    folder: Path
    site: Site
    missing: Mapping[str, str] = field(default_factory=dict)


def choose(selected: Selection, site: Site | None = None, *, install: bool = True) -> Chosen:
    """Finds what is selected and makes its environments ready. Every name is checked before that, which may take minutes.
    `site`: where it is to run; by default, on this machine.

    Raises:
        UsageError: there is nothing of a name.
        UnavailableDevice: a GPU is wanted and there is none.
        ProvisionError: a plugin cannot be installed.
    """
    site = site or Local()
    gpus = site.gpus()
    device = devices.resolve(selected.environments.device, gpus)
    if passed_over := site.passed_over(selected.environments.device):
        say(passed_over)
    if device == "cpu" and max(selected.devices) > (os.cpu_count() or 1):
        say(f"{max(selected.devices)} virtual devices on {os.cpu_count()} processors: expect it to be slow")
    chosen = wanted(selected.environments, gpus)
    _check_reference(selected.recipe.reference, selected.environments)
    if install:
        plugins.add(selected.environments.plugin, selected.environments.environments_folder, say)
    scenarios, broken = _scenarios(selected)
    strategies, broken_strategies = discover.strategies()
    missing: Mapping[str, str] = {}
    needed = tuple(dict.fromkeys(one for found in scenarios for one in found.scenario.requirements))
    if install:
        ready = provisioned(selected.environments, chosen, device, needed, site)
    else:
        ready, missing = _looked_at(selected.environments, chosen, device, needed)
    return Chosen(
        scenarios=scenarios,
        broken=(*broken, *broken_strategies),
        strategies=strategies,
        environments=ready,
        options=Options(
            device=device,
            devices=selected.devices,
            steps=selected.recipe.steps,
            seed=selected.recipe.seed,
            seeds=selected.seeds,
            reference=selected.recipe.reference,
            gate=selected.fail_on,
            virtual_devices=selected.recipe.virtual_devices,
            over_hosts=selected.recipe.over_hosts,
        ),
        gpus=len(gpus),
        folder=selected.environments.environments_folder,
        site=site,
        missing=missing,
    )


def _scenarios(selected: Selection) -> tuple[tuple[FoundScenario, ...], tuple[Broken, ...]]:
    found, broken = discover.scenarios([locations.SCENARIOS, *selected.scenario_path])
    names = [one.scenario.name for one in found]
    for name in selected.scenario:
        if name not in names and name not in {one.name for one in broken}:
            raise unknown_name("scenario", name, names)
    if selected.only_one and not selected.scenario:
        own = [one for one in found if Path(one.source.location).resolve().parent != locations.SCENARIOS]
        return tuple([*own, *found][:1]), broken
    if not selected.scenario:
        return found, broken
    return (
        tuple(one for one in found if one.scenario.name in selected.scenario),
        tuple(one for one in broken if one.name in selected.scenario),
    )


def _check_reference(reference: str, options: EnvironmentOptions) -> None:
    """One that is not selected is no mistake: the default is not, where only another backend is. Then the first one that is
    ready takes its place."""
    found = environments.environments(options.environments)
    if variants.find(reference, found) is None:
        raise unknown_name("environment for --reference", reference, [one.name for one in found])


def provisioned(
    options: EnvironmentOptions,
    chosen: Sequence[Environment],
    device: str,
    needed: Sequence[str] = (),
    site: Site | None = None,
) -> Mapping[str, Provisioned]:
    """The environments, made ready. `needed`: packages that scenarios import, which go into each beside the plugins.
    `site`: where; by default, on this machine."""
    beside = (*options.plugin, *needed)
    folder = options.environments_folder
    return (site or Local()).provision(chosen, folder=folder, device=device, plugins=beside, report=say)


def _looked_at(
    options: EnvironmentOptions, chosen: Sequence[Environment], device: str, needed: Sequence[str]
) -> tuple[Mapping[str, Provisioned], Mapping[str, str]]:
    folder = options.environments_folder
    if not plugins.are_there(options.plugin, folder):
        say(f"not installed yet: {', '.join(options.plugin)}; its scenarios and strategies are not in this plan")
    return provision.look(chosen, folder=folder, device=device, plugins=(*options.plugin, *needed))


def wanted(options: EnvironmentOptions, gpus: Sequence[str]) -> tuple[Environment, ...]:
    """The environments that are selected, by their names or their backends', as they run on a machine with these GPUs.

    Raises:
        UsageError: there is none of a name.
        UnavailableDevice: a GPU is wanted and there is none.
    """
    return variants.resolved(
        _selected(options),
        device=devices.resolve(options.device, tuple(gpus)),
        gpus=len(gpus),
        precision=options.precision,
        deterministic=options.deterministic,
    )


def _selected(options: EnvironmentOptions) -> list[Environment]:
    """Those of --environment, in its order, and those of --backend; all if neither is given."""
    found = environments.environments(options.environments)
    names = list(dict.fromkeys([*(one.name for one in found), *(one.backend for one in found)]))
    for name in options.backend:
        if name not in names:
            raise unknown_name("backend or environment", name, names)
    selected = []
    for name in options.environment:
        one = variants.find(name, found)
        if one is None:
            raise unknown_name("environment", name, [one.name for one in found])
        selected.append(one)
    if not options.environment and not options.backend:
        return list(found)
    return [*selected, *(one for one in found if one.backend in options.backend or one.name in options.backend)]
