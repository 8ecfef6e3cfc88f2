"""The table of the first screen: it names what is off, and says no more of a plan than was shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.explain import findings as grouping
from suite.records import Broken, Cause, Code, Environment, Finding, Place, Provisioned, Verdict, because
from suite.report import brief, plans
from suite.results.decisions import Decision, Plan, Reason, Safety, tables
from tests.report import builder

OWN = "the model has a training step of its own, which is not emulated"
DECISION = Decision(plan=Plan.BACKEND, safety=Safety.EXCEPT)


def test_an_answer_names_the_environment_once_and_the_layer_that_is_off() -> None:
    row = plans.Row(decision=DECISION, plan="", where="torch", effect="predictions shift 9 %")
    for stage, tensor, said in (
        ("forward", "scale", "first in scale"),
        ("loss", "loss", "first in the loss"),
        ("history", "auc", "in what fit says of auc"),
    ):
        cause = Cause(
            code=Code.ODD_ONE_OUT, subject="torch", detail=(("others", "jax"), ("stage", stage), ("tensor", tensor))
        )
        finding = Finding(verdict=Verdict.DIFFERENT, causes=(cause,), members=(), environment="torch")
        named = replace(row, reason=brief.what(finding))
        assert named.note == f"torch: predictions shift 9 %; differs {said}"
        assert replace(named, where="").note == f"predictions shift 9 %; torch differs {said}"
    departs = replace(row, reason="torch: Lion departs from its definition")
    assert departs.note == "torch: predictions shift 9 %; Lion departs from its definition"
    nowhere = Cause(code=Code.ODD_ONE_OUT, subject="torch", detail=(("others", "jax"),))
    assert brief.what(replace(finding, causes=(nowhere,))) == "torch differs from jax"


def test_what_is_not_known_is_still_placed() -> None:
    place = Place(stage="gradient", tensor="words", state="0", size=1.0, ratio=9.0)
    cause = Cause(code=Code.UNKNOWN)
    finding = Finding(verdict=Verdict.DIFFERENT, causes=(cause,), members=(), environment="torch", place=place)
    assert brief.what(finding) == "torch differs first in words; its cause is unknown"
    assert brief.what(replace(finding, place=None)) == "torch differs; its cause is unknown"


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (Code.NOT_RUN, "model.h5 cannot be loaded: ValueError: Shape mismatch", "model.h5 cannot be loaded"),
        (Code.NOT_RUN, "what was saved there cannot be loaded", "a side has no result"),
        (Code.NOT_RUN, "… does not go on: it loads only with compile=False: …", "a file loads only with compile=False"),
        (Code.NOT_RUN, "it did not finish", "a side has no result"),
        (Code.UNSUPPORTED, OWN, "a training step of its own is unchecked"),
        (Code.UNSUPPORTED, "JAX splits no uneven batch", "not supported"),
    ],
)
def test_what_was_not_run_is_said_in_a_few_words(code: Code, reason: str, said: str) -> None:
    finding = Finding(verdict=Verdict.NOT_RUN, causes=(because(code, reason),), members=())
    assert brief.what(finding) == said


def test_a_file_that_differs_elsewhere_is_said_to() -> None:
    one = builder.configurations(["small-cnn"], builder.BACKENDS, (1,))[0]
    reloaded = builder.check(one, "reloaded", Verdict.DIFFERENT)
    twice = [reloaded, replace(reloaded, environment="elsewhere")]
    for loads, said in (([reloaded], f"loaded in {one.environment}"), (twice, "loaded elsewhere")):
        checks = [builder.check(one, "saved", Verdict.IDENTICAL), *loads]
        results = builder.assemble([builder.row(one)], [], checks, scenarios=["small-cnn"])
        results = replace(results, findings=grouping.group(results.members, ()))
        (table,) = tables(results)
        saved = next(row for row in plans.rows(results, table) if row.decision.plan is Plan.SAVE)
        assert saved.words.startswith(f"save and reload: safe, except {said}: ")


def test_where_no_scenario_could_be_read_the_question_is_about_those_that_are_broken() -> None:
    broken = builder.assemble(broken=[Broken(name="mine", source="mine.py:3", reason="TypeError: no")])
    question, _, *rest = plans.lines(broken)
    assert question == "Does mine give equal results, and after saving?"
    assert rest[0] == "  change the backend, CPU → GPU, upgrade, more devices, save and reload: not compared"


@pytest.mark.parametrize(
    ("versions", "named"),
    [
        ({"torch": "3.15.1", "jax": "3.15.1"}, "on torch and jax"),
        ({"torch": "3.15.1", "torch-old": "3.0.0"}, "on torch (Keras 3.15.1) and torch-old (Keras 3.0.0)"),
        ({"torch": "3.15.1", "torch-old": ""}, "on torch (Keras 3.15.1) and torch-old"),
    ],
)
def test_versions_of_one_backend_are_in_the_question(versions: dict[str, str], named: str) -> None:
    environments = tuple(
        Provisioned(
            environment=Environment(name=name, backend=name.partition("-")[0]), packages={"keras": keras} if keras else {}
        )
        for name, keras in versions.items()
    )
    broken = builder.assemble(broken=[Broken(name="mine", source="mine.py:3", reason="TypeError: no")])
    question, *_ = plans.lines(replace(broken, environments=environments))
    assert question == f"Does mine give equal results {named}, and after saving?"


def _reasoned(verdict: Verdict, code: Code, count: int, kind: str = "saved") -> Reason:
    one = builder.configurations(["small-cnn"], builder.BACKENDS, (1,))[0]
    members = tuple(builder.check(one, kind, verdict) for _ in range(count))
    causes = (Cause(code=code),)
    return Reason(finding=Finding(verdict=verdict, causes=causes, members=members), members=members)


def test_what_needs_a_decision_leads_unless_it_shows_in_further_training_alone() -> None:
    expected = _reasoned(Verdict.BY_DESIGN, Code.BY_DESIGN, 3)
    decided = _reasoned(Verdict.DIFFERENT, Code.UNKNOWN, 1)
    resumed = _reasoned(Verdict.DIFFERENT, Code.UNKNOWN, 2, "resumed")
    for safety in (Safety.CHANGES, Safety.EXCEPT):
        assert min(expected, decided, key=lambda one: plans._weight(one, safety)) is decided
    assert min(expected, resumed, key=lambda one: plans._weight(one, Safety.CHANGES)) is expected
    assert min(expected, resumed, key=lambda one: plans._weight(one, Safety.EXCEPT)) is resumed


def test_a_composed_plan_waits_and_says_if_it_needs_a_decision() -> None:
    expected, decided = _reasoned(Verdict.BY_DESIGN, Code.BY_DESIGN, 3), _reasoned(Verdict.DIFFERENT, Code.UNKNOWN, 1)

    def row(plan: Plan, *reasons: Reason) -> plans.Row:
        return plans.Row(decision=replace(DECISION, plan=plan, reasons=reasons), plan="")

    assert row(Plan.BACKEND_ON_SEVERAL, expected).folded
    assert not row(Plan.BACKEND_ON_SEVERAL, expected).decides
    assert row(Plan.BACKEND_ON_SEVERAL, expected, decided).decides
    assert not row(Plan.BACKEND, expected).folded


@pytest.mark.parametrize(
    ("plan", "code", "said"),
    [
        (Plan.UPGRADE, "bn-no-statistics-gradient", "torch-old: no gradient flows through the batch statistics"),
        (Plan.BACKEND, "bn-no-statistics-gradient", "no gradient flows through the batch statistics"),
        (Plan.UPGRADE, Code.UNKNOWN, "torch-old differs; its cause is unknown"),
    ],
)
def test_an_upgrade_says_which_version_is_off(plan: Plan, code: str, said: str) -> None:
    finding = Finding(verdict=Verdict.DIFFERENT, causes=(Cause(code=code),), members=(), environment="torch-old")
    assert plans._reason(Reason(finding=finding, members=()), plan) == said


def test_a_file_that_cannot_be_loaded_leads_before_what_shows_in_further_training_alone() -> None:
    one = builder.configurations(["small-cnn"], builder.BACKENDS, (1,))[0]
    members = (builder.check(one, "saved", Verdict.NOT_RUN, "model.keras"),)
    lost = because(Code.NOT_RUN, "model.keras cannot be loaded: TypeError: no")
    file = Reason(finding=Finding(verdict=Verdict.NOT_RUN, causes=(lost,), members=members), members=members)
    elsewhere = replace(file, members=tuple(replace(member, kind="reloaded") for member in members))
    resumed = _reasoned(Verdict.DIFFERENT, Code.UNKNOWN, 2, "resumed")
    order = sorted([elsewhere, resumed, file], key=lambda reason: plans._weight(reason, Safety.CHANGES))
    assert [order.index(one) for one in (file, resumed, elsewhere)] == [0, 1, 2]
