"""Files with scenarios, for the tests of what is found."""

from __future__ import annotations

from pathlib import Path

GOOD = """from suite.records import Data, Scenario


def model():
    raise AssertionError("not called here")


SCENARIO = Scenario(
    name="{name}", description="words", model=model, data=model, optimizer=model, loss="mean_squared_error"
)
"""


def write(folder: Path, file: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_text(text)
    return path


def good(folder: Path, name: str) -> Path:
    return write(folder, f"{name.replace('-', '_')}.py", GOOD.replace("{name}", name))
