"""What the difference of two configurations is composed of: which parts, how large, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.explain.composition import Composition, with_global_statistics
from suite.explain.rounds import Matched
from suite.records import (
    BatchNorm,
    Cause,
    Code,
    Component,
    Configuration,
    Deviation,
    Diagnosis,
    Emulation,
    Link,
    Place,
    Run,
    Semantics,
    Suspect,
    plain,
)
from tests.explain.run_folders import Folder, RecordedArrays, configuration, dense_call, oracle, steps_of

WEIGHTS = "trainable weights"
REPLICATED = Semantics(batch_statistics="per replica", gradients="mean of replica means")
SEVERAL = Emulation(semantics=REPLICATED)


def folder(path: Path, *environments: str, **kernels: float) -> Folder:
    """Each environment on one device and on two, where replicas are declared. Oracles of one device train the kernel to 1,
    those of two to 2, and runs to what their oracles do, but for `<environment>_<devices>` and `oracle_<environment>`."""
    made = Folder(path, environments, devices=(1, 2), declared={2: REPLICATED})
    for run in made.plan.runs:
        where = run.configuration
        backend = kernels.get(f"oracle_{where.environment}", 0.0)
        moved = kernels.get(f"{where.environment}_{where.devices}", 0.0) if run.emulates is None else 0.0
        made.trained(run, where.devices + backend + moved)
    return made


def one(environment: str) -> Configuration:
    return configuration(environment, 1)


def two(environment: str) -> Configuration:
    return configuration(environment, 2)


def links(parts: tuple[Component, ...]) -> list[tuple[Link, str]]:
    return [(part.link, part.environment) for part in parts]


# ---------------------------------------------------------------- which parts


def test_within_one_environment_there_is_a_declaration_between(tmp_path: Path) -> None:
    parts = folder(tmp_path, "torch").composition().between(one("torch"), two("torch"))
    assert links(parts) == [(Link.STRATEGY, "torch"), (Link.DECLARATION, "torch"), (Link.STRATEGY, "torch")]
    assert [part.distances[WEIGHTS] for part in parts] == pytest.approx([0.0, 0.5, 0.0])  # half the way of the farther
    assert [bool(part.causes) for part in parts] == [False, True, False]


def test_two_that_declare_the_same_need_no_declaration(tmp_path: Path) -> None:
    composition = folder(tmp_path, "torch", "jax").composition()
    for each in (one, two):
        parts = composition.between(each("torch"), each("jax"))
        assert [part.link for part in parts] == [Link.STRATEGY, Link.BACKEND, Link.STRATEGY]


def test_from_one_environment_to_the_other_both_declarations_are_on_the_way(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", "jax", oracle_jax=0.1)
    parts = made.composition().between(one("torch"), two("jax"))
    assert [part.link for part in parts] == [Link.STRATEGY, Link.DECLARATION, Link.BACKEND, Link.STRATEGY]
    assert parts[1].environment == "jax", "that of one device is none"
    declared = [part for part in made.composition().between(two("torch"), two("jax")) if part.link is Link.DECLARATION]
    assert declared == [], "they declare the same"


@pytest.mark.parametrize(("apart", "causes"), [(0.0, [Code.BY_DESIGN]), (0.5, [Code.BY_DESIGN, Code.UNKNOWN])])
def test_two_that_reduce_losses_differently_are_compared_over_replicas(
    tmp_path: Path, apart: float, causes: list[Code]
) -> None:
    """What torch declares is emulated in tensorflow, too: what the two still differ by there is no declared difference,
    though each does what it declares, and both compute the same on one device."""
    made = Folder(tmp_path, ("tensorflow", "torch"), devices=(1, 2), declared={2: REPLICATED}, shares=("tensorflow",))
    for run in made.plan.runs:
        added = run.configuration.environment == "tensorflow" and (run.emulates is None or run.emulates != SEVERAL)
        several = run.configuration.devices == 2
        wrong = apart if several and run.configuration.environment == "torch" else 0.0
        made.trained(run, (4.0 if added else 2.0) + wrong if several else 1.0)
    parts = made.composition().between(two("tensorflow"), two("torch"))
    links_ = [Link.STRATEGY, Link.DECLARATION, Link.BACKEND, Link.STRATEGY]
    assert links(parts) == list(zip(links_, ["tensorflow", "tensorflow", parts[2].environment, "torch"], strict=True))
    assert [cause.code for part in parts for cause in part.causes] == causes
    assert parts[1].causes[0].detail == (("losses", "sum of replica shares"), ("other losses", "mean of replica means"))
    assert parts[1].distances[WEIGHTS] == pytest.approx(0.5)
    assert parts[2].distances[WEIGHTS] == pytest.approx(apart / 2.5)


def test_an_emulation_of_the_other_reduction_that_died_is_missing(tmp_path: Path) -> None:
    """What is by design must not explain what the dead one could have shown."""
    made = Folder(tmp_path, ("tensorflow", "torch"), devices=(1, 2), declared={2: REPLICATED}, shares=("tensorflow",))
    died = oracle("tensorflow", 2, SEVERAL)
    for run in made.plan.runs:
        if run != died:
            made.trained(run, float(run.configuration.devices))
    declaration = made.composition().between(two("tensorflow"), two("torch"))[1]
    assert declaration.link is Link.DECLARATION
    assert declaration.missing.startswith("no oracle: ")
    assert declaration.distances == {}


def test_the_same_declaration_for_more_devices_is_a_different_one(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch"], devices=(2, 4), declared={2: REPLICATED, 4: REPLICATED})
    made.all_trained({"torch": 1.0})
    parts = made.composition().between(two("torch"), configuration("torch", 4))
    assert [part.link for part in parts].count(Link.DECLARATION) == 2


# ---------------------------------------------------------------- how large, and why


def test_a_part_has_causes_only_where_it_is_no_rounding(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", torch_1=0.9e-10)
    (strategy, *_) = made.composition().between(one("torch"), two("torch"))
    assert strategy.causes == ()
    assert strategy.distances[WEIGHTS] == pytest.approx(0.9e-10, rel=1e-3)
    made = folder(tmp_path / "off", "torch", torch_1=1.2e-10)
    (strategy, *_) = made.composition().between(one("torch"), two("torch"))
    assert strategy.causes == (Cause(code=Code.UNKNOWN, subject="torch"),)


def test_a_strategy_has_the_causes_that_are_suspected_of_it(tmp_path: Path) -> None:
    composition = folder(tmp_path, "torch", torch_2=0.1).composition()
    suspect = Suspect(name="gradients-summed", distance=1e-15, matches=True, whole=True)
    composition.known = {two("torch"): Diagnosis(run=plain(two("torch")), oracle=None, distance=0.1, suspects=(suspect,))}
    assert [cause.code for cause in composition.strategy(two("torch")).causes] == ["gradients-summed"]


GRADIENT = Place(stage="gradient", tensor="dense/kernel", state="0", size=0.1, ratio=1e9)


def wrong_gradient() -> RecordedArrays:
    """A call of a layer behind the first one, whose gradient is 1 % too large."""
    call, arrays = dense_call("behind")
    cotangent = arrays["output|0"] * 0 + 1.0
    return call, arrays | {"cotangent|0": cotangent, "gradient|input/0": cotangent @ arrays["weight|kernel"].T * 1.01}


def unexplained(path: Path, place: Place, suspects: tuple[Suspect, ...] = (), remaining: Place | None = None) -> list[str]:
    """The causes of a run on one device that is off its oracle, where a layer's gradient departs from its definition."""
    made = folder(path, "torch", torch_1=0.1)
    made.recorded("torch", [wrong_gradient()])
    composition = made.composition()
    run = plain(one("torch"))
    composition.known = {
        one("torch"): Diagnosis(run=run, oracle=None, distance=0.1, place=place, remaining=remaining, suspects=suspects)
    }
    return [str(cause.code) for cause in composition.strategy(one("torch")).causes]


def test_a_run_that_no_hypothesis_predicts_has_the_call_that_departs_from_its_definition(tmp_path: Path) -> None:
    """Oracles compute batch normalization by a definition of their own: a version of Keras that gets it wrong is off."""
    assert unexplained(tmp_path, GRADIENT) == [Code.DEFINITION]
    forward = replace(GRADIENT, stage="forward", tensor="dense")
    assert unexplained(tmp_path / "forward", forward) == [Code.UNKNOWN], "a wrong gradient moves no output"


def test_what_hypotheses_leave_is_explained_by_definitions_and_nothing_else_is(tmp_path: Path) -> None:
    suspect = (Suspect(name="gradients-summed", distance=0.01, matches=True, whole=True),)
    assert unexplained(tmp_path, GRADIENT, suspect, GRADIENT) == ["gradients-summed", Code.DEFINITION]
    assert unexplained(tmp_path / "whole", GRADIENT, suspect) == ["gradients-summed"]


def test_a_backend_is_measured_in_what_both_emulate(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", "jax")
    made.trained(oracle("jax", 2, SEVERAL), 2.2)
    made.trained(plain(two("jax"), "float64"), 2.2)
    composition = made.composition()
    (_, backend, _) = composition.between(one("torch"), one("jax"))
    assert backend.distances[WEIGHTS] == 0.0
    (_, backend, _) = composition.between(two("torch"), two("jax"))
    assert backend.distances[WEIGHTS] == pytest.approx(0.2 / 2.2), "it shows on two devices only"
    backends = [part for part in composition.between(two("torch"), one("jax")) if part.link is Link.BACKEND]
    assert [part.distances[WEIGHTS] for part in backends] == [0.0], "between oracles of one device"


def test_a_backend_that_is_off_is_named_and_so_is_why(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", "jax", oracle_torch=0.1)
    made.recorded("torch", [dense_call(off=1e-2)])
    for parts in (made.composition().between(a, b) for a, b in ((one("torch"), one("jax")), (two("torch"), one("jax")))):
        (backend,) = (part for part in parts if part.link is Link.BACKEND)
        assert backend.environment == "torch"
        assert [(cause.code, cause.subject) for cause in backend.causes] == [(Code.DEFINITION, "torch")]


def test_a_declared_difference_says_what_of_the_declaration_makes_it(tmp_path: Path) -> None:
    def fields(stage: str, layer: str = "dense", norms: tuple[BatchNorm, ...] = ()) -> dict[str, str]:
        made = Folder(
            tmp_path / f"{stage}{layer}{len(norms)}", ["torch"], devices=(1, 2), declared={2: REPLICATED}, norms=norms
        )
        for run in made.plan.runs:
            made.trained(run, float(run.configuration.devices))
        for run, size in ((oracle("torch"), 1.0), (oracle("torch", 2, SEVERAL), 1.1)):
            before = "forward|dense" if stage != "forward" else "gradient|dense/kernel"
            made.stepped(steps_of(run), {before: 1.0, f"{stage}|{layer}" if stage == "forward" else f"{stage}|loss": size})
        composition = made.composition()
        place = composition.declared_place(two("torch"))
        assert place is not None and place.stage == stage
        declaration = composition.declaration(two("torch"))
        assert declaration is not None
        (cause,) = declaration.causes
        assert cause.code == Code.BY_DESIGN
        return dict(cause.detail)

    statistics, gradients = {"batch statistics": "per replica"}, {"gradients": "mean of replica means"}
    own_rows = {"layer": "dense", "rows": "each replica's own"}
    norm = (BatchNorm(name="norm", mean="m", variance="v"),)
    assert (fields("forward", "norm", norm), fields("forward", "dense", norm)) == (statistics, own_rows)
    assert fields("forward") == own_rows, "a model that does not normalize has no statistics"
    assert fields("loss") == fields("loss", norms=norm) == gradients


@pytest.mark.parametrize(("loss", "divided"), [(1.0, False), (1.1, True)])
def test_a_loss_in_parts_is_named_beside_statistics_where_it_makes_a_difference_by_itself(
    tmp_path: Path, loss: float, divided: bool
) -> None:
    norm = BatchNorm(name="norm", mean="m", variance="v")
    made = Folder(tmp_path, ["torch"], devices=(1, 2), declared={2: REPLICATED}, norms=(norm,))
    for run in made.plan.runs:
        made.trained(run, float(run.configuration.devices))
    alone = with_global_statistics(oracle("torch", 2, SEVERAL))
    assert alone is not None and alone.emulates == Emulation(semantics=Semantics(gradients="mean of replica means"))
    made.stepped(steps_of(oracle("torch")), {"forward|norm": 1.0, "loss|loss": 1.0})
    made.stepped(steps_of(oracle("torch", 2, SEVERAL)), {"forward|norm": 1.2, "loss|loss": 1.3})
    made.stepped(alone, {"forward|norm": 1.0, "loss|loss": loss})
    declaration = made.composition().declaration(two("torch"))
    assert declaration is not None
    (cause,) = declaration.causes
    assert dict(cause.detail) == {"batch statistics": "per replica"} | ({"loss": "each replica's own"} if divided else {})


def test_only_replicas_with_statistics_of_their_own_are_tried_without_them() -> None:
    assert with_global_statistics(oracle("torch")) is None
    assert (
        with_global_statistics(oracle("torch", 2, Emulation(semantics=Semantics(gradients="mean of replica means")))) is None
    )


def test_the_oracle_of_one_device_is_no_declaration(tmp_path: Path) -> None:
    composition = folder(tmp_path, "torch").composition()
    assert composition.declaration(one("torch")) is None


# ---------------------------------------------------------------- what is missing


def test_what_was_not_run_is_missing_and_has_no_distance(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", "jax")
    made.store.run(oracle("torch", 2, SEVERAL)).discard()
    missing = [part for part in made.composition().between(two("torch"), one("torch")) if part.missing]
    assert [part.link for part in missing] == [Link.STRATEGY, Link.DECLARATION]
    assert [(part.distances, part.causes) for part in missing] == [({}, ())] * 2
    assert all(part.missing.startswith("no oracle: it did not start") for part in missing)
    (backend,) = (part for part in made.composition().between(two("torch"), two("jax")) if part.link is Link.BACKEND)
    assert backend.distances[WEIGHTS] == 0.0, "of one device, there is one"


def test_a_backend_that_cannot_be_compared_says_which_two(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", "jax")
    for run in (oracle("jax"), plain(one("jax"), "float64")):
        made.store.run(run).discard()
    (backend,) = (part for part in made.composition().between(one("torch"), two("jax")) if part.link is Link.BACKEND)
    assert backend.missing.startswith("torch and jax: it did not start")


def test_float64_runs_that_are_none_have_no_distance(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch")
    made.probed("torch", 1.0)
    (strategy, *_) = made.composition().between(one("torch"), two("torch"))
    assert (strategy.distances, strategy.causes) == ({}, ())
    assert strategy.missing.startswith("the float64 probe of torch failed")


def test_what_a_runs_own_rounding_hides_is_missing(tmp_path: Path) -> None:
    made = folder(tmp_path, "torch", torch_1=3.0)
    made.rerun(Run(configuration=one("torch"), variation="permuted", precision="float64"), 4.2)
    (strategy, *_) = made.composition().between(one("torch"), two("torch"))
    assert WEIGHTS not in strategy.distances
    assert strategy.missing == "its own rounding has grown too far to tell"


# ---------------------------------------------------------------- what both do alike


def shared(path: Path, **kernels: float) -> Composition:
    """Both environments' runs deviate alike from what they declare: the emulation with that deviation trains to 3."""
    made = folder(path, "torch", "jax", torch_1=2.0, jax_1=2.0 + kernels.get("jax", 0.0))
    emulation = Emulation(deviation=Deviation(learning_rate=3.0), name="learning-rate")
    for name in ("torch", "jax"):
        made.rerun(oracle(name, 1, emulation), 3.0 + kernels.get(f"oracle_{name}", 0.0))
    composition = made.composition()
    composition.rounds = {
        one(name): (Matched(names=frozenset({emulation.name}), run=oracle(name, 1, emulation)),) for name in ("torch", "jax")
    }
    return composition


def test_what_both_do_alike_is_no_part_of_their_difference(tmp_path: Path) -> None:
    parts = shared(tmp_path).between(one("torch"), one("jax"))
    assert links(parts) == [(Link.STRATEGY, "torch"), (Link.BACKEND, ""), (Link.STRATEGY, "jax")]
    assert [part.distances[WEIGHTS] for part in parts] == [0.0, 0.0, 0.0]
    assert not any(part.causes for part in parts)


def test_what_one_does_on_top_is_its_own(tmp_path: Path) -> None:
    parts = shared(tmp_path, jax=0.1).between(one("torch"), one("jax"))
    assert [bool(part.causes) for part in parts] == [False, False, True]
    assert parts[2].causes == (Cause(code=Code.UNKNOWN, subject="jax"),)
    two_causes = shared(tmp_path / "both", jax=0.1)
    suspects = [Suspect(name=name, distance=0.0, matches=True, whole=True) for name in ("learning-rate", "bn-epsilon")]
    known = Diagnosis(run=plain(one("jax")), oracle=None, distance=0.1, suspects=tuple(suspects))
    two_causes.known = {one("jax"): known}
    causes = two_causes.between(one("torch"), one("jax"))[2].causes
    assert [cause.code for cause in causes] == ["bn-epsilon"], "the other is what both do"
    other = shared(tmp_path / "rounds", jax=0.1)
    other.rounds = {**other.rounds, one("jax"): (Matched(names=frozenset({"else"}), run=oracle("jax")),)}
    assert other.between(one("torch"), one("jax"))[0].distances[WEIGHTS] > 0.5, "not alike: measured from the declarations"


def test_between_the_emulations_of_both_the_backends_may_still_differ(tmp_path: Path) -> None:
    parts = shared(tmp_path, oracle_jax=0.1).between(one("torch"), one("jax"))
    assert [cause.code for cause in parts[1].causes] == [Code.UNKNOWN]
    assert parts[1].distances[WEIGHTS] == pytest.approx(0.1 / 3.1)


def test_an_evaluation_that_no_oracle_could_make_is_missing_and_not_a_distance_of_zero(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch"], devices=(1, 2), declared={2: REPLICATED})
    for run in made.plan.runs:
        if run.emulates is None:
            made.trained(run, 1.0, evaluated=float(run.configuration.devices))
        else:
            made.trained(run, 1.0, after_saving="TypeError: no such operator")
    parts = made.composition().between(one("torch"), two("torch"))
    assert all("evaluation" not in part.distances for part in parts)
    assert {part.missing for part in parts} == {"an oracle could not evaluate: TypeError: no such operator"}


@pytest.mark.parametrize(("apart", "named"), [(0.1, {"own rows": "center"}), (0.0, {})])
def test_a_layer_on_own_rows_is_named_beside_statistics(tmp_path: Path, apart: float, named: dict[str, str]) -> None:
    norm = BatchNorm(name="norm", mean="m", variance="v")
    made = Folder(tmp_path, ["torch"], devices=(1, 2), declared={2: REPLICATED}, norms=(norm,))
    for run in made.plan.runs:
        made.trained(run, float(run.configuration.devices))
    call, arrays = dense_call("center", own=False)
    made.recorded("torch", [(call, arrays | {"alone|0": arrays["output|0"][:1] * (1.0 + apart)})])
    made.stepped(steps_of(oracle("torch")), {"forward|norm": 1.0})
    made.stepped(steps_of(oracle("torch", 2, SEVERAL)), {"forward|norm": 1.2})
    declaration = made.composition().declaration(two("torch"))
    assert declaration is not None
    (cause,) = declaration.causes
    assert dict(cause.detail) == {"batch statistics": "per replica"} | named
