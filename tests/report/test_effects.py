"""How large a difference is, in numbers for people: those that decided, and none that is within rounding."""

from __future__ import annotations

import dataclasses

import pytest

from suite.explain import findings as grouping
from suite.records import (
    At,
    Cause,
    Code,
    ConsistencyCheck,
    Distances,
    Finding,
    Judged,
    Magnitude,
    Pair,
    Place,
    TensorDistance,
    TensorGroup,
    Verdict,
    plain,
)
from suite.report import effects, findings, plans
from suite.results.decisions import tables
from tests.report import sample

ONE, OTHER = sample.configurations("article-mlp")[:2]
PAIR = sample.pair(ONE, OTHER, Verdict.DIFFERENT)


def finding(**changes: object) -> Finding:
    made = Finding(verdict=Verdict.DIFFERENT, causes=PAIR.causes, members=(PAIR,))
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"), (0.42, "42 %"), (0.1, "10 %"), (0.003, "0.3 %"), (1e-6, "0.0001 %"), (1e-9, "less than 0.0001 %"),
        (2.0, "200 %"),
    ],
)  # fmt: skip
def test_a_share_is_never_0_for_what_is_not_0(share: float, words: str) -> None:
    assert effects.percent(share) == words


def test_what_is_said_first_is_what_a_user_sees() -> None:
    sizes = (
        Magnitude(metric="pmax", value=0.3, rungs=()),
        Magnitude(metric="tv", value=0.42, rungs=(("rounding", 3e-3), ("run to run", 0.0), ("other seed", 0.27))),
    )
    assert effects.of(finding(magnitudes=sizes)) == "predictions shift by 42 % (rounding: 0.3 %, another seed: 27 %)"


def test_a_magnitude_within_rounding_is_not_said() -> None:
    within = (Magnitude(metric="tv", value=0.06, rungs=(("rounding", 0.05),)),)
    assert "6 %" not in effects.of(finding(magnitudes=within))


def test_where_only_what_fit_says_differs_no_prediction_is_sized() -> None:
    (weights, *_) = PAIR.quantities
    at = dataclasses.replace(weights.distances.at[-1], plain={"history": 0.39})
    distances = dataclasses.replace(weights.distances, quantity="history", at=(at,))
    said = dataclasses.replace(weights, quantity="history", distances=distances, limits={"history": 1e-6})
    pair = dataclasses.replace(PAIR, quantities=(said,))
    sizes = (Magnitude(metric="tv", value=2e-7, rungs=(("rounding", 1e-8),)),)
    found = effects.of(finding(members=(pair,), magnitudes=sizes))
    assert found == "what fit says of the loss or a metric differs by 39 %"


def test_an_unstable_kernel_shows_its_single_step() -> None:
    numbers = (("a", 1e-7), ("b", 0.18), ("states", 4.0), ("measured", 4.0))
    pair = dataclasses.replace(PAIR, causes=(Cause(code=Code.UNSTABLE_KERNEL, subject="torch", evidence=numbers),))
    place = Place(stage="batch statistics", tensor="norm/moving_variance", state="0", size=0.18, ratio=9.0)
    found = effects.of(finding(members=(pair,), place=place, magnitudes=(Magnitude(metric="tv", value=0.9, rungs=()),)))
    assert found == "one training step is off by 18 % in norm/moving_variance, and by less than 0.0001 % on the other side"


def test_what_every_backend_computes_otherwise_than_its_definition_is_sized() -> None:
    detail = (("what", "layer"), ("class", "GRU"), ("name", "decoder"), ("stage", "forward"))
    cause = Cause(code=Code.DEFINITION, detail=detail, evidence=(("distance", 0.8376),))
    check = ConsistencyCheck(run=PAIR.a, kind="defined", environment="torch", verdict=Verdict.DIFFERENT, causes=(cause,))
    [shown] = findings.worded(dataclasses.replace(sample.results(), findings=(finding(causes=(cause,), members=(check,)),)))
    assert shown.effect == "one call is off its definition by 84 %; in no run was an effect measured"
    assert "one call is 0.84 from its definition" in shown.evidence
    apart = finding(causes=(cause,), members=(PAIR,))
    assert effects.of(apart) == "weights differ by 4 % of what training moved", "what a user sees comes first"


def test_numbers_within_their_limits_are_no_effect() -> None:
    quantities = [dataclasses.replace(one, limits=dict.fromkeys(one.limits, 1.0)) for one in PAIR.quantities]
    assert effects.among([PAIR]) == "weights differ by 4 % of what training moved"
    assert effects.among([PAIR], short=True) == "weights differ 4 %"
    assert effects.among([dataclasses.replace(PAIR, quantities=tuple(quantities))]) == ""


@pytest.mark.parametrize(("kind", "double", "words"), [
    ("saved", 0.012, "predictions shift by 2 %"), ("replica", 0.012, "predictions shift by 2 %"),
    ("saved", 1e-4, ""), ("reloaded", 0.012, ""),
])  # fmt: skip
def test_within_one_run_what_float64_confirms_is_an_effect(kind: str, double: float, words: str) -> None:
    check, other = lost(integer=False)
    at = At(step=20, plain={"tv": 0.015}, float64={"tv": double})
    predictions = dataclasses.replace(
        other,
        quantity="predictions",
        verdict=Verdict.BY_DESIGN,
        distances=Distances(quantity="predictions", bits=False, at=(at,)),
        limits={"tv": 0.02},
    )
    member = dataclasses.replace(check, kind=kind, verdict=Verdict.BY_DESIGN, quantities=(predictions,))
    assert effects.among([member]) == words


def test_what_only_models_show_that_were_trained_on_is_further_training() -> None:
    check, other = lost(integer=False)
    weights = dataclasses.replace(
        other,
        quantity="trainable weights",
        distances=Distances(quantity="trainable weights", bits=False, at=(At(step=20, plain={"train": 0.5}),)),
        limits={},
    )
    trained = dataclasses.replace(check, kind="resumed", verdict=Verdict.DIFFERENT, quantities=(weights,))
    assert effects.among([trained]) == "only further training differs: weights differ by 50 % of what training moved"
    assert effects.among([trained], short=True) == "only further training differs"
    assert effects.among([trained, dataclasses.replace(trained, kind="saved")]).startswith("weights differ")


def lost(*, integer: bool) -> tuple[ConsistencyCheck, Judged]:
    """A check of a file, and that it does not hold a variable."""
    check = next(one for one in sample.results().checks if one.kind == "saved" and one.quantities)
    tensor = TensorDistance(name="center/mean", group=TensorGroup.OTHER, value=0.5, ulp=1.0, bits=False, integer=integer)
    at = At(step=20, plain={"state": 0.5}, envelope={}, float64={}, float64_envelope={})
    other = dataclasses.replace(
        check.quantities[0],
        quantity="other state",
        verdict=Verdict.DIFFERENT,
        distances=Distances(quantity="other state", bits=False, at=(at,), tensors=(tensor,)),
        limits={"state": 1e-6},
    )
    return check, other


@pytest.mark.parametrize(
    ("kind", "integer", "words"),
    [
        ("replica", False, "variables that layers keep for themselves differ by 50 %"),
        ("saved", False, "variables that layers keep for themselves differ by 50 %"),
        ("saved", True, "only further training differs"),
        ("resumed", False, "only further training differs"),
    ],
)
def test_only_further_training_differs_where_seeds_or_counters_do(kind: str, integer: bool, words: str) -> None:
    check, other = lost(integer=integer)
    assert effects.among([dataclasses.replace(check, kind=kind, verdict=Verdict.DIFFERENT, quantities=(other,))]) == words


def test_a_difference_that_float32_rounding_hides_is_told_by_the_float64_runs() -> None:
    """It changes results, by less than a float32 run shows: "no effect was measured" would deny the first."""
    limits = dict.fromkeys(("train", "tv"), 1.0)
    at = At(step=20, plain={"train": 1e-4}, float64={"train": 3e-7})
    hidden = Judged(
        quantity="trainable weights",
        verdict=Verdict.DIFFERENT,
        causes=(Cause(code=Code.UNKNOWN),),
        distances=Distances(quantity="trainable weights", bits=False, at=(at,)),
        limits=limits,
    )
    pair = dataclasses.replace(PAIR, quantities=(hidden,))
    results = sample.results()

    def effect(pair: Pair) -> str:
        found = finding(members=(pair,), magnitudes=(), causes=hidden.causes, place=None)
        return findings.worded(dataclasses.replace(results, findings=(found,)))[0].effect

    assert effect(pair) == "less than float32 rounding: only the float64 runs show it, which are 3.0e-7 apart"
    assert findings.below_rounding([pair]) == 3e-7
    near = dataclasses.replace(
        hidden, distances=dataclasses.replace(hidden.distances, at=(At(step=20, plain={"train": 2.0}),))
    )
    assert findings.below_rounding([dataclasses.replace(PAIR, quantities=(hidden, near))]) == 0.0
    unknown = dataclasses.replace(hidden, distances=dataclasses.replace(hidden.distances, at=()))
    assert effect(dataclasses.replace(PAIR, quantities=(unknown,))) == findings.NOT_MEASURED


@pytest.mark.parametrize("verdict", [Verdict.NOT_RUN, Verdict.INVALID])
def test_what_has_no_numbers_has_no_effect(verdict: Verdict) -> None:
    assert effects.of(finding(verdict=verdict)) == ""


def beside_a_lost_seed() -> ConsistencyCheck:
    """A file that does not hold a seed, and that predicts differently by design."""
    check, seed = lost(integer=True)
    at = At(step=20, plain={"tv": 0.02})
    predictions = dataclasses.replace(
        seed,
        quantity="predictions",
        verdict=Verdict.BY_DESIGN,
        causes=(Cause(code=Code.BY_DESIGN, detail=(("live predictions", "own statistics of each replica"),)),),
        distances=Distances(quantity="predictions", bits=False, at=(at,)),
        limits={"tv": 1e-6},
    )
    causes = (Cause(code=Code.NOT_SAVED, detail=(("tensor", "dropout/seed"),)),)
    seed = dataclasses.replace(seed, causes=causes)
    return dataclasses.replace(check, verdict=Verdict.DIFFERENT, causes=causes, quantities=(seed, predictions))


def test_what_is_by_design_beside_something_worse_has_its_own_effect() -> None:
    worse, expected = grouping.group([beside_a_lost_seed()], ())
    assert effects.of(worse) == "only further training differs"
    assert effects.of(expected) == "predictions shift by 2 %"


def test_the_first_screen_says_what_predictions_do_before_what_further_training_does() -> None:
    check = beside_a_lost_seed()
    at = At(step=20, plain={"train": 0.5})
    weights = dataclasses.replace(
        check.quantities[0],
        quantity="trainable weights",
        distances=Distances(quantity="trainable weights", bits=False, at=(at,)),
    )
    on = [
        dataclasses.replace(check, kind="resumed", form=form, quantities=(weights,), causes=(Cause(code=Code.RENEWED),))
        for form in ("one", "two")
    ]
    found = dataclasses.replace(sample.results(), pairs=(), checks=(check, *on), findings=grouping.group([check, *on], ()))
    rows = [row for table in tables(found) for row in plans.rows(found, table) if row.numbers]
    assert [(row.effect, row.cure, row.numbers) for row in rows] == [
        ("predictions shift 2 %", "evaluate the loaded file", (3, 1, 2))
    ]


@pytest.mark.parametrize(
    ("kind", "predictions", "alike"),
    [
        ("saved", Verdict.IDENTICAL, True),
        ("saved", Verdict.ROUNDING, True),
        ("saved", Verdict.DIFFERENT, False),
        ("saved", None, False),
        ("reloaded", Verdict.IDENTICAL, False),
    ],
)
def test_weights_of_a_file_that_do_not_change_what_it_predicts_are_said_so(
    kind: str, predictions: Verdict | None, alike: bool
) -> None:
    weights = Distances(quantity="trainable weights", bits=False, at=(At(step=0, plain={"train": 0.5}),))
    judged = [Judged(quantity="trainable weights", verdict=Verdict.DIFFERENT, causes=(), distances=weights, limits={})]
    if predictions is not None:
        same = Distances(quantity="predictions", bits=True, at=(At(step=0, plain={}),))
        judged.append(Judged(quantity="predictions", verdict=predictions, causes=(), distances=same, limits={}))
    check = ConsistencyCheck(
        run=plain(ONE), kind=kind, environment="torch", verdict=Verdict.DIFFERENT, causes=(), quantities=tuple(judged)
    )
    assert effects.among([check], short=True) == "weights differ 50 %" + ", predictions do not" * alike
