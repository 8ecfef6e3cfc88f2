"""The list of faults: complete, each with a place where it acts, and nothing injected that nobody judges."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from suite.explain.hypotheses import BY_NAME
from suite.plan import discover
from suite.records import LATER_STAGES, STAGES
from suite.selftest import injection as injected
from suite.selftest.catalogue import FAULTS, ONE_LAYER, STATE, UNKNOWN, VARIANTS, Fault
from suite.selftest.plan import DEVICES
from suite.selftest.score import OF_FILES

ROOT = Path(__file__).resolve().parents[2]
BY_LOOKING = {*OF_FILES, "dtype-demoted"}  # named without an oracle


def test_every_injected_fault_is_judged_and_every_judged_one_is_injected() -> None:
    assert {fault.name for fault in (*FAULTS, *ONE_LAYER, *VARIANTS)} == injected.INJECTIONS.keys()
    assert len(injected.INJECTIONS) == sum(len(family) for family in injected.FAMILIES)
    assert Counter(fault.name for fault in (*FAULTS, *ONE_LAYER, *VARIANTS)).most_common(1)[0][1] == 1


def test_there_are_enough_of_every_kind() -> None:
    assert len(FAULTS) >= 45
    assert sum(fault.cause == UNKNOWN for fault in FAULTS) >= 5
    acting = Counter(strategy for fault in FAULTS for strategy in fault.strategies)
    assert min(acting[name] for name in ("single", "tf_mirrored", "jax_data_parallel", "torch_ddp")) >= 35


@pytest.mark.parametrize("fault", [*FAULTS, *ONE_LAYER], ids=lambda fault: fault.name)
def test_a_fault_says_what_must_be_reported_for_it(fault: Fault) -> None:
    assert fault.words
    assert fault.cause in {*BY_NAME, UNKNOWN, *BY_LOOKING}
    stages = [stage for stage in (*STAGES, *LATER_STAGES) if fnmatchcase(stage, fault.stage)]
    assert stages
    assert all(stage == "save" for stage in stages) or fault not in STATE or fault.cause == "initial-state"


@pytest.mark.parametrize("fault", [*FAULTS, *VARIANTS], ids=lambda fault: fault.name)
def test_a_fault_is_injected_where_its_scenario_has_something_to_break(fault: Fault) -> None:
    found, broken = discover.scenarios([ROOT / "scenarios", ROOT / "scenarios" / "selftest"], plugins=False)
    strategies, _ = discover.strategies()
    assert broken == ()
    scenario = next(one.scenario for one in found if one.scenario.name == fault.scenario)
    assert scenario.batch % DEVICES == 0
    for name in fault.strategies:
        assert not strategies[name].refuse(1 if name == "single" else DEVICES)


def test_scenarios_of_the_self_test_are_not_among_the_built_in_ones() -> None:
    built_in, _ = discover.scenarios([ROOT / "scenarios"], plugins=False)
    own, _ = discover.scenarios([ROOT / "scenarios" / "selftest"], plugins=False)
    assert len(own) >= 6
    assert not {one.scenario.name for one in built_in} & {one.scenario.name for one in own}
    assert {one.scenario.name for one in own} == {
        fault.scenario for fault in FAULTS if fault.scenario.startswith("injected")
    }


def test_every_fault_is_documented_with_its_cause() -> None:
    rows = [line.split(" | ") for line in (ROOT / "docs" / "selftest.md").read_text().splitlines() if line.startswith("| `")]
    documented = {row[0].strip("| `"): (row[1], row[3]) for row in rows}
    assert documented == {fault.name: (fault.words, fault.cause) for fault in (*FAULTS, *ONE_LAYER)}
