"""uv is used where it installs the same as pip, with the same settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from suite.engine import uv


def test_it_is_found_beside_the_interpreter_and_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "path").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert uv.command() is None
    for folder in ("path", "beside"):
        program = tmp_path / folder / "uv"
        program.touch(mode=0o755)
        assert uv.command() == str(program)


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("JAX[cuda12]==0.10.2", "jax"),
        ("Scikit_Learn >= 1", "scikit-learn"),
        ("a.b; python_version > '3'", "a-b"),
        ("./folder", ""),
    ],
)
def test_a_requirement_has_a_name_and_a_path_has_none(requirement: str, name: str) -> None:
    assert uv.name_of(requirement) == name


def test_it_installs_names_and_leaves_files_to_pip() -> None:
    assert uv.installs(["jax[cuda12]==0.10.2", "keras", "numpy<3; python_version > '3'"])
    assert not uv.installs(["jax", "./keras"])
    assert not uv.installs(["keras @ file:///keras.whl"])


def test_settings_of_pip_are_translated_and_the_shell_wins() -> None:
    configuration = """global.index-url='one'
global.extra-index-url='two\\nthree'
global.timeout='60'
:env:.index-url='of the shell'
:env:.find-links='/a /b'
install.no-index='false'
"""
    assert uv.variables(configuration, {"HOME": "/home/me"}) == {
        "UV_DEFAULT_INDEX": "of the shell",
        "UV_INDEX": "two three",
        "UV_FIND_LINKS": "/a,/b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    told = uv.variables("global.index-url='one'", {"UV_DEFAULT_INDEX": "mine"})
    assert told is not None and told["UV_DEFAULT_INDEX"] == "mine"


@pytest.mark.parametrize(
    ("configuration", "flags"),
    [
        ("global.no-index='1'", ["--no-index"]),
        ("global.no-index='0'\n:env:.no-index='true'", ["--no-index"]),
        ("install.no-index='false'", []),
        ("global.timeout='60'", []),
        ("", []),
    ],
)
def test_an_index_that_pip_may_not_ask_is_forbidden_to_uv_by_a_flag(configuration: str, flags: list[str]) -> None:
    """It has no variable for that: it would install from the public index what a closed network must not ask for."""
    assert uv.flags(configuration) == flags
    assert uv.variables(configuration, {}) is not None


@pytest.mark.parametrize("setting", ["global.proxy='x'", "install.pre='true'", ":env:.only-binary=':all:'"])
def test_a_setting_that_uv_lacks_leaves_everything_to_pip(setting: str) -> None:
    assert uv.variables(f"global.timeout='1'\n{setting}\n", {}) is None
