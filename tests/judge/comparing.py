"""Short ways to write a comparison, and to judge it."""

from __future__ import annotations

from dataclasses import replace

from suite.compare.metrics import METRICS
from suite.judge import verdicts
from suite.records import At, Cause, Code, Comparison, Component, Distances, Judged, Link, StepErrors, Verdict

FLOOR = METRICS["train"].floor
BY_DESIGN = Cause(code=Code.BY_DESIGN, detail=(("batch statistics", "per replica"),))
A, B = Cause(code="a"), Cause(code="b")


def distances(*at: At, bits: bool = False, invalid: str = "", quantity: str = "trainable weights") -> Distances:
    return Distances(quantity=quantity, bits=bits, at=at, invalid=invalid)


def at(
    plain: float, *, step: int = 20, envelope: float | None = 1e-5, float64: float | None = 1e-15, grown: float | None = None
) -> At:
    return At(
        step=step,
        plain={"train": plain},
        envelope={} if envelope is None else {"train": envelope},
        float64={} if float64 is None else {"train": float64},
        float64_envelope={} if grown is None else {"train": grown},
    )


def decide(found: Distances, **fields: object) -> Judged:
    return verdicts.judge(replace(Comparison(distances=(found,)), **fields))[0]  # type: ignore[arg-type]


def part(link: Link, distance: float | None, *causes: Cause, environment: str = "torch", missing: str = "") -> Component:
    """One part of a difference of the weights."""
    distances = {} if distance is None else {"trainable weights": distance}
    return Component(link=link, environment=environment, distances=distances, causes=causes, missing=missing)


def codes(found: Judged) -> list[str]:
    return [cause.code for cause in found.causes]


def verdict(found: Distances, **fields: object) -> Verdict:
    return decide(found, **fields).verdict


def steps(
    *sides: tuple[float, float], stage: str = "batch statistics", tensor: str = "norm/moving_variance"
) -> tuple[StepErrors, ...]:
    """One tensor of steps from as many states."""
    states = ("0", "1", "20", "50", "100")
    return tuple(
        StepErrors(state=state, stage=stage, tensor=tensor, sides=errors)
        for state, errors in zip(states, sides, strict=False)
    )


FINE, DESIGN = part(Link.STRATEGY, 1e-12), part(Link.DECLARATION, 1e-2, BY_DESIGN)
BACKEND = part(Link.BACKEND, 1e-2, B)
