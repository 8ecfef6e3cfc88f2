"""Which finding is meant, which of its cases a script shows, and which numbers of it a bug report tells."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from suite.explain import findings, fingerprint
from suite.records import ConfigurationError, Verdict
from suite.report import repro
from suite.report.repro import case
from tests.report import sample
from tests.report.repro.results_to_show import MEMBERS, UNSTABLE, check, covering, pair, prepared

STEPS = {"mine": 30}


def test_one_backend_before_two_and_one_device_before_several(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    every = covering(results, *results.pairs)
    chosen = case.choose(every, every.findings[0], "", {"mine": 10}, STEPS)
    assert chosen.sides == (("tensorflow", "single"), ("tensorflow", "tf_mirrored"))
    across = covering(results, MEMBERS["two strategies"](results), MEMBERS["two backends"](results))
    assert {strategy for _, strategy in case.choose(across, across.findings[0], "", {}, STEPS).sides} == {"single"}


def test_no_confounded_pair_is_shown_while_there_is_another(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    confounded = pair(results, "tensorflow/single-x1", "torch/torch_ddp-x2")
    simple = pair(results, "jax/single-x1", "torch/single-x1")
    for members, wanted in (((confounded, simple), simple), ((confounded,), confounded)):
        found = covering(results, *members)
        assert case.choose(found, found.findings[0], "", {}, STEPS).member == wanted


def test_the_side_that_is_off_takes_part(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    others, with_it = (
        pair(results, "tensorflow/single-x1", "jax/single-x1"),
        pair(results, "jax/single-x1", "torch/single-x1"),
    )
    found = covering(results, others, with_it)
    finding = replace(found.findings[0], environment="torch")
    assert case.choose(found, finding, "", {}, STEPS).member == with_it


def test_a_bug_report_says_nothing_that_is_within_rounding(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    found = covering(results, MEMBERS["two backends"](results))
    chosen = case.choose(found, found.findings[0], "", {}, STEPS)
    assert {metric for _, metric, _, _ in case.measured(chosen)} == {"train", "mean", "var"}
    near = with_limit(chosen, "mean", 1e6)
    assert {metric for _, metric, _, _ in case.measured(near)} == {"train", "var"}
    numbers = (("a", 0.25), ("b", 1e-7), ("states", 4.0), ("measured", 4.0))
    unstable = replace(chosen.member, causes=(replace(UNSTABLE[0], evidence=numbers),))
    first, *_ = case.measured(replace(chosen, member=unstable, kind="unstable"))
    assert first[1:] == ("one step", 0.25, case.ONE_STEP)


def with_limit(chosen: case.Case, metric: str, limit: float) -> case.Case:
    quantities = tuple(replace(one, limits={**one.limits, metric: limit}) for one in chosen.member.quantities)
    return replace(chosen, member=replace(chosen.member, quantities=quantities))


def test_runs_against_their_declaration_are_shown_by_their_pairs(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    declared = replace(check(results, "jax/single-x1", "saved"), kind="declared", form="")
    results = replace(results, checks=(declared,))
    every = covering(results, declared)
    chosen = case.choose(every, every.findings[0], "", {}, STEPS)
    assert chosen.kind == "pair"
    assert "jax" in {name for name, _ in chosen.sides}


def test_a_difference_within_rounding_and_an_unknown_strategy_cannot_be_shown(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    found = pair(results, "tensorflow/single-x1", "tensorflow/tf_mirrored-x2")
    near = replace(found, quantities=tuple(replace(one, limits=dict.fromkeys(one.limits, 0.02)) for one in found.quantities))
    odd = replace(found, b=replace(found.b, configuration=replace(found.b.configuration, strategy="own_strategy")))
    for member in (near, odd):
        with pytest.raises(ConfigurationError, match="cannot be shown by a script: none of its 1 pairs and checks"):
            repro.write(covering(replace(results, pairs=(member,)), member), tmp_path, "1", tmp_path / "out", [tmp_path])


def test_a_finding_by_number_by_fingerprint_and_by_a_part() -> None:
    results = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)
    named = fingerprint.named(findings.group(results.members, ()))
    results = replace(results, findings=named)
    for number, one in enumerate(named, 1):
        assert case.find(results, str(number)) == (one, "")
        assert case.find(results, one.fingerprint[:9]) == (one, "")
        assert case.find(results, one.fingerprint) == (one, "")
    part = named[-1].parts[1]
    assert case.find(results, part.fingerprint) == (named[-1], part.scenario)
    for wanted in ("zz", "9z"):
        with pytest.raises(
            ConfigurationError, match=re.escape(f"no findings match '{wanted}', but exactly one must: the report has 1 (")
        ):
            case.find(results, wanted)
    with pytest.raises(ConfigurationError, match=f"{len(named)} findings match ''"):
        case.find(results, "")
