"""Built-in environments are pinned; those of the user come from TOML, and a mistake in it is a sentence with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.plan.environments import environments
from suite.plan.locations import ROOT
from suite.records import ConfigurationError

VERSIONS = ROOT / "docs" / "environments" / "versions.toml"


def write(folder: Path, file: str, text: str) -> Path:
    path = folder / file
    path.write_text(text)
    return path


def test_the_built_in_environments_hold_one_backend_each() -> None:
    found = {one.name: one for one in environments()}
    assert found.keys() == {"tensorflow", "jax", "torch"}
    for name, one in found.items():
        assert one.backend == name and one.source == "built in"
        for requirements in (one.requirements, one.gpu_requirements):
            assert "keras==3.15.1" in requirements and all("==" in requirement for requirement in requirements)
            backends = [each for each in requirements if each.partition("==")[0].split("[")[0] in (*found, "tensorflow-cpu")]
            assert len(backends) == 1


def read(folder: Path, text: str) -> object:
    return environments([write(folder, "mine.toml", text)])[-1]


def test_a_user_adds_environments(tmp_path: Path) -> None:
    write(
        tmp_path,
        "mine.toml",
        """
        [environments."jax-keras-3.14"]
        backend = "jax"
        requirements = ["jax==0.10.2", "keras==3.14.1"]

        [environments.patched]
        backend = "torch"
        python = "venv/bin/python"
        pythonpath = ["../keras", "/opt/more"]
        variables = { B = "2", A = "1" }

        [environments.pretend]
        backend = "fake"
        device = "gpu"
        precision = "exact"
        deterministic = true
        """,
    )
    requirements, patched, pretend = environments([tmp_path / "mine.toml"])[-3:]
    assert requirements.requirements == requirements.gpu_requirements == ("jax==0.10.2", "keras==3.14.1")
    assert patched.python == str(tmp_path / "venv/bin/python") and patched.pythonpath[1] == "/opt/more"
    assert Path(patched.pythonpath[0]).resolve() == tmp_path.parent / "keras"
    assert patched.variables == (("A", "1"), ("B", "2")) and patched.source == str(tmp_path / "mine.toml")
    assert pretend.backend == "fake" and not pretend.requirements
    assert (pretend.device, pretend.precision, pretend.deterministic) == ("gpu", "exact", True)
    assert (patched.device, patched.precision, patched.deterministic) == ("", "", False)


ONE = '[environments.one]\nbackend = "jax"\n'
MISTAKES = {
    "x = 1\ny = ]": "is not TOML: .*line 2",
    "": r"has no \[environments.NAME\] table: see docs/environments.md",
    "environments = 3": r"has no \[environments.NAME\] table",
    "[environments]\none = 3": "environment 'one' is 3, wanted a table",
    '[environment.one]\nbackend = "jax"': r"unknown key 'environment', wanted only \[environments.NAME\] tables",
    '[environments.One]\nbackend = "jax"\npython = "/p"': "a name has at most 80 of lower case, digits, dots and hyphens",
    '[environments.jax-0.4]\nbackend = "jax"': r"'jax-0' holds the table '4': write a name with a dot as \"jax-0.4\", in",
    ONE + 'python = "/p"\nkeras = "3.14"': "unknown key 'keras'; it may have backend, deterministic, device, precision, "
    "python, pythonpath, requirements, variables",
    '[environments.one]\nbackend = "mxnet"\npython = "/p"': "backend 'mxnet', wanted one of tensorflow, jax, torch, fake",
    '[environments.one]\npython = "/p"': "backend None, wanted one of",
    ONE: "has neither requirements nor python: add one of them",
    ONE + "requirements = []": "has neither requirements nor python",
    ONE + 'python = "/p"\nrequirements = ["a"]': "has both requirements and python: keep one of them",
    '[environments.one]\nbackend = "fake"\npython = "/p"\nrequirements = ["a"]': "has both requirements and python",
    ONE + 'requirements = "jax==0.10.2"': "has requirements = 'jax==0.10.2', wanted a list of pip requirements",
    ONE + "requirements = [3]": r"has requirements = \[3\], wanted a list",
    ONE + "python = 3": "has python = 3, wanted the path of an interpreter",
    ONE + 'python = "/p"\npythonpath = "/q"': "has pythonpath = '/q', wanted a list of folders",
    ONE + 'python = "/p"\nvariables = ["A=1"]': r"has variables = \['A=1'\], wanted a table of strings",
    ONE + 'python = "/p"\nvariables = { A = 1 }': "wanted a table of strings",
    ONE + 'python = "/p"\ndevice = "tpu"': "has device = 'tpu', wanted one of cpu, gpu",
    ONE + 'python = "/p"\nprecision = "high"': "has precision = 'high', wanted one of default, exact",
    ONE + 'python = "/p"\ndeterministic = 1': "has deterministic = 1, wanted true or false",
    '[environments.torch]\nbackend = "torch"\npython = "/p"': r"'torch' already exists \(built in\): choose a different",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_a_file_is_a_sentence_with_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=MISTAKES[text]) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "mine.toml"))


def test_one_name_in_two_files_names_the_first(tmp_path: Path) -> None:
    text = ONE + 'python = "/p"'
    first, second = write(tmp_path, "a.toml", text), write(tmp_path, "b.toml", text)
    with pytest.raises(ConfigurationError, match=f"{second}: environment 'one' already exists .{first}."):
        environments([first, second])


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot be read \(No such file or directory\): give --environments a TOML"
    ):
        environments([tmp_path / "gone.toml"])
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        environments([tmp_path / "bytes.toml"])


def test_the_kept_versions_are_environments_that_pin_keras_and_their_backend() -> None:
    """Of two on one backend, no two have the same Keras: each is there to be compared."""
    kept = [one for one in environments([VERSIONS]) if one.source == str(VERSIONS)]
    pinned = [dict(text.split("==") for text in one.requirements) for one in kept]
    versions = [(one.backend, pins.get("keras") or pins["keras-nightly"]) for one, pins in zip(kept, pinned, strict=True)]
    assert len(set(versions)) == len(versions) > 0
    for one, pins in zip(kept, pinned, strict=True):
        assert {"tensorflow": "tensorflow-cpu"}.get(one.backend, one.backend) in pins
        assert {"numpy", "scikit-learn"} <= pins.keys(), "what the scenarios' data needs, and what NumPy it computes with"
