"""What several tests need: a small scenario and fake environments on disk, and a way to run the command line on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main

SCENARIO = '''
"""A small classification for the fake backend: 8 features, 4 classes, random clusters."""
from suite import Data, Scenario


def model():
    raise AssertionError("the fake backend has a network of its own")


def data():
    import numpy as np

    random = np.random.default_rng(7)
    y = random.integers(0, 4, 256 + 64).astype(np.int32)
    x = (random.normal(size=(4, 8))[y] + random.normal(size=(len(y), 8))).astype(np.float32)
    return Data(x=x[:256], y=y[:256], predict=x[256:])


SCENARIO = Scenario(
    name="{name}", description="random clusters", model=model, data=data, optimizer=model, loss="none", batch=32, steps=25,
    synchronized={synchronized}, last_batch={last_batch},
)
'''


class Parity:
    """The command line on a folder of its own: `scenarios/`, `environments.toml`, `run/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = folder / "run"
        (folder / "scenarios").mkdir()

    def scenario(self, name: str, *, synchronized: bool = False, last_batch: int = 0) -> Path:
        path = self.folder / "scenarios" / f"{name.replace('-', '_')}.py"
        chosen = {"{name}": name, "{synchronized}": str(synchronized), "{last_batch}": str(last_batch)}
        text = SCENARIO
        for word, value in chosen.items():
            text = text.replace(word, value)
        path.write_text(text)
        return path

    def environments(self, variables: Mapping[str, Mapping[str, str]]) -> None:
        lines = []
        for name, values in variables.items():
            quoted = ", ".join(f'{key} = "{value}"' for key, value in values.items())
            lines.append(f'[environments.{name}]\nbackend = "fake"\nvariables = {{ {quoted} }}\n')
        (self.folder / "environments.toml").write_text("\n".join(lines))

    def arguments(self, *extra: str) -> list[str]:
        scenarios = [path.stem.replace("_", "-") for path in sorted((self.folder / "scenarios").glob("*.py"))]
        chosen = [word for name in scenarios for word in ("--scenario", name)]
        files = ["--scenario-path", str(self.folder / "scenarios"), "--environments", str(self.folder / "environments.toml")]
        return ["compare", *files, *chosen, "--backend", "fake", "--reference", "fake-a", "--out", str(self.run), *extra]

    def compare(self, *extra: str) -> tuple[int, dict[str, Any]]:
        """Exit code and results.json."""
        code = main(self.arguments(*extra))
        return code, self.results()

    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run / "results.json").read_text())
        return found


@pytest.fixture
def parity(tmp_path: Path) -> Parity:
    return Parity(tmp_path)


@pytest.fixture(scope="session")
def parity_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Parity]:
    return lambda name: Parity(tmp_path_factory.mktemp(name))
