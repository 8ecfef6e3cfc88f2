"""The layers of ARCHITECTURE.md, as a test that is shown to notice."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
# The pipeline: a package imports from itself and from those before it. Nobody imports the worker.
PIPELINE = (
    "records", "artifacts", "plan", "engine", "runner",
    "compare", "judge", "explain", "results", "report", "selftest", "commands",
)  # fmt: skip
PACKAGES = tuple(f"suite.{name}" for name in PIPELINE)
PUBLIC = ("suite.Data", "suite.Scenario", "suite.records")  # what a scenario may import of the suite
WORKER, INJECTION = "suite.runner", "suite.selftest.injection"
OF_WORKER = ("suite.records", "suite.artifacts", "suite.plan", "suite.engine.processes", WORKER, INJECTION)


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module; `top`: as the file is imported, not in a function; `typing`: only for type checkers."""

    name: str
    top: bool
    typing: bool


def within(tree: ast.AST, kinds: type[ast.AST] | UnionType, accepts: Callable[[Any], bool] = lambda node: True) -> set[int]:
    """The ids of all nodes inside nodes of these kinds."""
    outer = [node for node in ast.walk(tree) if isinstance(node, kinds) and accepts(node)]
    return {id(inner) for node in outer for inner in ast.walk(node)}


def imports(source: str) -> Iterator[Import]:
    """Every import, `from suite import x` as suite.x and `from . import x` as .x, and those by a name that is spelled
    out."""
    tree = ast.parse(source)
    functions = within(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    typing = within(tree, ast.If, lambda node: isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING")
    for node in ast.walk(tree):
        for name in _names(node):
            yield Import(name=name, top=id(node) not in functions, typing=id(node) in typing)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        packages = not node.module or module in ("suite", "scenarios", *PACKAGES)
        yield from (f"{module}.{alias.name}" if packages else module for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
        yield from (str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant))


def owner(module: str) -> str:
    """The package that a module belongs to; a scenario is one of its own."""
    return INJECTION if module.startswith(INJECTION) else ".".join(module.split(".")[:2])


def wrong(module: str, source: str) -> list[str]:
    """What a module imports and must not, in words."""
    mine = owner(module)
    rules = _of_scenario if mine.startswith("scenarios") else _of_suite
    return list(dict.fromkeys(words for one in imports(source) if (words := rules(module, mine, one))))


def _of_suite(module: str, mine: str, one: Import) -> str:
    first, other = one.name.split(".")[0], owner(one.name)
    words = f"{module} imports {one.name}"
    if first in FRAMEWORKS:
        if mine not in (WORKER, INJECTION):
            return words
        return f"{words} at the top" if one.top else ""
    if first in ("", "tests", "scenarios"):
        return words
    if mine == "suite.records":
        return "" if one.typing or first in sys.stdlib_module_names or other == mine else words
    if first != "suite" or other in (mine, "suite"):
        return ""
    return "" if _allowed(mine, one.name) else words


def _of_scenario(module: str, mine: str, one: Import) -> str:
    """At the top, a scenario imports the vocabulary and what lies beside it: so that listing scenarios is cheap."""
    first, words = one.name.split(".")[0], f"{module} imports {one.name}"
    if first in FRAMEWORKS - {"keras"} or first in ("", "tests"):
        return words
    if first in ("suite", "scenarios"):
        return "" if one.name in PUBLIC or one.name.startswith("scenarios._") else words
    beside = mine.startswith("scenarios._") and first != "keras"  # imported by scenarios, inside functions
    return f"{words} at the top" if one.top and not beside and first not in sys.stdlib_module_names else ""


def _allowed(mine: str, name: str) -> bool:
    if mine in (WORKER, INJECTION):
        return name.startswith(OF_WORKER)
    other = owner(name)
    return other not in (WORKER, INJECTION) and other in PACKAGES and PACKAGES.index(other) < PACKAGES.index(mine)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted([*(ROOT / "suite").rglob("*.py"), *(ROOT / "scenarios").rglob("*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts not in (("suite", "__init__"), ("scenarios", "__init__")):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_module_imports_only_from_lower_layers(module: str, path: Path) -> None:
    placed = module.startswith("scenarios.") or module == "suite.__main__" or owner(module) in (*PACKAGES, INJECTION)
    assert placed, f"{module} is in no package: give it a place in ARCHITECTURE.md and here"
    assert wrong(module, path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("suite.judge.verdicts", "import torch"),
        ("suite.judge.verdicts", "def f():\n    import keras.ops"),
        ("suite.runner.models", "import keras"),
        ("suite.runner.models", "from suite.judge import verdicts"),
        ("suite.runner.models", "from suite.engine import local"),
        ("suite.runner.models", "def f():\n    from suite.engine import local"),
        ("suite.compare.measuring", "from suite.judge.verdicts import judge"),
        ("suite.compare.measuring", "from suite.judge import verdicts"),
        ("suite.compare.measuring", "from suite import judge"),
        ("suite.judge.verdicts", "from suite.report import html"),
        ("suite.engine.local", "from suite.runner.work import main"),
        ("suite.engine.local", "from suite.compare import metrics"),
        ("suite.results.study", "from suite.selftest import catalogue"),
        ("suite.commands.compare", "from suite.runner import work"),
        ("suite.commands.compare", "from suite.selftest.injection import inject"),
        ("suite.selftest.score", "from suite.selftest.injection import inject"),
        ("suite.records.plan", "from suite.compare import metrics"),
        ("suite.plan.planning", "import scenarios.article_mlp"),
        ("suite.plan.planning", "from scenarios import article_mlp"),
        ("suite.plan.planning", "from tests.conftest import Parity"),
        ("suite.plan.planning", "from . import locations"),
        ("suite.plan.planning", "from .locations import ROOT"),
        ("suite.plan.planning", "from suite.nowhere import nothing"),
        ("suite.judge.verdicts", "if TYPE_CHECKING:\n    import torch"),
        ("suite.judge.verdicts", "class A:\n    def f(self):\n        import jax.numpy as jnp"),
        ("suite.judge.verdicts", "import importlib\nimportlib.import_module('keras')"),
        ("suite.judge.verdicts", "keras = __import__('keras')"),
        ("suite.runner.models", "class A:\n    from torch import nn"),
        ("suite.selftest.injection.rows", "import torch"),
        ("suite.selftest.injection.rows", "from suite.selftest import catalogue"),
        ("suite.runner.strategies.single", "try:\n    import tensorflow\nexcept ImportError:\n    pass"),
        ("suite.records.plan", "import os, numpy"),
        ("suite.records.plan", "if True:\n    import numpy"),
        ("suite.records.plan", "def f():\n    import msgspec"),
        ("scenarios.mine", "import keras"),
        ("scenarios.mine", "import numpy as np"),
        ("scenarios.mine", "from suite.compare import metrics"),
        ("scenarios.mine", "def model():\n    from suite.runner import precision"),
        ("scenarios.mine", "def model():\n    import torch"),
        ("scenarios.mine", "from scenarios import article_mlp"),
        ("scenarios._data", "import keras"),
    ],
)
def test_the_guard_notices(module: str, source: str) -> None:
    assert len(wrong(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("suite.runner.models", "def f():\n    import keras"),
        ("suite.selftest.injection.rows", "def f():\n    import keras\n    from suite.runner import models"),
        ("suite.judge.verdicts", "from suite.records import Verdict"),
        ("suite.commands.execution", "from suite.engine.local import Local"),
        ("suite.runner.work", "from suite.plan import discover"),
        ("suite.runner.host", "from suite.engine import processes"),
        ("suite.runner.strategies.single", "class A:\n    def f(self):\n        import tensorflow as tf"),
        ("suite.report.html", "from suite.report.chart import draw\nfrom suite.records import Results"),
        ("suite.report.html", "from suite.compare.metrics import METRICS\nfrom suite.judge import verdicts"),
        ("suite.records.plan", "import enum\nif TYPE_CHECKING:\n    import numpy as np"),
        ("scenarios.mine", "import math\nfrom suite import Scenario\nfrom scenarios._digits import images"),
        ("scenarios.mine", "from scenarios import _digits\n\n\ndef model():\n    import keras, numpy"),
        ("scenarios._digits", "import numpy as np"),
    ],
)
def test_the_guard_lets_through_what_is_right(module: str, source: str) -> None:
    assert wrong(module, source) == []


def test_the_coordinator_loads_no_framework() -> None:
    imports_all = "import sys, suite.__main__; from suite.plan import discover; discover.strategies()"
    code = f"{imports_all}; print({FRAMEWORKS!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def files_named(source: str) -> list[str]:
    """The files of a run folder that a module spells out."""
    values = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    strings = [value for value in values if isinstance(value, str)]
    return [value for value in strings if value in ("manifest.json", "plan.json", "session.json", "model.weights.h5")]


def test_only_the_store_names_files_of_a_run() -> None:
    for module, path in modules():
        assert bool(files_named(path.read_text())) == (module == "suite.artifacts.store"), module
