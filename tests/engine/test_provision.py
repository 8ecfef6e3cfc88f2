"""Environments, for real: virtual environments, pip, and packages of a few bytes that take the names of the large ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from suite.engine import installer
from suite.engine.provision import MARKER, look
from suite.records import Environment
from tests.engine.machine import ONE, ROOT, Machine, ask, distributions, package, wheel, without_processes

pytestmark = pytest.mark.usefixtures("only_this_index")


# ---------------------------------------------------------------- virtual environments


def test_an_environment_is_made_once_and_found_without_a_process(machine: Machine, index: Path) -> None:
    made = machine.one(ONE)
    assert made.reason == "" and Path(made.python) == machine.folder / "one" / "bin" / "python"
    assert made.packages == {
        "python": sys.version.split()[0], "keras": "3.15.1", "numpy": "2.4.6", "torch": "2.13.0", "safetensors": "0.8.0",
    }  # fmt: skip
    assert machine.said[0] == "environment one: installing torch==2.13.0, keras==3.15.1, numpy, safetensors, msgspec, psutil"
    assert machine.said[1].startswith("environment one: ready in ")
    assert not (index / "elsewhere").exists()
    assert ask(made.python, "import keras, torch, msgspec, psutil; print(keras.__version__)") == "3.15.1"

    with without_processes():
        assert machine.one(ONE) == made and machine.said == []

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


def test_different_requirements_or_an_interruption_make_it_again(machine: Machine) -> None:
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
    assert made["one"].reason == "" and machine.said[0].endswith("keras==3.15.1, numpy, safetensors, msgspec, psutil")


def test_variants_share_what_is_installed_where_they_need_the_same(machine: Machine) -> None:
    on_gpu = replace(ONE, name="one@gpu", device="gpu", gpu_requirements=ONE.requirements)
    exact = replace(on_gpu, name="one@gpu-exact", precision="exact")
    on_cpu = replace(on_gpu, name="one@cpu", device="cpu")
    made = machine.all(on_gpu, exact, on_cpu)
    assert [line for line in machine.said if "installing" in line] == [machine.said[0]]
    assert machine.said[0].startswith("environment one: installing")
    assert {one.python for one in made.values()} == {str(machine.folder / "one" / "bin" / "python")}
    assert {name: one.environment for name, one in made.items()} == {
        one.name: replace(one, python=made[one.name].python) for one in (on_gpu, exact, on_cpu)
    }
    found, missing = look((on_gpu, exact, on_cpu), folder=machine.folder, device="cpu")
    assert (found, missing) == (made, {})


def test_a_variant_on_a_gpu_has_its_own_where_it_needs_other_packages(machine: Machine) -> None:
    smaller = tuple(one for one in ONE.requirements if not one.startswith("numpy"))
    on_cpu = replace(ONE, name="one@cpu", device="cpu", gpu_requirements=smaller)
    on_gpu = replace(on_cpu, name="one@gpu", device="gpu")
    made = machine.all(on_cpu, on_gpu)
    homes = [Path(one.python).parent.parent.name for one in made.values()]
    assert homes == ["one", "one@gpu"]


def test_a_requirement_that_cannot_be_installed_is_a_reason_and_the_others_are_ready(
    machine: Machine, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", index.as_uri())
    bad = Environment(name="bad", backend="jax", requirements=("no-such-package==7", "keras"))
    made = machine.all(bad, ONE)
    assert list(made) == ["bad", "one"] and made["one"].reason == ""
    assert made["bad"].reason.startswith(
        "installing no-such-package==7, keras, safetensors, msgspec, numpy, psutil failed: "
    )
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
    """Its pip lives on: the next command waits for it, and starts again."""
    started, go_on = tmp_path / "started", tmp_path / "go on"
    wait = (
        f"import pathlib, time; pathlib.Path({str(started)!r}).touch()\n"
        f"    for _ in range(400):\n"
        f"        if pathlib.Path({str(go_on)!r}).exists(): break\n"
        f"        time.sleep(0.05)"
    )
    slow = replace(ONE, requirements=(*ONE.requirements, str(package(tmp_path / "slow", "", before=wait))))
    code = f"from tests.engine.machine import *; Machine(folder=Path({str(machine.folder)!r})).one({slow!r})"
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
        "/no/such/python": "its python is /no/such/python, which is not a file: give an interpreter that exists",
        str(tmp_path): f"its python is {tmp_path}, which is not a file",
        str(text): f"{text} cannot be started: Permission denied",
        "/bin/false": "/bin/false does not answer like a Python interpreter: exit code 1",
        str(old): f"{old} is Python 3.9.1, but the suite needs at least 3.11",
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


def test_the_packages_found_do_not_depend_on_the_folder(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = machine.one(Environment(name="pretend", backend="fake"))
    wheel(tmp_path / "here", "stray", "1.0")
    with zipfile.ZipFile(tmp_path / "here" / "stray-1.0-py3-none-any.whl") as file:
        file.extractall(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert machine.one(Environment(name="pretend", backend="fake")) == before


# ---------------------------------------------------------------- looking without touching


def test_looking_installs_nothing_and_says_what_would_be(machine: Machine, interpreter: Path) -> None:
    pretend, mine = Environment(name="pretend", backend="fake"), given(interpreter)
    found, missing = look((ONE, pretend, mine), folder=machine.folder, device="cpu")
    assert not machine.folder.exists()
    assert missing == {
        "one": "torch==2.13.0, keras==3.15.1, numpy, safetensors, msgspec, psutil", "mine": "safetensors, msgspec",
    }  # fmt: skip
    assert [(one.python, one.digest, one.reason) for one in (found["one"], found["mine"])] == [("", "", "")] * 2
    assert found["pretend"].digest


def test_looking_sees_what_provisioning_made(machine: Machine, interpreter: Path) -> None:
    environments = (ONE, given(interpreter), Environment(name="pretend", backend="fake"))
    made = machine.all(*environments)
    assert look(environments, folder=machine.folder, device="cpu") == (made, {})
    _, missing = look((replace(ONE, requirements=("torch",)),), folder=machine.folder, device="cpu")
    assert missing == {"one": "torch, safetensors, msgspec, numpy, psutil"}
    _, missing = look((ONE,), folder=machine.folder, device="cpu", plugins=("more==1",))
    assert missing == {"one": "more==1"}


def test_looking_says_why_an_environment_cannot_be(machine: Machine) -> None:
    found, missing = look((given("/no/such/python"),), folder=machine.folder, device="cpu")
    assert found["mine"].reason.startswith("its python is /no/such/python, which is not a file") and missing == {}
