"""The layers of ARCHITECTURE.md, as a test that is shown to notice."""

from __future__ import annotations

import ast
import re
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
    "compare", "judge", "referee", "zoo", "explain", "results", "report", "selftest", "commands",
)  # fmt: skip
PACKAGES = tuple(f"suite.{name}" for name in PIPELINE)
PUBLIC = ("suite.Data", "suite.Phase", "suite.Scenario", "suite.records")  # what a scenario may import of the suite
CLUSTER, RAY = "ray", "suite.engine.ray.link"  # an extra, and the one module that may import it, in functions
WORKER, INJECTION = "suite.runner", "suite.selftest.injection"
INJECTS = "suite.runner.training"  # imports the faults, in a function that is called where a run asks for one
# Who names the worker in a text: the engine, to start it as a process; the declarations of strategies, as a reference
# that only the worker loads; and the worker's own host, which starts itself again.
NAMES_WORKER = ("suite.engine.local", "suite.plan.strategies", "suite.runner.host")
# Who imports by a name that is made up at run time: scenarios; the worker what a reference or its backend names.
IMPORTS_BY_NAME = (
    "suite.plan.discover",
    "suite.runner.references",
    "suite.runner.host",
    "suite.runner.driver",
    "suite.runner.keras_versions",  # of Keras only, which names differ between its versions
)
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
    if first == CLUSTER:
        return f"{words} at the top" if one.top else "" if module == RAY else words
    if first in ("", "tests", "scenarios"):
        return words
    if mine == WORKER and other == INJECTION:
        return "" if module == INJECTS and not one.top else words
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
    if mine == "suite.__main__":
        return other == "suite.commands"
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
        ("suite.runner.models", "def f():\n    from suite.selftest import injection"),
        ("suite.runner.training", "from suite.selftest import injection"),
        ("suite.runner.models", "from suite.engine import local"),
        ("suite.runner.models", "def f():\n    from suite.engine import local"),
        ("suite.compare.measuring", "from suite.judge.verdicts import judge"),
        ("suite.compare.measuring", "from suite.judge import verdicts"),
        ("suite.compare.measuring", "from suite import judge"),
        ("suite.judge.verdicts", "from suite.report import html"),
        ("suite.engine.local", "from suite.runner.execute_job import main"),
        ("suite.engine.local", "from suite.compare import metrics"),
        ("suite.engine.local", "import ray"),
        ("suite.engine.ray.node", "def f():\n    import ray"),
        ("suite.engine.ray.link", "import ray"),
        ("suite.commands.places", "def f():\n    from ray.util import placement_group"),
        ("suite.results.study", "from suite.selftest import catalogue"),
        ("suite.commands.compare", "from suite.runner import execute_job"),
        ("suite.__main__", "from suite.report import render"),
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
        ("suite.runner.training", "def f():\n    from suite.selftest import injection"),
        ("suite.selftest.injection.rows", "def f():\n    import keras\n    from suite.runner import models"),
        ("suite.judge.verdicts", "from suite.records import Verdict"),
        ("suite.commands.execution", "from suite.engine.local import Local"),
        ("suite.engine.ray.link", "def f():\n    import ray\n    from ray.util import scheduling_strategies"),
        ("suite.__main__", "from suite.commands import main"),
        ("suite.runner.execute_job", "from suite.plan import discover"),
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


def texts(tree: ast.AST) -> Iterator[str]:
    """Every string that is spelled out, also inside of f-strings, but no docstring."""
    documented = within(tree, ast.Expr, lambda node: isinstance(node.value, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def reaching(source: str) -> list[str]:
    """The texts of a module that name the worker or the faults, which no import shows."""
    return [text for text in texts(ast.parse(source)) if WORKER in text or INJECTION in text]


def computed(source: str) -> list[str]:
    """The imports of a module by a name that is not spelled out."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    importing = [call for call in calls if ast.unparse(call.func).endswith(("import_module", "__import__"))]
    return [ast.unparse(call) for call in importing if not isinstance(call.args[0], ast.Constant)]


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_nobody_reaches_the_worker_by_text_or_imports_by_a_computed_name(module: str, path: Path) -> None:
    source = path.read_text()
    assert not reaching(source) or module in NAMES_WORKER
    assert not computed(source) or module in IMPORTS_BY_NAME


def test_the_guards_of_texts_notice() -> None:
    assert reaching("MODULE = '''\nfrom suite.runner.variant import vary\n'''")
    assert reaching("f'{a} suite.selftest.injection.{b}'") and reaching("importlib.import_module(f'suite.runner.{name}')")
    assert not reaching('"""See suite.runner."""\ndef f():\n    """And suite.runner.host."""\n    return "suite.records"')
    assert computed("importlib.import_module(f'suite.{name}')") and computed(
        "from importlib import import_module\nimport_module(x)"
    )
    assert not computed("importlib.import_module('suite.records')")


def test_the_coordinator_loads_no_framework_and_no_worker() -> None:
    """Neither as it starts, nor when it has discovered the strategies and planned everything for every backend."""
    code = f"""
import sys, suite.__main__
from pathlib import Path
from suite.artifacts.store import Store
from suite.plan.jobs import Jobs
from suite.plan import discover, planning
from suite.plan.locations import SCENARIOS
from suite.records import Environment, Options, Provisioned

strategies, broken = discover.strategies()
assert not broken
found, _ = discover.scenarios([SCENARIOS], plugins=False)
environments = {{
    name: Provisioned(environment=Environment(name=name, backend=name), python="python", digest=name)
    for name in ("tensorflow", "jax", "torch", "fake")
}}
plan = planning.plan(found, environments, strategies, Options())
assert Jobs(Store(Path("nowhere")), plan, found, environments).first()
print({FRAMEWORKS | {CLUSTER}!r} & sys.modules.keys())
print([name for name in sys.modules if name.startswith({(WORKER, INJECTION)!r})])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "[]"]


NAME_OF_FILE = re.compile(
    r"(manifest|plan|session)\.json|model\.keras|model\.weights\.h5|.*\.safetensors"
    r"|(step|optimizer|predictions|replica|initial)-\d*|single-step-.*|saved-predictions|nonlinearity"
)
# Methods of the store whose argument is a name, which may be a common word.
TAKES_A_NAME = {"arrays", "add", "place", "placing"}


def spelled(source: str) -> list[str]:
    """The names of files of a run, and of parts of artifacts, that a module spells out."""
    tree = ast.parse(source)
    whole = [text for text in texts(tree) if NAME_OF_FILE.fullmatch(text)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    given = [argument for call in calls if call.func.attr in TAKES_A_NAME for argument in call.args]  # type: ignore[attr-defined]
    return whole + [ast.unparse(one) for one in given if isinstance(one, ast.JoinedStr) or _is_text(one)]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_only_one_module_names_files_and_parts_of_a_run(module: str, path: Path) -> None:
    assert bool(spelled(path.read_text())) == (module == "suite.artifacts.names")


@pytest.mark.parametrize(
    "source",
    [
        "path = folder / 'manifest.json'",
        "'model.weights.h5' in manifest.files",
        "f'{name}.safetensors' in manifest.files",
        "f'replica-{index}.safetensors'",
        "Snapshot(state=f'step-{step}')",
        "state = 'step-0'",
        "f'single-step-{state}'",
        "artifact.arrays('data')",
        "artifact.add('saved', arrays)",
        "artifact.arrays(f'initial{suffix}')",
    ],
)
def test_the_guard_of_names_notices(source: str) -> None:
    assert spelled(source)


def test_the_guard_of_names_lets_through_what_is_right() -> None:
    right = '"""model.keras, or step-<n>."""\nSINGLE_STEP = "single-step"\nkind = "saved"'
    right += '\nname = "initial-state"\nx.arrays(names.DATA)'
    assert not spelled(right)
