"""A scenario's functions as plain source: as they are written, without annotations, and nothing of the suite."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suite.plan.locations import SCENARIOS
from suite.records import ConfigurationError
from suite.report.repro import source

MODULE = '''"""A scenario."""

from __future__ import annotations

import math
from typing import Any

from suite.records import Data, Scenario

WIDTH: int = 32
UNUSED = 1


def model() -> Any:
    """Größe ä."""
    import keras

    # A comment that stays.
    def block(x: Any, *rest: int, width: int = WIDTH, **more: Any) -> Any:
        return keras.layers.Dense(width, name="größe")(x)

    return keras.Sequential([block], name=_name("a"))


def _name(part: str) -> str:
    return f"{part}{math.pi}"


def data() -> Data:
    raise NotImplementedError


SCENARIO = Scenario(name="a")
'''

PLAIN = '''import math


WIDTH = 32


def model():
    """Größe ä."""
    import keras

    # A comment that stays.
    def block(x, *rest, width = WIDTH, **more):
        return keras.layers.Dense(width, name="größe")(x)

    return keras.Sequential([block], name=_name("a"))


def _name(part):
    return f"{part}{math.pi}"'''


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_functions_that_are_used_come_along_and_nothing_else(tmp_path: Path) -> None:
    assert source.recipe(written(tmp_path, MODULE), ["model"]) == PLAIN


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "from scenarios._digits import images",
            "mine.py:18 imports scenarios._digits, which a script of plain Keras cannot",
        ),
        ("from suite.runner import precision", "imports suite.runner"),
        ("import _beside", "imports _beside"),
        ("from . import other", "imports ."),
    ],
)
def test_a_function_that_needs_the_suite_is_refused(tmp_path: Path, line: str, words: str) -> None:
    path = written(tmp_path, MODULE.replace("    # A comment that stays.", f"    {line}"))
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        source.recipe(path, ["model"])


def test_a_function_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="defines no optimizer: a script is made from a scenario whose functions are in its"
    ):
        source.recipe(written(tmp_path, MODULE), ["model", "optimizer"])


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_every_built_in_scenario_can_be_shown(path: Path) -> None:
    text = source.recipe(path, ["model", "optimizer"])
    compile(text, path.name, "exec")
    assert "suite" not in text
    assert "Any" not in text
