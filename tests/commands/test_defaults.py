"""parity.toml and [tool.parity] give options their defaults; the command line takes their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suite.commands import COMMANDS, arguments, defaults, options
from suite.commands.options import CompareOptions
from suite.records import ConfigurationError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compare(*words: str) -> CompareOptions:
    parser = arguments.parser()
    given = ["compare", *words]
    defaults.apply(arguments.commands(parser), given)
    found: CompareOptions = options.of(parser.parse_args(given))
    return found


def test_without_a_file_nothing_changes() -> None:
    parser = arguments.parser()
    assert compare() == options.of(parser.parse_args(["compare"]))


def test_every_kind_of_option_has_a_default(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(
        '[tool.parity]\ndevices = [2, 1]\nscenario-path = ["mine"]\nseeds = 3\nsmoke = true\nfail-on = "by-design"\n'
        'device = "cpu"\nout = "here"\n[tool.other]\nx = 1\n'
    )
    found = compare()
    assert (found.devices, found.scenario_path, found.seeds) == ((1, 2), (Path("mine"),), 3)
    assert (found.smoke, found.fail_on, found.environments.device) == (True, "by design", "cpu")
    assert found.running.out == Path("here")


def test_the_command_line_takes_the_place_of_a_default(folder: Path) -> None:
    (folder / "parity.toml").write_text('scenario-path = ["mine"]\ndevices = [4]\nquiet = true\n')
    found = compare("--scenario-path", "yours", "--devices=1")
    assert (found.scenario_path, found.devices, found.running.quiet) == ((Path("yours"),), (1,), True)


def test_parity_toml_comes_before_the_project(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.parity]\nseeds = 1\n")
    (folder / "parity.toml").write_text("seeds = 2\n")
    assert compare().seeds == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("device = 'tpu'", "parity.toml: device is 'tpu', wanted one of auto, cpu, gpu"),
        ("devices = [0]", "parity.toml: devices is '0': got 0, wanted a whole number of at least 1"),
        ("seeds = 'many'", "parity.toml: seeds is 'many': "),
        ("smoke = 1", "parity.toml: smoke is 1, wanted true or false"),
        ("plugin = 'one'", "parity.toml: plugin is 'one', wanted a list"),
        ("out = {a = 1}", "parity.toml: out is {'a': 1}, wanted text or a number"),
        ("nonsense = 1", "parity.toml: unknown option 'nonsense'; it takes the long options"),
        ("help = true", "parity.toml: unknown option 'help'"),
        ("broken", "parity.toml is not TOML: "),
    ],
)
def test_a_default_that_cannot_be_one_is_a_sentence(folder: Path, line: str, words: str) -> None:
    (folder / "parity.toml").write_text(f"{line}\n")
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        compare()


def test_a_table_that_is_none_is_a_sentence(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool]\nparity = 3\n")
    with pytest.raises(ConfigurationError, match=re.escape("pyproject.toml: tool.parity is 3, wanted a table of options")):
        compare()


def test_other_commands_lack_what_they_lack(folder: Path) -> None:
    (folder / "parity.toml").write_text("smoke = true\nseeds = 2\n")
    parser = arguments.parser()
    defaults.apply(arguments.commands(parser), ["diff", "a", "b"])
    assert options.of(parser.parse_args(["diff", "a", "b"])) == options.DiffOptions(before=Path("a"), now=Path("b"))
    assert set(arguments.commands(parser)) == set(COMMANDS)
