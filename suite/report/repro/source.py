"""What a scenario's module says of its model and recipe, as plain source: without its data, and without the suite."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from suite.records import ConfigurationError


def recipe(path: Path, wanted: list[str]) -> str:
    """The functions of these names and whatever of the module they use, in the module's order.

    Raises:
        ConfigurationError: a function is not in the module, or needs another module of the suite or of its folder.
    """
    text = path.read_text(encoding="utf-8")
    statements = [node for node in ast.parse(text).body if not _is_docstring(node)]
    defined = {name: node for node in statements for name in _names(node)}
    if missing := [name for name in wanted if name not in defined]:
        raise ConfigurationError(
            f"{path} defines no {missing[0]}: a script is made from a scenario whose functions are in its file"
        )
    chosen: dict[ast.stmt, str] = {}
    waiting = list(wanted)
    while waiting:
        node = defined[waiting.pop()]
        if node not in chosen:
            _refuse_own_modules(node, path)
            chosen[node] = _without_annotations(text, node)
            names = [one.id for one in ast.walk(ast.parse(chosen[node])) if isinstance(one, ast.Name)]
            waiting += [name for name in names if name in defined]
    return "\n\n\n".join(chosen[node] for node in statements if node in chosen)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names(node: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    return []


def _refuse_own_modules(statement: ast.stmt, path: Path) -> None:
    for node in ast.walk(statement):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
        if own := [
            name for name in modules if name.startswith(("_", ".")) or name.partition(".")[0] in ("suite", "scenarios")
        ]:
            raise ConfigurationError(
                f"{path}:{getattr(node, 'lineno', 0)} imports {own[0]}, which a script of plain Keras cannot import: "
                "inline it"
            )


def _without_annotations(text: str, statement: ast.stmt) -> str:
    """Its source as it is written, but for annotations: they would need imports of their own."""
    whole = text.encode()  # columns of syntax trees count bytes
    starts = [0]
    for line in whole.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        return starts[line - 1] + column

    first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
    begin, end = starts[first - 1], place(statement.end_lineno or first, statement.end_col_offset or 0)
    source = whole[begin:end]
    for start, stop in sorted((_cut(node, whole, place) for node in ast.walk(statement)), reverse=True):
        if stop:
            source = source[: start - begin] + source[stop - begin :]
    return source.decode()


def _cut(node: ast.AST, whole: bytes, place: Callable[[int, int], int]) -> tuple[int, int]:
    """From where to where an annotation goes; (0, 0) if there is none."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
        start = whole.rindex(b"->", 0, place(node.returns.lineno, node.returns.col_offset))
        return len(whole[:start].rstrip()), place(node.returns.end_lineno or 0, node.returns.end_col_offset or 0)
    if isinstance(node, ast.arg) and node.annotation:
        start = place(node.lineno, node.col_offset) + len(node.arg.encode())
        return start, place(node.annotation.end_lineno or 0, node.annotation.end_col_offset or 0)
    if isinstance(node, ast.AnnAssign) and node.value:
        start = place(node.target.end_lineno or 0, node.target.end_col_offset or 0)
        return start, place(node.annotation.end_lineno or 0, node.annotation.end_col_offset or 0)
    return 0, 0
