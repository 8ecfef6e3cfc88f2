"""One layer to come: what follows a shape, and the shape that it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suite.selftest.random_models.choices import Draw, given
from suite.selftest.random_models.recipe import Arguments, Shape


@dataclass(frozen=True, kw_only=True)
class Step:
    """A layer to come. `passed`: how what comes in is passed, once ("one") or as query and value ("each")."""

    kind: str
    arguments: Arguments = ()
    shape: Shape
    passed: str = "one"


Drawer = Callable[[Draw, Shape], Step | None]

WIDTHS = (3, 4, 5, 6, 8, 12)
MOST = 600  # numbers in a row: definitions are computed in the plainest way, and that is slow


def alike(kind: str, shape: Shape, **arguments: object) -> Step:
    """A layer that keeps the shape."""
    return Step(kind=kind, arguments=given(**arguments), shape=shape)
