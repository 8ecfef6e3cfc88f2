"""Environments, for real: virtual environments, pip, and packages of a few bytes that take the names of the large ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from suite.engine import installer
from suite.engine.provision import MARKER, plugin, provision
from suite.records import Environment, Provisioned

ROOT = Path(__file__).resolve().parents[2]
WARM = 0.1  # seconds for a call that finds everything ready: every command waits for it
LARGE = {"keras": "3.15.1", "torch": "2.13.0", "numpy": "2.4.6", "safetensors": "0.8.0", "msgspec": "0.22.0"}
ONE = Environment(name="one", backend="torch", requirements=("torch==2.13.0", "keras==3.15.1", "numpy"))


def wheel(folder: Path, name: str, version: str, text: str = "", requires: tuple[str, ...] = ()) -> Path:
    """A package of one module, as pip wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, metadata = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}/__init__.py", text or f'__version__ = "{version}"\n')
        file.writestr(f"{metadata}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        file.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = [f"{name}/__init__.py", f"{metadata}/METADATA", f"{metadata}/WHEEL", f"{metadata}/RECORD"]
        file.writestr(f"{metadata}/RECORD", "".join(f"{one},,\n" for one in names))
    return path


def package(folder: Path, text: str, *, before: str = "") -> Path:
    """A package as a folder with its own build backend (pip needs nothing else); `before` runs when it is built."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "module.py").write_text(text)
    (folder / "backend.py").write_text(
        f"""
import pathlib, sys
def build_wheel(directory, config_settings=None, metadata_directory=None):
    {before or "pass"}
    sys.path.insert(0, {str(ROOT)!r})
    from tests.engine.test_provision import wheel
    return wheel(pathlib.Path(directory), "added", "1.0", pathlib.Path("module.py").read_text(), requires=("keras",)).name
""".replace("from tests.engine.test_provision import wheel", f"{_source_of_wheel()}")
    )
    return folder


def _source_of_wheel() -> str:
    import inspect
    import textwrap

    return "import zipfile\n    from pathlib import Path\n" + textwrap.indent(inspect.getsource(wheel), "    ")


@dataclass(kw_only=True)
class Machine:
    """A folder of environments, and what was said while they were made."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def all(
        self, *environments: Environment, plugins: tuple[str, ...] = (), device: str = "cpu"
    ) -> Mapping[str, Provisioned]:
        self.said.clear()
        return provision(environments, folder=self.folder, device=device, plugins=plugins, report=self.said.append)

    def one(self, environment: Environment, *plugins: str) -> Provisioned:
        return self.all(environment, plugins=plugins)[environment.name]


def ask(python: str, code: str, *path: str) -> str:
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, check=True, env=variables)
    return done.stdout.strip()


def distributions(python: str) -> set[str]:
    code = "import importlib.metadata as m; print(*[d.name for d in m.distributions()])"
    return set(ask(python, code).split())


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    for name, version in LARGE.items():
        wheel(folder, name, version)
    wheel(folder, "keras", "3.14.1")
    return folder


@pytest.fixture(autouse=True)
def only_this_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network; and a shell that would lead an installer astray."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_TARGET", str(index / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(folder=tmp_path / "environments")


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory, index: Path) -> Path:
    """One of the user's: Keras and a backend, and nothing that only the suite needs."""
    home = tmp_path_factory.mktemp("interpreter")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--find-links",
        str(index),
        "keras",
        "torch",
        "numpy",
    ]
    subprocess.run(command, check=True, env=installer.variables_of_pip())
    return python


@pytest.fixture
def coordinator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Plugins are installed into the interpreter that runs the suite: here one that may be changed."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "coordinator")], check=True)
    python = str(tmp_path / "coordinator" / "bin" / "python")
    monkeypatch.setattr(sys, "executable", python)
    return python


# ---------------------------------------------------------------- virtual environments


def test_an_environment_is_made_once_and_found_in_milliseconds(machine: Machine, index: Path) -> None:
    made = machine.one(ONE)
    assert made.reason == "" and Path(made.python) == machine.folder / "one" / "bin" / "python"
    assert made.packages == {
        "python": sys.version.split()[0], "keras": "3.15.1", "numpy": "2.4.6", "torch": "2.13.0", "safetensors": "0.8.0",
    }  # fmt: skip
    assert machine.said[0] == "environment one: installing torch==2.13.0, keras==3.15.1, numpy"
    assert machine.said[1].startswith("environment one: ready in ")
    assert not (index / "elsewhere").exists()
    assert ask(made.python, "import keras, torch, msgspec; print(keras.__version__)") == "3.15.1"

    start = time.perf_counter()
    again = machine.one(ONE)
    assert time.perf_counter() - start < WARM
    assert again == made and machine.said == []

    # What is not in the virtual environment changes the digest, and installs nothing.
    variables = machine.one(replace(ONE, variables=(("JAX_ENABLE_X64", "1"),)))
    (machine.folder / "keras").mkdir()
    (machine.folder / "keras" / "__init__.py").write_text('__version__ = "3.16.0"\n')
    checkout = machine.one(replace(ONE, pythonpath=(str(machine.folder),)))
    (machine.folder / "keras" / "__init__.py").write_text('__version__ = "3.16.0"  # and a change\n')
    changed = machine.one(replace(ONE, pythonpath=(str(machine.folder),)))
    assert len({made.digest, variables.digest, checkout.digest, changed.digest}) == 4
    assert checkout.packages["keras"] == f"3.16.0 of {machine.folder}"
    assert machine.said == []


def test_other_requirements_or_an_interruption_make_it_anew(machine: Machine) -> None:
    machine.one(ONE)
    home = machine.folder / "one"
    for damage in ("half", "other"):
        (home / "left over").touch()
        if damage == "half":
            (home / MARKER).write_text((home / MARKER).read_text()[:40])
        wanted = replace(ONE, requirements=(*ONE.requirements[:1], "keras==3.14.1", "numpy")) if damage == "other" else ONE
        made = machine.one(wanted)
        assert made.packages["keras"] == ("3.14.1" if damage == "other" else "3.15.1")
        assert machine.said and not (home / "left over").exists()


def test_the_device_chooses_the_requirements(machine: Machine) -> None:
    made = machine.all(replace(ONE, requirements=("no-such-package",), gpu_requirements=ONE.requirements), device="gpu")
    assert made["one"].reason == "" and machine.said[0].endswith("keras==3.15.1, numpy")


def test_what_cannot_be_installed_is_a_reason_and_the_others_are_ready(
    machine: Machine, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", index.as_uri())
    bad = Environment(name="bad", backend="jax", requirements=("no-such-package==7", "keras"))
    made = machine.all(bad, ONE)
    assert list(made) == ["bad", "one"] and made["one"].reason == ""
    assert made["bad"].reason.startswith("installing no-such-package==7, keras failed: ")
    assert "No matching distribution found for no-such-package==7" in made["bad"].reason
    assert made["bad"].reason.endswith(str(machine.folder / "bad.log")) and "\n" not in made["bad"].reason
    log = (machine.folder / "bad.log").read_text()
    assert "No matching distribution" in log and "Looking in links: <address>" in log and "://" not in log
    assert f"environment bad is unavailable: {made['bad'].reason}" in machine.said


def test_an_environment_without_keras_or_its_backend_is_not_ready(machine: Machine) -> None:
    made = machine.one(replace(ONE, requirements=("numpy",)))
    assert made.reason.endswith("has no keras and no torch: add it to the environment one")


def test_two_commands_at_once_make_it_once(machine: Machine) -> None:
    other = Machine(folder=machine.folder)
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda each: each.one(ONE), (machine, other))
    assert first == second and first.reason == ""
    said = [line for line in machine.said + other.said if "installing" in line]
    assert len(said) == 1


@pytest.mark.timeout(120)
def test_a_command_that_is_killed_leaves_no_half_environment(machine: Machine, tmp_path: Path) -> None:
    """Its pip lives on: the next command waits for it, and begins anew."""
    started, go_on = tmp_path / "started", tmp_path / "go on"
    wait = (
        f"import pathlib, time; pathlib.Path({str(started)!r}).touch()\n"
        f"    for _ in range(400):\n"
        f"        if pathlib.Path({str(go_on)!r}).exists(): break\n"
        f"        time.sleep(0.05)"
    )
    slow = replace(ONE, requirements=(*ONE.requirements, str(package(tmp_path / "slow", "", before=wait))))
    code = f"from tests.engine.test_provision import *; Machine(folder=Path({str(machine.folder)!r})).one({slow!r})"
    command = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    _until(started.exists)
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert (machine.folder / "one" / "bin" / "python").exists()
    with ThreadPoolExecutor() as pool:
        made = pool.submit(machine.one, slow)
        _until(lambda: bool(machine.said))
        assert machine.said == ["environment one: waiting for another command that is making it"]
        go_on.touch()
        assert made.result().reason == ""
    assert machine.said[1].startswith("environment one: installing")
    assert ask(made.result().python, "import added, torch") == ""


def _until(true: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


# ---------------------------------------------------------------- interpreters that exist


def given(python: Path | str, **values: object) -> Environment:
    return replace(Environment(name="mine", backend="torch", python=str(python)), **values)  # type: ignore[arg-type]


def test_an_interpreter_gets_what_the_worker_needs_beside_it_and_is_not_changed(machine: Machine, interpreter: Path) -> None:
    before = distributions(str(interpreter))
    made = machine.one(given(interpreter))
    beside = str(machine.folder / "mine-worker")
    assert made.reason == "" and made.python == str(interpreter) and made.environment.pythonpath == (beside,)
    assert made.packages["safetensors"] == "0.8.0"
    assert machine.said == ["environment mine: adding safetensors, msgspec beside its interpreter"]
    assert distributions(str(interpreter)) == before and "msgspec" not in before
    assert ask(made.python, "import msgspec, keras; print(keras.__file__)", beside).startswith(str(interpreter.parents[1]))
    assert machine.one(given(interpreter)) == made and machine.said == []


def test_an_interpreter_that_cannot_get_it_is_a_reason(
    machine: Machine, interpreter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    made = machine.one(given(interpreter))
    assert made.reason.startswith(f"adding safetensors, msgspec beside {interpreter} failed: ")


def test_an_interpreter_without_the_backend_is_a_reason(machine: Machine, interpreter: Path) -> None:
    made = machine.one(given(interpreter, backend="tensorflow"))
    assert made.reason == f"{interpreter} has no tensorflow: add it to the environment mine"


def test_an_interpreter_that_is_none_is_a_reason(machine: Machine, tmp_path: Path) -> None:
    text, old = tmp_path / "text", tmp_path / "old"
    text.write_text("no program")
    old.write_text(
        '#!/bin/sh\necho \'{"python": "3.9.1", "packages": {}, "modules": {"safetensors": true, "msgspec": true}}\'\n'
    )
    old.chmod(0o755)
    reasons = {
        "/no/such/python": "its python is /no/such/python, which is no file: give an interpreter that exists",
        str(tmp_path): f"its python is {tmp_path}, which is no file",
        str(text): f"{text} cannot be started: Permission denied",
        "/bin/false": "/bin/false does not answer like a Python interpreter: exit code 1",
        str(old): f"{old} is Python 3.9.1, wanted at least 3.11",
    }
    for python, reason in reasons.items():
        assert machine.one(given(python)).reason.startswith(reason)


def test_an_interpreter_that_hangs_is_a_reason(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "ANSWER_SECONDS", 0.2)
    (tmp_path / "slow").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "slow").chmod(0o755)
    assert machine.one(given(tmp_path / "slow")).reason == f"{tmp_path / 'slow'} gave no answer in 0 seconds"


def test_a_pythonpath_that_is_not_there_is_a_reason(machine: Machine, interpreter: Path) -> None:
    made = machine.one(given(interpreter, pythonpath=("/no/such/folder",)))
    assert made.reason == "its pythonpath has /no/such/folder, which does not exist: correct or remove it"


def test_the_fake_backend_runs_where_the_suite_runs(machine: Machine) -> None:
    made = machine.one(Environment(name="pretend", backend="fake"))
    assert made.python == sys.executable and made.reason == "" and made.digest


def test_what_is_found_does_not_depend_on_the_folder(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = machine.one(Environment(name="pretend", backend="fake"))
    wheel(tmp_path / "here", "stray", "1.0")
    with zipfile.ZipFile(tmp_path / "here" / "stray-1.0-py3-none-any.whl") as file:
        file.extractall(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert machine.one(Environment(name="pretend", backend="fake")) == before


# ---------------------------------------------------------------- plugins


def test_a_plugin_is_added_to_every_environment_and_to_the_coordinator(
    machine: Machine, interpreter: Path, coordinator: str, tmp_path: Path
) -> None:
    source = package(tmp_path / "added", "VALUE = 1\n")
    value = "import added; print(added.VALUE)"
    made = machine.all(ONE, given(interpreter), plugins=(str(source),))
    assert [one.reason for one in made.values()] == ["", ""]
    beside = made["mine"].environment.pythonpath
    assert [ask(made["one"].python, value), ask(str(interpreter), value, *beside), ask(coordinator, value)] == ["1"] * 3

    assert not (machine.folder / "mine-worker" / "keras").exists()  # the plugin wants Keras; the interpreter has one

    start = time.perf_counter()
    assert machine.one(ONE, str(source)) == made["one"] and machine.said == []
    assert time.perf_counter() - start < 3 * WARM  # what the plugin holds, and what is installed here, is looked at again

    package(source, "VALUE = 2\n")
    again = machine.all(ONE, given(interpreter), plugins=(str(source),))
    assert [ask(again["one"].python, value), ask(str(interpreter), value, *beside), ask(coordinator, value)] == ["2"] * 3
    assert again["mine"].digest != made["mine"].digest


def test_a_wheel_of_the_same_version_is_installed_again_when_it_holds_something_else(
    machine: Machine, coordinator: str, tmp_path: Path
) -> None:
    for value in ("1", "2"):
        path = wheel(tmp_path / "wheels", "added", "1.0", f"VALUE = {value}\n")
        made = machine.one(ONE, str(path))
        assert ask(made.python, "import added; print(added.VALUE)") == value


def test_a_plugin_may_not_change_what_was_there(machine: Machine, coordinator: str, tmp_path: Path) -> None:
    path = wheel(tmp_path / "wheels", "added", "1.0", requires=("keras==3.14.1",))
    before = machine.one(ONE)
    made = machine.all(ONE, Environment(name="pretend", backend="fake", python=before.python), plugins=(str(path),))
    assert (
        made["one"].reason.startswith(f"installing the plugin {path} failed: ") and "keras==3.14.1" in made["one"].reason
    ), made
    assert made["pretend"].reason == ""
    assert ask(before.python, "import keras; print(keras.__version__)") == "3.15.1"
    assert machine.one(ONE) == before


def test_a_plugin_that_is_not_there_makes_every_environment_unavailable(machine: Machine, coordinator: str) -> None:
    made = machine.all(ONE, Environment(name="pretend", backend="fake"), plugins=("no-such-plugin",))
    assert [one.reason.startswith("installing the plugin no-such-plugin failed: ") for one in made.values()] == [True, True]


def test_a_plugin_is_known_by_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plugin("name==1.0").wanted == plugin("name==1.0").identity == "name==1.0"
    source = package(tmp_path / "added", "VALUE = 1\n")
    before = plugin(str(source))
    for left in ("build/lib/x.py", "__pycache__/x.pyc", "added.egg-info/PKG-INFO", ".git/HEAD"):
        (source / left).parent.mkdir(parents=True)
        (source / left).touch()
    assert plugin(str(source)) == before
    (source / "module.py").write_text("VALUE = 2\n")
    assert plugin(str(source)) != before
    monkeypatch.chdir(tmp_path)
    assert plugin("added").wanted == str(source)
    (tmp_path / "name").mkdir()
    assert plugin("name").wanted == "name"


# ---------------------------------------------------------------- what is shown


def test_addresses_are_not_shown() -> None:
    shown = installer._public("Looking in https://me:secret@index.example/simple, HTTPSConnectionPool(host='index.example')")
    assert "example" not in shown and "secret" not in shown and shown.startswith("Looking in <address>, HTTPS")


def test_pip_never_installs_for_the_user_nor_asks() -> None:
    """Where a site is not writable, pip would fall back to the user's."""
    shell = {
        "PIP_USER": "1",
        "PIP_TARGET": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "PIP_INDEX_URL": "kept",
        "HOME": "/home/me",
    }
    variables = installer.variables_of_pip(shell)
    assert variables.items() >= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_INDEX_URL": "kept", "HOME": "/home/me"}.items()
    assert not {"PIP_TARGET", "PYTHONPATH"} & variables.keys()
