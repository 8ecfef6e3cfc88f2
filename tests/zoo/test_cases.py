"""The tables: every definition is swept, ids are stable, and what the worker must know of values it knows."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from suite.records.zoo import Case, Values
from suite.referee import layers, losses, optimizers
from suite.runner.zoo import arrays
from suite.zoo.cases import every_case, sample

CASES = every_case()
# Layers that draw random numbers or are no layer of their own: in inference images pass through unchanged.
NOT_SWEPT = {"Functional", "InputLayer", "Lambda", "Sequential", "GroupedQueryAttention", "IntegerLookup"}


def swept(kind: str) -> set[str]:
    return {case.name for case in CASES if case.kind == kind}


def test_every_definition_of_a_layer_is_swept() -> None:
    augmentations = {
        name for name in layers.LAYERS if name.startswith(("Random", "Rand")) or name in ("AugMix", "CutMix", "MixUp")
    }
    cells = {name for name in layers.LAYERS if name.endswith(("Cell", "Cells"))}
    assert set(layers.LAYERS) - swept("layer") <= NOT_SWEPT | augmentations | cells


def test_every_definition_of_a_loss_and_of_an_optimizer_is_swept() -> None:
    assert set(losses.LOSSES) <= swept("loss")
    assert set(optimizers.OPTIMIZERS) - swept("optimizer") <= {"MultiOptimizer"}


def test_there_are_thousands_of_cases_in_two_precisions() -> None:
    assert 2 * len(CASES) >= 3000
    assert min(Counter(case.kind for case in CASES).values()) > 250


def test_every_case_has_an_id_of_its_own_that_depends_on_all_of_it() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    one = Case(kind="layer", name="Dense", arguments='{"units": 2}', inputs=(Values(shape=(2, 3)),))
    others = [
        Case(kind="layer", name="Dense", arguments='{"units": 3}', inputs=one.inputs),
        Case(kind="layer", name="Dense", arguments=one.arguments, inputs=(Values(shape=(2, 4)),)),
        Case(kind="layer", name="Dense", arguments=one.arguments, inputs=one.inputs, training=True),
        Case(kind="layer", name="Dense", arguments=one.arguments, inputs=one.inputs, seed=1),
    ]
    assert len({one.id, *(other.id for other in others)}) == 5


def test_a_different_seed_gives_the_same_cases_with_other_values() -> None:
    others = every_case(seed=1)
    assert [case.arguments for case in others] == [case.arguments for case in CASES]
    assert not {case.id for case in others} & {case.id for case in CASES}


def test_arguments_and_calls_are_json() -> None:
    for case in CASES:
        assert isinstance(json.loads(case.arguments), dict) and isinstance(json.loads(case.call), dict)


def test_there_is_a_mask_for_each_input_or_none_at_all() -> None:
    for case in CASES:
        wanted = 1 if case.kind == "loss" else len(case.inputs)
        assert len(case.masks) in (0, wanted), case.id


def test_a_sample_is_drawn_by_its_seed_in_order() -> None:
    first, again, other = sample(CASES, 20, 0), sample(CASES, 20, 0), sample(CASES, 20, 1)
    assert first == again != other and len(first) == 20
    places = [CASES.index(case) for case in first]
    assert places == sorted(places)
    assert sample(CASES[:3], 20, 0) == CASES[:3]


@pytest.mark.parametrize("holds", sorted(arrays.HOLDS))
def test_values_are_what_they_say_and_exact_in_float32(holds: str) -> None:
    described = Values(shape=(3, 4), holds=holds, below=5)
    double, single = (arrays.values(described, arrays.generator("seed"), dtype) for dtype in ("float64", "float32"))
    assert double.shape == (3, 4) and np.array_equal(double, single)
    assert np.isfinite(double).all()
    assert {str(double.dtype), str(single.dtype)} in ({"float64", "float32"}, {"int32"}, {"bool"})


def test_values_of_each_kind_keep_to_their_range() -> None:
    def of(holds: str) -> np.ndarray:
        return arrays.values(Values(shape=(50, 4), holds=holds, below=5), arrays.generator(0), "float64")

    assert of("positive").min() >= 0.1 and 0.05 <= of("unit").min() <= of("unit").max() <= 0.95
    assert np.allclose(of("distribution").sum(-1), 1, atol=1e-6) and set(of("one-hot").sum(-1)) == {1.0}
    assert set(of("binary").ravel()) == {0.0, 1.0} and set(of("signs").ravel()) == {-1.0, 1.0}
    assert set(of("indices").ravel()) == {0, 1, 2, 3, 4} and of("classes").min() == 1
    rows = of("padding")
    assert rows[:, 0].all() and (np.diff(rows.astype(int)) <= 0).all()


def test_every_kind_of_values_that_a_table_names_is_known() -> None:
    named = {one.holds for case in CASES for one in (*case.inputs, *case.masks) if one is not None}
    assert named <= arrays.HOLDS.keys()


def test_weights_depend_on_their_names_and_variances_are_positive() -> None:
    made = {
        name: arrays.weight(name, (200,), arrays.generator(name), "float64")
        for name in ("a/kernel", "b/kernel", "variance", "gamma")
    }
    assert not np.array_equal(made["a/kernel"], made["b/kernel"])
    assert made["variance"].min() > 0 and made["gamma"].min() >= 0.75
