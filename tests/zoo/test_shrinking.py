"""Cases shrink to the smallest that still departs, in few rounds. With a runner that decides by a rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from suite.records.zoo import Case, JudgedCase, Values, Word, ZooVerdict
from suite.zoo.shrinking import shrink
from suite.zoo.simplifying import size, steps

LARGE = Case(
    kind="layer",
    name="Conv2D",
    arguments=json.dumps({"filters": 4, "kernel_size": [3, 2], "strides": 2, "padding": "same", "activation": "relu"}),
    inputs=(Values(shape=(2, 8, 9, 4), holds="large mean"),),
    masks=(Values(shape=(2, 8), holds="padding"),),
    training=True,
)
Rule = Callable[[Case], bool]


class Runner:
    """Says that a case departs on torch where the rule holds."""

    def __init__(self, rule: Rule, stage: str = "forward") -> None:
        self.rule, self.stage = rule, stage
        self.rounds: list[int] = []

    def __call__(self, wanted: Mapping[str, Sequence[Case]]) -> dict[tuple[str, str], JudgedCase]:
        assert set(wanted) == {"torch"}
        self.rounds.append(len(wanted["torch"]))
        return {("torch", case.id): self.judged(case) for case in wanted["torch"]}

    def judged(self, case: Case) -> JudgedCase:
        word = Word.DEPARTS if self.rule(case) else Word.AGREES
        verdict = ZooVerdict(environment="torch", word=word, stage=self.stage if word is Word.DEPARTS else "")
        return JudgedCase(case=case, verdicts=(verdict,))


def smallest(rule: Rule, case: Case = LARGE) -> tuple[Case, Runner]:
    runner = Runner(rule)
    (found,) = shrink([("torch", runner.judged(case))], runner)
    return found.case, runner


def test_what_does_not_matter_is_dropped() -> None:
    case, runner = smallest(lambda case: "padding" in json.loads(case.arguments))
    assert json.loads(case.arguments) == {"padding": "same"}
    assert (case.training, case.masks, case.inputs[0]) == (False, (), Values(shape=(1, 1)))
    assert len(runner.rounds) <= 6


def test_a_value_that_matters_stays_and_a_simpler_one_is_tried() -> None:
    def rule(case: Case) -> bool:
        kernel = json.loads(case.arguments).get("kernel_size")
        return (
            kernel is not None and (kernel if isinstance(kernel, int) else max(kernel)) > 1 and case.inputs[0].shape[1] >= 3
        )

    case, _ = smallest(rule)
    assert json.loads(case.arguments) == {"kernel_size": 3} or json.loads(case.arguments) == {"kernel_size": 2}
    assert case.inputs[0].shape == (1, 3)


def test_a_case_that_cannot_be_smaller_is_left_as_it_is() -> None:
    assert smallest(lambda case: case == LARGE)[0] == LARGE


def test_a_case_that_departs_in_another_stage_does_not_count() -> None:
    runner = Runner(lambda case: True)
    before = runner.judged(LARGE)
    runner.stage = "gradient"
    (found,) = shrink([("torch", before)], runner)
    assert found.case == LARGE


def test_all_cases_shrink_in_the_same_rounds() -> None:
    runner = Runner(lambda case: case.inputs[0].shape[0] >= 1)
    other = Case(kind="layer", name="Dense", arguments='{"units": 5}', inputs=(Values(shape=(4, 4)),))
    found = shrink([("torch", runner.judged(LARGE)), ("torch", runner.judged(other))], runner)
    assert [one.case.arguments for one in found] == ["{}", "{}"] and len(runner.rounds) <= 7


def test_nothing_to_shrink_runs_nothing() -> None:
    runner = Runner(lambda case: True)
    assert shrink([], runner) == [] and runner.rounds == []


def test_a_case_that_the_runner_lost_is_left_as_it_is() -> None:
    runner = Runner(lambda case: True)
    (found,) = shrink([("torch", runner.judged(LARGE))], lambda wanted: {})
    assert found.case == LARGE


@pytest.mark.parametrize(
    "case",
    [
        LARGE,
        Case(
            kind="loss",
            name="Huber",
            arguments='{"delta": 0.3, "reduction": null}',
            inputs=(Values(shape=(4, 3)), Values(shape=(4, 3)), Values(shape=(4,), holds="positive")),
            masks=(Values(shape=(4,), holds="padding"),),
        ),
        Case(
            kind="optimizer",
            name="SGD",
            arguments='{"learning_rate": {"class_name": "CosineDecay", "config": {"decay_steps": 3, "alpha": 0.1}}}',
            inputs=(Values(shape=(3, 4)), Values(shape=(5, 2), holds="rows")),
            call='{"size": 100.0, "updates": 4}',
        ),
        Case(
            kind="layer",
            name="LSTM",
            arguments='{"units": 3}',
            inputs=(Values(shape=(2, 5, 4)), Values(shape=(2, 3)), Values(shape=(2, 3))),
            passed="states",
            masks=(Values(shape=(2, 5), holds="padding"), None, None),
        ),
    ],
)
def test_every_step_gives_a_case_that_is_whole(case: Case) -> None:
    for step in steps(case):
        simpler = step(case)
        assert simpler != case
        json.loads(simpler.arguments), json.loads(simpler.call)
        assert len(simpler.masks) in (0, 1 if case.kind == "loss" else len(simpler.inputs))
        assert len(simpler.inputs) >= (2 if case.kind == "loss" else 1)
        if case.kind == "optimizer":
            assert json.loads(simpler.call)["updates"] >= 1


def test_masks_and_inputs_of_one_extent_stay_together() -> None:
    simpler = [step(LARGE) for step in steps(LARGE)]
    shapes = {(case.inputs[0].shape, mask.shape) for case in simpler for mask in case.masks if mask}
    assert ((2, 4, 9, 4), (2, 4)) in shapes and ((1, 8, 9, 4), (1, 8)) in shapes


def test_smaller_is_fewer_words_before_fewer_numbers() -> None:
    few = Case(kind="layer", name="Dense", arguments='{"units": 1}', inputs=(Values(shape=(9, 9)),))
    many = Case(kind="layer", name="Dense", arguments='{"units": 1, "use_bias": false}', inputs=(Values(shape=(1, 1)),))
    assert size(few) < size(many) < size(LARGE)
