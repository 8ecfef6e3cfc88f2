"""A layer that computes in float32 inside a float64 run is told from a difference: by its size, its place and its growth."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.explain.backends import FLOAT32_AT_MOST, PERTURBED
from suite.records import SINGLE_STEP, Code, Deviation, Place
from tests.explain.parted_backends import APART, folder, further, parted
from tests.explain.run_folders import dense_call


@pytest.mark.parametrize(
    ("off", "size", "narrow"), [(1e-8, 1e-8, True), (1e-8, 1e-2, False), (1e-2, 1e-8, False), (0.0, 1e-8, False)]
)
def test_a_layer_is_narrow_where_no_more_is_off_than_float32_rounds(
    tmp_path: Path, off: float, size: float, narrow: bool
) -> None:
    made = folder(tmp_path, torch=1.0)
    made.recorded("torch", [dense_call(off=off)])
    place = Place(stage="forward", tensor="dense", state="0", size=size, ratio=size / 1e-10)
    assert made.backends().is_narrow_at("torch", place) is narrow
    assert not made.backends().is_narrow_at("torch", None)


def test_a_few_units_of_float32_in_the_first_steps_are_a_layer_that_computes_in_it(tmp_path: Path) -> None:
    stages = {"forward|dense": FLOAT32_AT_MOST / 2, "gradient|dense/kernel": FLOAT32_AT_MOST / 2, "update|dense/kernel": 1.0}
    made = parted(tmp_path, stages, torch=1.0, tensorflow=1.0, jax=1.0 + APART)
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (True, ""), "nobody is off"
    assert [(cause.code, dict(cause.detail)["layer"]) for cause in parting.causes] == [(Code.FLOAT32_INSIDE, "dense")]
    perturbed = {run for run in further(made) if run.variation == "perturbed"}
    assert {(run.configuration.environment, run.index) for run in perturbed} == {
        (name, index + 1) for name in ("torch", "tensorflow", "jax") for index in range(PERTURBED)
    }
    assert {run.kind for run in perturbed} == {"perturbed-float64"}


@pytest.mark.parametrize(("grown", "place"), [(1e-9, ("update", "dense/kernel")), (APART, None)])
def test_where_float32_does_not_grow_as_far_the_place_is_behind_it(
    tmp_path: Path, grown: float, place: tuple[str, str] | None
) -> None:
    stages = {"forward|dense": 1e-8, "gradient|dense/kernel": 1e-8, "update|dense/kernel": APART}
    made = parted(tmp_path, stages, torch=1.0, tensorflow=1.0, jax=1.0 + APART)
    for run in [run for run in further(made) if run.variation == "perturbed"]:
        made.rerun(run, 1.0 + grown)
    if place is None:
        assert made.backends().agreement.apart == [], "what float32 rounds grows as far"
        return
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (False, "jax")
    assert [cause.code for cause in parting.causes] == [Code.ODD_ONE_OUT]
    assert parting.place is not None and (parting.place.stage, parting.place.tensor) == place
    for run in [run for run in further(made) if run.variation == SINGLE_STEP]:
        own = stages if run.configuration.environment == "jax" else dict.fromkeys(stages, 0.0)
        made.stepped(run, {stage: 1.0 + size for stage, size in own.items()})
    tried = [run for run in further(made) if run.emulates and run.emulates.deviation != Deviation()]
    assert tried == [], "hypotheses would begin at the layer that computes in float32"


def test_where_something_wider_begins_behind_it_that_is_the_place(tmp_path: Path) -> None:
    stages = {"forward|dense": 1e-8, "forward|norm": 1e-2, "gradient|dense/kernel": 1e-2}
    made = parted(tmp_path, stages, torch=1.0, tensorflow=1.0, jax=1.0 + APART)
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (False, "jax")
    assert parting.place is not None and (parting.place.stage, parting.place.tensor) == ("forward", "norm")


@pytest.mark.parametrize(
    "stages",
    [
        {"forward|dense": FLOAT32_AT_MOST * 2},
        {"forward|dense": 1e-8, "gradient|dense/kernel": FLOAT32_AT_MOST * 2},
        {"forward|dense": 0.0, "update|dense/kernel": 1e-8},  # no layer computes an update
    ],
)
def test_what_is_larger_or_begins_later_is_a_difference(tmp_path: Path, stages: dict[str, float]) -> None:
    made = parted(tmp_path, stages, torch=1.0, jax=1.0 + APART)
    assert not made.backends().parting("torch", "jax").float32_inside
    assert not any(run.variation == "perturbed" for run in further(made))


def test_a_layer_that_departs_by_more_than_float32_rounds_is_no_float32_inside(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-8}, torch=1.0, jax=1.0 + APART)
    made.recorded("jax", [dense_call(off=1e-8)])
    assert made.backends().parting("torch", "jax").float32_inside, "it departs by what float32 rounds"
    other = parted(tmp_path / "other", {"forward|dense": 1e-8}, torch=1.0, jax=1.0 + APART)
    other.recorded("jax", [dense_call(off=1e-2)])
    assert [cause.code for cause in other.backends().parting("torch", "jax").causes] == [Code.DEFINITION]


def test_what_departs_behind_a_layer_that_computes_in_float32_is_found(tmp_path: Path) -> None:
    stages = {"forward|dense": 1e-8, "gradient|dense/kernel": 1e-8, "update|other/kernel": 1e-2}
    made = parted(tmp_path, stages, torch=1.0, jax=1.0 + APART)
    made.recorded("torch", [dense_call(), dense_call("other")])
    made.recorded("jax", [dense_call(off=1e-8), dense_call("other", off=1e-2)])
    parting = made.backends().parting("torch", "jax")
    assert (parting.float32_inside, parting.off) == (False, "jax")
    assert [(cause.code, dict(cause.detail)["name"]) for cause in parting.causes] == [(Code.DEFINITION, "other")]
    assert parting.place is not None and parting.place.tensor == "other"
