"""The command that shows a finding again is one that the real parser takes, with the options of the run."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from suite.commands import arguments
from suite.explain import findings, fingerprint
from suite.records import Options, Results, Verdict
from suite.report import repeat_command
from tests.report import sample

RESULTS = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)
COMMAND = ["nox", "-s", "compare-all", "--"]


def commands(results: Results) -> list[str]:
    found = fingerprint.named(findings.group(results.members, ()))
    return [repeat_command.command(one, results) for one in found]


def parsed(command: str) -> argparse.Namespace:
    words = shlex.split(command)
    assert words[:4] == COMMAND
    return arguments.parser().parse_args(["compare", *words[4:]])


def of_pair(results: Results, place: int) -> argparse.Namespace:
    return parsed(commands(replace(results, pairs=(results.pairs[place],), checks=()))[0])


def with_options(**changed: object) -> Results:
    return replace(RESULTS, plan=replace(RESULTS.plan, options=replace(Options(), **changed)))  # type: ignore[arg-type]


def test_every_finding_has_a_command_that_parses() -> None:
    found = commands(RESULTS)
    assert len(found) > 3
    assert len({str(parsed(command).out) for command in found}) == len(found)


@pytest.mark.parametrize("place", range(len(RESULTS.pairs)))
def test_the_command_plans_the_pair_it_is_for(place: int) -> None:
    pair = RESULTS.pairs[place]
    given = of_pair(RESULTS, place)
    sides = [run.configuration for run in pair.runs]
    assert given.scenario == [pair.scenario]
    assert {side.environment for side in sides} <= set(given.environment)
    assert set(given.environment) <= {"torch", *(side.environment for side in sides)}
    assert given.devices == tuple(sorted({side.devices for side in sides}))


def test_a_check_takes_the_environment_that_loads_it() -> None:
    check = next(
        one for one in RESULTS.checks if one.kind == "reloaded" and one.run.configuration.environment == "tensorflow"
    )
    given = parsed(commands(replace(RESULTS, pairs=(), checks=(check,)))[0])
    assert given.environment == ["tensorflow", check.environment, *(["torch"] if check.environment != "torch" else [])]
    replica = next(one for one in RESULTS.checks if one.kind == "replica")
    given = parsed(commands(replace(RESULTS, pairs=(), checks=(replica,)))[0])
    assert (given.environment, given.devices) == (["tensorflow", "torch"], (2,))


def test_options_are_those_of_the_run() -> None:
    given = of_pair(with_options(device="gpu", steps=7, seed=3, reference="jax", gate="noise"), 0)
    assert (given.device, given.steps, given.seed, given.reference, given.fail_on) == ("gpu", 7, 3, "jax", "noise")
    assert "jax" in given.environment
    given = of_pair(RESULTS, 0)
    assert (given.device, given.steps, given.seed, given.reference, given.fail_on) == ("cpu", 0, 0, "torch", "different")
    assert [of_pair(with_options(virtual_devices=asked), 0).virtual_devices for asked in (True, False)] == [True, False]
    assert [of_pair(with_options(over_hosts=asked), 0).over_hosts for asked in (True, False)] == [True, False]


def test_every_option_of_a_run_is_given_or_cannot_be() -> None:
    """Threads are always 1; the rest is in the command."""
    assert set(Options.__dataclass_fields__) == {
        "device", "devices", "steps", "seed", "seeds", "threads", "reference", "gate", "virtual_devices", "over_hosts",
    }  # fmt: skip


def test_a_scenario_and_an_environment_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "my environments.toml"
    file.write_text("")
    first = replace(RESULTS.environments[0], environment=replace(RESULTS.environments[0].environment, source=str(file)))
    row = replace(RESULTS.scenarios[0], source=str(tmp_path / "my scenarios" / "mine.py"))
    given = of_pair(
        replace(RESULTS, environments=(first, *RESULTS.environments[1:]), scenarios=(row, *RESULTS.scenarios[1:])), 0
    )
    assert given.environments == [file]
    assert given.scenario_path == [tmp_path / "my scenarios"]
    installed = replace(RESULTS, scenarios=(replace(row, source="my-models 1.2 (my.models:SCENARIO)"),))
    assert of_pair(installed, 0).plugin == ["my-models==1.2"]


def test_a_built_in_scenario_of_a_different_checkout_is_built_in() -> None:
    row = replace(RESULTS.scenarios[0], source="/elsewhere/scenarios/article_mlp.py")
    assert of_pair(replace(RESULTS, scenarios=(row,)), 0).scenario_path == []


def test_the_cheapest_of_many() -> None:
    results = replace(RESULTS, checks=())
    given = parsed(commands(replace(results, pairs=results.pairs[::-1]))[0])
    assert given.devices == (1,)


def test_a_finding_that_covers_nothing_has_no_command() -> None:
    assert repeat_command.command(sample.finding(Verdict.DIFFERENT, ()), RESULTS) == ""


def test_the_command_adds_no_variant_and_asks_for_the_same_kernels() -> None:
    def on_gpu(precision: str, deterministic: bool) -> argparse.Namespace:
        ready = tuple(
            replace(
                one,
                environment=replace(one.environment, device="gpu", precision=precision, deterministic=deterministic),
            )
            for one in RESULTS.environments
        )
        return of_pair(replace(with_options(device="gpu"), environments=ready), 0)

    assert (on_gpu("default", False).precision, on_gpu("default", False).deterministic) == ("default", False)
    assert (on_gpu("exact", True).precision, on_gpu("exact", True).deterministic) == ("exact", True)
    assert of_pair(RESULTS, 0).deterministic is False
