"""The layers of ARCHITECTURE.md, as a test that is shown to notice."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
LEVELS = {
    "suite.records": 0,
    "suite.metrics": 1,
    "suite.store": 1,
    "suite.discover": 1,
    "suite.sessions": 1,
    "suite.plan": 2,
    "suite.compare": 2,
    "suite.new_scenario": 2,
    "suite.judge": 3,
    "suite.explain": 4,
    "suite.results": 5,
    "suite.report": 5,
    "suite.__main__": 6,
}
BRANCHES = {
    "suite.engine": {"suite.records", "suite.store", "suite.sessions"},
    "suite.runner": {"suite.records", "suite.store", "suite.discover", "suite.sessions"},
}
EXTRA = {"suite.report": {"suite.records"}}  # renders records, and asks nobody


def imports(source: str) -> Iterator[tuple[str, bool]]:
    """(module, whether at the top level) of every import, `from suite import x` as suite.x."""
    tree = ast.parse(source)
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        top = id(node) not in inside
        if isinstance(node, ast.Import):
            yield from ((alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            packages = node.module in ("suite", "suite.engine", "suite.explain", "suite.report", "suite.runner")
            for alias in node.names:
                yield (f"{node.module}.{alias.name}" if packages else node.module), top


def owner(module: str) -> str:
    """The layer or branch that a module belongs to."""
    return ".".join(module.split(".")[:2])


def wrong(module: str, source: str) -> list[str]:
    """What a module imports and must not, in words."""
    mine, found = owner(module), []
    for imported, top in imports(source):
        first = imported.split(".")[0]
        if first in FRAMEWORKS and (mine != "suite.runner" or top):
            found.append(f"{module} imports {imported}" + (" at the top" if mine == "suite.runner" else ""))
        if first == "tests" or (first == "scenarios" and mine != "suite.discover"):
            found.append(f"{module} imports {imported}")
        if first != "suite" or owner(imported) in (mine, "suite"):
            continue
        if not _allowed(mine, owner(imported)):
            found.append(f"{module} imports {imported}")
    return found


def _allowed(mine: str, other: str) -> bool:
    if mine in BRANCHES:
        return other in BRANCHES[mine]
    if other in BRANCHES:
        return mine == "suite.__main__" and other == "suite.engine"
    if mine in EXTRA:
        return other in EXTRA[mine]
    return LEVELS[other] < LEVELS[mine]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "suite").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts != ("suite", "__init__"):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_module_imports_only_from_lower_layers(module: str, path: Path) -> None:
    assert owner(module) in LEVELS.keys() | BRANCHES.keys(), (
        f"{module} has no layer: give it one in ARCHITECTURE.md and here"
    )
    assert wrong(module, path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("suite.judge", "import torch"),
        ("suite.judge", "def f():\n    import keras.ops"),
        ("suite.runner.models", "import keras"),
        ("suite.runner.models", "from suite import judge"),
        ("suite.compare", "from suite.judge import judge"),
        ("suite.compare", "from suite import judge"),
        ("suite.report.html", "from suite.judge import LIMITS"),
        ("suite.engine.local", "from suite.runner.work import main"),
        ("suite.results", "from suite.engine.local import Local"),
        ("suite.__main__", "from suite.runner import work"),
        ("suite.records", "from suite import metrics"),
        ("suite.plan", "import scenarios.article_mlp"),
    ],
)
def test_the_guard_notices(module: str, source: str) -> None:
    assert len(wrong(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("suite.runner.models", "def f():\n    import keras"),
        ("suite.judge", "from suite.records import Verdict"),
        ("suite.__main__", "from suite.engine.local import Local"),
        ("suite.runner.work", "from suite import discover"),
    ],
)
def test_the_guard_lets_through_what_is_right(module: str, source: str) -> None:
    assert wrong(module, source) == []


def test_the_vocabulary_needs_only_the_standard_library() -> None:
    tree = ast.parse((ROOT / "suite" / "records.py").read_text())
    guarded = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.If) for inner in ast.walk(node)}
    names = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else node.names[0].name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in guarded
    }
    assert names <= sys.stdlib_module_names


def test_the_coordinator_loads_no_framework() -> None:
    code = f"import sys, suite.__main__, suite.discover; suite.discover.strategies(); print({FRAMEWORKS!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_only_the_store_names_files_of_a_run() -> None:
    known = ("manifest.json", "plan.json", "session.json", "model.weights.h5")
    for module, path in modules():
        if module in ("suite.store", "suite.records", "suite.runner.keras_jobs"):
            continue
        strings = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not [value for value in strings if value in known], f"{module} names a file of the store"
