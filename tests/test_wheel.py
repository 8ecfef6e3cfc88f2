"""The wheel is all that a user needs: built, installed in a clean virtual environment, and used from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import SCENARIO

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.timeout(600)  # builds and installs, from a package index


def shell(home: Path) -> dict[str, str]:
    """A user's: nothing of this project in it."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PARITY_ENVIRONMENTS", "VIRTUAL_ENV")
    }
    return kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def parity(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed with what it depends on."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    subprocess.run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    return home / "bin" / "parity"


def run(parity: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(parity), *arguments], cwd=folder, env=shell(folder), capture_output=True, text=True, timeout=300, check=False
    )


def test_the_wheel_also_holds_files_that_are_not_code(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"suite"}, "nothing else of a checkout belongs into a user's site-packages"
    for folder, patterns in (("suite", ("*.py", "*.toml", "*.css", "*.js", "*.j2", "py.typed")), ("scenarios", ("*.py",))):
        files = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in (ROOT / folder).rglob(pattern)}
        assert files and {name if folder == "suite" else f"suite/{name}" for name in files} <= names
    assert "suite/selftest/selftest.json" in names
    assert not [name for name in names if "__pycache__" in name]


def test_a_scenario_runs_in_any_folder(parity: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    text = SCENARIO.replace("{name}", "clusters").replace("{synchronized}", "True").replace("{last_batch}", "0")
    (tmp_path / "mine" / "clusters.py").write_text(text)
    environments = "".join(
        f'[environments.fake-{name}]\nbackend = "fake"\nvariables = {{ PARITY_FAKE_ORDER = "{order}" }}\n'
        for name, order in (("a", 0), ("b", 1))
    )
    (tmp_path / "environments.toml").write_text(environments)
    installed = {path: path.stat().st_mtime_ns for path in parity.parents[1].rglob("*") if "__pycache__" not in path.parts}

    arguments = [
        "--scenario-path",
        "mine",
        "--scenario",
        "clusters",
        "--environments",
        "environments.toml",
        "--backend",
        "fake",
    ]
    done = run(parity, tmp_path, "compare", *arguments, "--reference", "fake-a", "--device", "cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "reports" / "latest" / "results.json").read_text())
    assert {row["status"] for row in results["runs"]} == {"complete"}
    assert (tmp_path / "reports" / "latest" / "index.html").is_file()
    assert list((tmp_path / "cache" / "keras-parity" / "environments").glob("suite-*/suite"))

    after = {path: path.stat().st_mtime_ns for path in parity.parents[1].rglob("*") if "__pycache__" not in path.parts}
    changed = {path for path in after if path.is_file() and installed.get(path) != after[path]}
    assert changed == set(), "nothing is written into an installation"


def test_built_in_scenarios_and_environments_come_with_it(parity: Path, tmp_path: Path) -> None:
    listed = run(parity, tmp_path, "scenarios", "list")
    assert listed.returncode == 0 and listed.stdout.count("\n") >= 13 and "article-mlp" in listed.stdout
    planned = run(parity, tmp_path, "plan", "--device", "cpu", "--scenario", "article-mlp")
    assert planned.returncode == 0, planned.stderr
    assert "environment torch would be made first: installing torch==" in planned.stdout
    assert not (tmp_path / "reports").exists() and not (tmp_path / "cache").exists()


def test_a_new_scenario_is_written_here_and_found_as_it_says(parity: Path, tmp_path: Path) -> None:
    done = run(parity, tmp_path, "new-scenario", "my-model")
    assert done.returncode == 0 and (tmp_path / "scenarios" / "my_model.py").is_file()
    assert done.stdout.splitlines() == [
        "scenarios/my_model.py",
        "run it: parity compare --scenario-path scenarios --scenario my-model",
    ]
    words = done.stdout.splitlines()[1].split()[4:]
    planned = run(parity, tmp_path, "plan", *words, "--device", "cpu")
    assert planned.returncode == 0 and "my-model/torch/single-x1" in planned.stdout, planned.stderr


def test_an_option_for_checkouts_only_is_refused(parity: Path, tmp_path: Path) -> None:
    done = run(parity, tmp_path, "selftest", "--keep", "--device", "cpu")
    assert done.returncode == 4 and "this keras-parity is installed: leave it out" in done.stderr
