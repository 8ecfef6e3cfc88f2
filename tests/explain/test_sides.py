"""Which side of a pair is off, and where the two begin to differ."""

from __future__ import annotations

from pathlib import Path

from suite.explain import sides
from suite.records import Cause, Code, Comparison, Component, Diagnosis, Link, Place, Run, Semantics, plain
from tests.explain.run_folders import Folder, configuration, oracle, steps_of

A, B = (plain(configuration(name)) for name in ("torch", "jax"))
STRATEGY, BACKEND, DESIGN = Cause(code="a"), Cause(code="b"), Cause(code=Code.BY_DESIGN)


def part(link: Link, environment: str, size: float, *causes: Cause) -> Component:
    return Component(link=link, environment=environment, distances={"trainable weights": size}, causes=causes)


FINE = part(Link.STRATEGY, "torch", 1e-12)
OFF = part(Link.STRATEGY, "jax", 1e-2, STRATEGY)
DECLARED = part(Link.DECLARATION, "jax", 1e-2, DESIGN)


def backend(environment: str, size: float = 1e-2) -> Component:
    return part(Link.BACKEND, environment, size, BACKEND)


def off(*parts: Component, causes: tuple[Cause, ...] = (STRATEGY, BACKEND), **fields: object) -> Run | None:
    return sides.off(A, B, Comparison(distances=(), components=parts, **fields), causes)  # type: ignore[arg-type]


# ---------------------------------------------------------------- who is off


def test_a_side_is_off_if_its_strategy_or_its_backend_is() -> None:
    assert off(FINE, OFF) == B
    assert off(OFF, FINE) == A, "the first part is the first side's, whatever its environment is called"
    assert off(FINE, backend("jax"), FINE) == B
    assert off(FINE, backend("torch"), FINE) == A
    assert off(FINE, backend("jax"), OFF) == B, "both are the same side's"


def test_nobody_is_off_where_both_are_or_neither_is_shown_to_be() -> None:
    assert off(OFF, backend("jax"), FINE) is None
    assert off(OFF, OFF) is None
    assert off(FINE, backend(""), FINE) is None, "they part, and nobody is named"
    assert off(FINE, DECLARED, FINE, causes=(DESIGN,)) is None, "a declaration is nobody's fault"


def test_a_part_counts_only_if_it_differs_and_its_cause_is_that_of_the_pair() -> None:
    assert off(FINE, part(Link.STRATEGY, "jax", 9e-11, STRATEGY)) is None
    assert off(FINE, backend("jax"), OFF, causes=(BACKEND,)) == B
    assert off(OFF, backend("jax"), FINE, causes=(BACKEND,)) == B, "the strategy's is in a quantity that is not the worst"


def test_the_one_that_alone_comes_to_nan_is_off() -> None:
    assert off(non_finite=(None, 3)) == B
    assert off(non_finite=(3, None)) == A
    assert off(non_finite=(3, 3)) is None


# ---------------------------------------------------------------- where they begin to differ


def place_of(path: Path, *links: Link) -> Place | None:
    """Of a pair in which these parts differ, and each begins in a stage of its own."""
    made = Folder(path, ["torch", "jax"], devices=(1, 2), declared={2: Semantics(gradients="mean of replica means")})
    made.all_trained({"torch": 1.0, "jax": 1.1})
    several = oracle("jax", 2, made.emulation(2))
    stages = ("forward|dense", "gradient|dense/kernel")
    for run, sizes in ((oracle("torch"), (1.0, 1.0)), (oracle("jax"), (1.1, 1.0)), (several, (1.1, 1.2))):
        made.stepped(steps_of(run), dict(zip(stages, sizes, strict=True)))
    composition = made.composition()
    a, b = plain(configuration("torch")), plain(configuration("jax", 2))
    began = Place(stage="update", tensor="dense/kernel", state="0", size=1.0, ratio=1e10)
    composition.known = {b.configuration: Diagnosis(run=b, oracle=several, distance=0.1, place=began)}
    parts = tuple(part(link, "jax", 1e-2 if link in links else 0.0, Cause(code="a")) for link in Link)
    return sides.place(a, b, Comparison(distances=(), components=parts), composition)


def stage(place: Place | None) -> str:
    return place.stage if place else ""


def test_a_backends_place_comes_before_a_strategys_and_that_before_a_declarations(tmp_path: Path) -> None:
    assert stage(place_of(tmp_path / "1", Link.BACKEND, Link.STRATEGY, Link.DECLARATION)) == "forward"
    assert stage(place_of(tmp_path / "2", Link.STRATEGY, Link.DECLARATION)) == "update"
    assert stage(place_of(tmp_path / "3", Link.DECLARATION)) == "gradient"
    assert place_of(tmp_path / "4") is None


def test_a_strategy_that_is_what_it_declares_has_no_place(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch"])
    made.all_trained({"torch": 1.0})
    composition = made.composition()
    run = plain(configuration("torch"))
    began = Place(stage="update", tensor="dense/kernel", state="0", size=1.0, ratio=1e10)
    composition.known = {run.configuration: Diagnosis(run=run, oracle=None, distance=1e-12, place=began)}
    assert sides.place(run, run, Comparison(distances=(), components=(OFF,)), composition) is None
