"""What may a reader do? Every pair and check belongs to one plan, and nothing is safe that was not shown to be."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings

from suite.explain import findings as grouping
from suite.records import Cause, Change, Code, Move, Outcome, Pair, Provisioned, Results, Status, Verdict, plain
from suite.results import decisions
from suite.results.decisions import Decision, Plan, Safety
from tests.report import builder, sample

ONE = builder.configurations(["small-cnn"], builder.BACKENDS, (1,))
BOTH = builder.configurations(["small-cnn"], builder.BACKENDS, (1, 2))


def results(
    verdicts: dict[tuple[str, str], Verdict], names: Sequence[str] = ("small-cnn",), devices: Sequence[int] = (1,)
) -> Results:
    """Every pair of these scenarios: as written, by the environments' names in alphabetical order; else rounding."""
    found = builder.configurations(names, builder.BACKENDS, devices)
    pairs = []
    for a, b in itertools.combinations(found, 2):
        if a.scenario == b.scenario:
            first, second = sorted((a.environment, b.environment))
            verdict = verdicts.get((first, second), Verdict.ROUNDING) if a.scenario == names[0] else Verdict.ROUNDING
            pairs.append(dataclasses.replace(sample.pair(a, b, verdict), side=None))
    rows = [builder.row(one) for one in found]
    environments = [builder.environment(name) for name in builder.BACKENDS]
    made = builder.assemble(rows, pairs, [], scenarios=names, environments=environments)
    return dataclasses.replace(made, findings=grouping.group(made.members, ()), change=None)


def of(found: Results, plan: Plan, place: int = 0) -> Decision:
    return [one for table in decisions.tables(found) for one in table.decisions if one.plan is plan][place]


@settings(max_examples=40, deadline=None)
@given(sample.random_results())
def test_every_comparison_has_one_plan_and_nothing_is_safe_that_was_not_shown_to_be(found: Results) -> None:
    every = [one for table in decisions.tables(found) for one in table.decisions]
    assert Counter(member.id for one in every for member in one.members) == Counter(member.id for member in found.members)
    for one in every:
        apart = [member for member in one.members if member.verdict not in decisions.AGREE]
        # A check can have two reasons: what is by design in it, beside what is worse.
        assert {member.id for reason in one.reasons for member in reason.members} == {member.id for member in apart}
        assert all(len({member.id for member in reason.members}) == len(reason.members) for reason in one.reasons)
        if one.safety is Safety.SAFE:
            assert one.members and not apart and not one.lost
            assert not found.broken
        elif one.safety is Safety.NOT_COMPARED:
            assert all(member.verdict is Verdict.NOT_RUN for member in one.members)
        else:
            assert apart or one.lost or one.moves


@pytest.mark.parametrize(
    ("verdict", "safety"),
    [
        (Verdict.IDENTICAL, Safety.SAFE),
        (Verdict.NOISE, Safety.SAFE),
        (Verdict.BY_DESIGN, Safety.CHANGES),
        (Verdict.INCONCLUSIVE, Safety.UNDECIDED),
        (Verdict.DIFFERENT, Safety.CHANGES),
        (Verdict.INVALID, Safety.CHANGES),
        (Verdict.NOT_RUN, Safety.NOT_COMPARED),
    ],
)
def test_one_scenario_decides_for_itself(verdict: Verdict, safety: Safety) -> None:
    found = results(dict.fromkeys((("jax", "tensorflow"), ("jax", "torch"), ("tensorflow", "torch")), verdict))
    assert of(found, Plan.BACKEND).safety is safety


def test_a_missing_pair_beside_equal_ones_is_not_safe() -> None:
    found = results({("jax", "torch"): Verdict.NOT_RUN})
    assert of(found, Plan.BACKEND).safety is Safety.UNDECIDED
    more = results({("jax", "torch"): Verdict.NOT_RUN}, ("small-cnn", "another", "third"))
    assert of(more, Plan.BACKEND).safety is Safety.EXCEPT


@pytest.mark.parametrize(("code", "safety"), [(Code.UNSUPPORTED, Safety.EXCEPT), (Code.NOT_RUN, Safety.UNDECIDED)])
def test_a_form_that_is_not_supported_is_an_exception_and_a_failure_leaves_it_open(code: Code, safety: Safety) -> None:
    whole = builder.check(ONE[0], "saved", Verdict.IDENTICAL, form="model.keras")
    missing = builder.check(ONE[0], "saved", Verdict.NOT_RUN, form="model.h5")
    missing = dataclasses.replace(missing, causes=(Cause(code=code, detail=(("reason", "no such layer"),)),))
    names = ["small-cnn"]
    made = builder.assemble([builder.row(one) for one in ONE], [], [whole, missing], scenarios=names)
    found = dataclasses.replace(made, findings=grouping.group(made.members, ()), change=None)
    assert of(found, Plan.SAVE).safety is safety


def test_one_environment_that_is_off_is_an_exception_and_no_rule() -> None:
    found = results({("jax", "torch"): Verdict.DIFFERENT, ("tensorflow", "torch"): Verdict.DIFFERENT})
    named = [
        dataclasses.replace(one, environment="torch", causes=(Cause(code=Code.UNSTABLE_KERNEL, subject="torch"),))
        for one in found.findings
    ]
    assert of(dataclasses.replace(found, findings=tuple(named)), Plan.BACKEND).safety is Safety.EXCEPT
    nobody = [dataclasses.replace(one, environment="") for one in found.findings]
    assert of(dataclasses.replace(found, findings=tuple(nobody)), Plan.BACKEND).safety is Safety.CHANGES


@pytest.mark.parametrize(("wrong", "safety"), [("jax", Safety.EXCEPT), ("torch", Safety.CHANGES)])
def test_one_environment_that_misloads_files_is_an_exception(wrong: str, safety: Safety) -> None:
    """Its own, and those that others have saved; but not where the files of one are wrong elsewhere, too."""
    tensorflow, jax = (one for name in ("tensorflow", "jax") for one in ONE if one.environment == name)
    here = [builder.check(one, "saved", Verdict.IDENTICAL, form="model.keras") for one in ONE if one is not jax]
    elsewhere = builder.check(tensorflow, "reloaded", Verdict.DIFFERENT, form="model.keras")
    apart = [
        builder.check(jax, "saved", Verdict.DIFFERENT, form="model.keras"),
        dataclasses.replace(elsewhere, environment="jax"),
    ]
    made = builder.assemble([builder.row(one) for one in ONE], [], [*here, *apart], scenarios=["small-cnn"])
    found = grouping.group(made.members, ())
    named = tuple(dataclasses.replace(one, environment=wrong) for one in found)
    assert of(dataclasses.replace(made, findings=named, change=None), Plan.SAVE).safety is safety


@pytest.mark.parametrize("lost", ["job", "reload", "broken", "run"])
def test_what_was_lost_is_needed(lost: str) -> None:
    found = results({})
    assert of(found, Plan.BACKEND).safety is Safety.SAFE
    if lost in ("job", "reload"):
        job = "probe/jax" if lost == "job" else "reload/small-cnn/jax/float64"
        found = dataclasses.replace(found, jobs=(Outcome(job=job, status=Status.FAILED),))
    elif lost == "broken":
        found = dataclasses.replace(found, broken=(builder.BROKEN,))
    else:
        row = builder.row(ONE[0], Status.TIMED_OUT)
        again = dataclasses.replace(row, run=dataclasses.replace(row.run, variation="repeat"))
        found = dataclasses.replace(found, runs=(*found.runs, again))
    expected = Safety.SAFE if lost == "reload" else Safety.EXCEPT  # a file that was not reloaded says nothing of backends
    assert of(found, Plan.BACKEND).safety is expected


def test_a_failed_run_has_no_saved_file_to_look_at() -> None:
    found = results({})
    checks = tuple(builder.check(one, "saved", Verdict.IDENTICAL) for one in ONE[1:])
    whole = dataclasses.replace(found, checks=checks)
    assert of(whole, Plan.SAVE).safety is Safety.SAFE
    rows = (builder.row(ONE[0], Status.FAILED), *found.runs[1:])
    assert of(dataclasses.replace(whole, runs=rows), Plan.SAVE).safety is Safety.EXCEPT


@pytest.mark.parametrize("verdict", [Verdict.DIFFERENT, Verdict.NOT_RUN])
def test_a_file_that_gives_something_else_elsewhere_holds_what_was_trained(verdict: Verdict) -> None:
    found = results({})
    saved = [builder.check(one, "saved", Verdict.IDENTICAL) for one in ONE]
    reloaded = builder.check(ONE[0], "reloaded", verdict)
    assert of(dataclasses.replace(found, checks=(*saved, reloaded)), Plan.SAVE).safety is Safety.EXCEPT
    elsewhere = of(dataclasses.replace(found, checks=(reloaded,)), Plan.SAVE)
    assert elsewhere.safety is (Safety.CHANGES if verdict is Verdict.DIFFERENT else Safety.NOT_COMPARED)
    changed = builder.check(ONE[0], "saved", Verdict.DIFFERENT)
    assert of(dataclasses.replace(found, checks=(changed, *saved[1:], reloaded)), Plan.SAVE).safety is Safety.CHANGES


def test_environments_with_one_answer_share_a_row() -> None:
    pairs = {("tensorflow", "tensorflow"): Verdict.BY_DESIGN, ("torch", "torch"): Verdict.BY_DESIGN}
    found = results(pairs, devices=(1, 2))
    first, second = (of(found, Plan.DEVICES, place) for place in (0, 1))
    assert (first.environments, first.safety) == (("tensorflow", "torch"), Safety.CHANGES)
    assert (second.environments, second.safety) == (("jax",), Safety.SAFE)
    assert of(found, Plan.BACKEND_ON_SEVERAL).devices == (2,)
    assert len(of(found, Plan.SEVERAL).members) == 6


def variant(name: str, packages: Mapping[str, str] | None = None, **changes: Any) -> Provisioned:
    ready = builder.environment("torch")
    environment = dataclasses.replace(ready.environment, name=name, **changes)
    return dataclasses.replace(ready, environment=environment, packages=packages or ready.packages)


@pytest.mark.parametrize(
    ("changes", "plan"),
    [
        ({"device": "gpu"}, Plan.GPU),
        ({"packages": {"keras": "3.14.0", "torch": "1.0"}}, Plan.UPGRADE),
        ({"precision": "exact"}, Plan.PRECISION),
        ({"deterministic": True}, Plan.PRECISION),
        ({"backend": "jax"}, Plan.BACKEND),
        ({"backend": "jax", "device": "gpu"}, Plan.SEVERAL),
    ],
)
def test_a_pair_is_about_what_its_sides_do_not_have_in_common(changes: dict[str, Any], plan: Plan) -> None:
    both = [variant("torch"), variant("other", **changes)]
    one = next(configuration for configuration in ONE if configuration.environment == "torch")
    pair = Pair(a=plain(one), b=plain(dataclasses.replace(one, environment="other")), verdict=Verdict.ROUNDING)
    environments = {ready.environment.name: ready.environment for ready in both}
    packages = {ready.environment.name: ready.packages for ready in both}
    assert decisions.plan_of(pair, environments, packages) is plan


def test_a_baseline_shows_that_an_upgrade_is_not_safe_and_never_that_it_is() -> None:
    found = results({})
    moved = Move(about="environment", name="torch: keras", how="changed", before="3.15.1", now="3.16.0")
    worse = Move(about="verdict", name="small-cnn/a | small-cnn/b", how="worse", before="rounding", now="different")
    for moves, safety in (
        ((moved,), Safety.NOT_COMPARED),
        ((worse,), Safety.NOT_COMPARED),
        ((moved, worse), Safety.CHANGES),
    ):
        change = Change(baseline="results.json", moves=moves)
        assert of(dataclasses.replace(found, change=change), Plan.UPGRADE).safety is safety


def test_the_users_scenarios_come_first() -> None:
    found = results({}, ("small-cnn", "article-mlp"))
    rows = [dataclasses.replace(row, source=f"scenarios/{row.name.replace('-', '_')}.py") for row in found.scenarios]
    own, built_in = decisions.tables(dataclasses.replace(found, scenarios=tuple(rows)))
    assert (own.own, own.scenarios) == (True, ("small-cnn",))
    assert (built_in.own, built_in.scenarios) == (False, ("article-mlp",))
    assert own.safe and built_in.safe


def test_without_anything_every_question_is_open() -> None:
    (table,) = decisions.tables(builder.assemble())
    assert {one.safety for one in table.decisions} == {Safety.NOT_COMPARED}
    assert [one.plan for one in table.decisions] == list(decisions.ALWAYS)


def test_what_nothing_was_run_for_comes_last() -> None:
    (table,) = decisions.tables(sample.results())
    run = [bool(one.members) for one in table.decisions]
    assert True in run and False in run and run == sorted(run, reverse=True)
