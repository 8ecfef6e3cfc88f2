"""Lints the page's script with oxlint: its files share one scope, so they are linted as the one script that the page holds.

    python .ci/lint_script.py

Prints every problem with the file and line that it stands in. The exit code is 1 if there are problems.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.report import html

HERE = Path(__file__).parent
OPENING = '"use strict"; (() => {'  # a line of its own before the first file, as in the page
CLOSING = "})();"


def joined(files: Sequence[Path]) -> tuple[str, list[str]]:
    """The files as one script, and for each of its lines the place `file:line` where it comes from."""
    lines, places = [OPENING], ["before the first file"]
    for file in files:
        content = file.read_text(encoding="utf-8").splitlines()
        lines += content
        places += [f"{file}:{number}" for number in range(1, len(content) + 1)]
    return "\n".join([*lines, CLOSING, ""]), [*places, "after the last file"]


def oxlint(text: str) -> list[dict[str, Any]]:
    """What oxlint finds in one script: its records `diagnostics`.

    Raises:
        RuntimeError: oxlint did not look at the script.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.js"
        script.write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["oxlint", "--config", str(HERE / "oxlintrc.json"), "--format", "json", str(script)],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = {}
    if document.get("number_of_files") != 1:
        raise RuntimeError(f"oxlint did not lint the script:\n{done.stdout}{done.stderr}")
    diagnostics: list[dict[str, Any]] = document["diagnostics"]
    return diagnostics


def sentence(diagnostic: dict[str, Any], places: Sequence[str]) -> str:
    """One problem as `file:line:column: message (rule)`."""
    spans = [label["span"] for label in diagnostic["labels"]]
    where = f"{places[spans[0]['line'] - 1]}:{spans[0]['column']}" if spans else "the whole script"
    return f"{where}: {diagnostic['message']} ({diagnostic.get('code', 'syntax')})"


def main() -> int:
    files = [html.HERE / "script" / f"{name}.js" for name in html.SCRIPTS]
    text, places = joined(files)
    problems = [sentence(diagnostic, places) for diagnostic in oxlint(text)]
    print("\n".join(problems) or f"oxlint: no problems in {len(files)} files, {len(places)} lines")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
