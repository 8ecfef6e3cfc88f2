"""How a command ends: whatever goes wrong has a sentence and an exit code of its own, and a bug of ours looks like
nothing else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite import commands
from suite.commands import COMMANDS, main
from suite.records import (
    BUG,
    BrokenPlugin,
    ConfigurationError,
    DamagedArtifact,
    FolderInUse,
    ParityError,
    ProvisionError,
    UnavailableDevice,
    UsageError,
    unknown_name,
)

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "command-line.md"
SHELL = os.environ | {"PYTHONPATH": str(ROOT)}


def ending(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The exit code of a command that raises."""

    def run(options: object) -> int:
        raise error

    monkeypatch.setattr(commands, "COMMANDS", {**COMMANDS, "scenarios": run})
    return main(["scenarios", "list"])


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ParityError, 2), (DamagedArtifact, 2), (ProvisionError, 2), (UnavailableDevice, 2), (FolderInUse, 2),
        (ConfigurationError, 3),
        (BrokenPlugin, 3), (UsageError, 4),
    ],
)  # fmt: skip
def test_an_expected_error_is_a_sentence_with_its_code(
    kind: type[ParityError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, kind("it is so")) == code
    assert capsys.readouterr() == ("", "parity: it is so\n")


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), AssertionError(), RecursionError(), TypeError("x")])
def test_a_bug_is_a_traceback_and_has_a_code_of_its_own(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, error) == BUG == 70
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "parity: this is a bug of keras-parity: please report it, with the command and the lines above"


@pytest.mark.parametrize("number", commands.ADVICE)
def test_an_error_of_the_operating_system_names_the_file_and_what_to_do(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, OSError(number, os.strerror(number), "/the/file")) == 2
    said = capsys.readouterr().err
    assert said.startswith("parity: /the/file: ") and said.count("\n") == 1
    assert any(f": {word}" in said or f", or {word}" in said for word in ("c", "make", "raise", "remove"))


def test_full_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(monkeypatch, MemoryError()) == 2
    assert capsys.readouterr().err.startswith("parity: memory is full: ")


def test_every_other_error_of_the_operating_system_is_a_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, OSError(errno.EDOM, "Numerical argument out of domain")) == 2
    said = capsys.readouterr().err
    assert said == "parity: its output, or a file: the operating system refused (Numerical argument out of domain)\n"


def test_an_interruption_says_that_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, KeyboardInterrupt()) == 130
    assert "finished runs are kept" in capsys.readouterr().err


def test_every_exit_code_is_documented() -> None:
    text = DOCUMENT.read_text().partition("## Exit codes")[2]
    kinds = [ParityError, *ParityError.__subclasses__()]
    codes = {0, 1, BUG, commands.INTERRUPTED, commands.PIPE_CLOSED, *(kind.exit_code for kind in kinds)}
    assert {
        int(line.split()[1]) for line in text.splitlines() if line.startswith("| ") and line.split()[1].isdigit()
    } == codes


def test_the_nearest_name_is_suggested() -> None:
    names = ["article-mlp", "sync-bn"]
    assert str(unknown_name("scenario", "artcle-mlp", names)) == (
        "no scenario 'artcle-mlp': did you mean 'article-mlp'? There are article-mlp, sync-bn"
    )
    assert str(unknown_name("scenario", "x", names)) == "no scenario 'x'; there are article-mlp, sync-bn"


# ---------------------------------------------------------------- as a program


def program(folder: Path, *arguments: str, prelude: str = "") -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    code = f"{prelude}\nimport sys\nfrom suite.commands import main\nsys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=SHELL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_out_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = program(tmp_path, "compare", "--device", "cpu", "--out", "taken")
    assert (done.returncode, done.stderr) == (2, "parity: taken: it is a file, wanted a folder: choose another name\n")
    done = program(tmp_path, "compare", "--device", "cpu", "--out", "taken/run")
    assert (done.returncode, done.stderr) == (
        2,
        "parity: taken/run: a part of it is a file, wanted folders: choose another name\n",
    )


def test_a_name_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    done = program(tmp_path, "compare", "--device", "cpu", "--out", "x" * 300)
    assert done.returncode == 2 and done.stderr.endswith("its name is too long: choose a shorter one\n")


def test_a_bug_is_no_usage_and_no_difference(tmp_path: Path) -> None:
    prelude = (
        "from suite.plan import discover\ndef scenarios(folders): raise ValueError('oh')\ndiscover.scenarios = scenarios"
    )
    done = program(tmp_path, "scenarios", "list", prelude=prelude)
    assert done.returncode == 70
    assert "Traceback" in done.stderr and "ValueError: oh" in done.stderr and "please report it" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """As in `parity scenarios list | head -1`."""
    command = [sys.executable, "-m", "suite", "scenarios", "list"]
    done = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.stdout and done.stderr
    done.stdout.close()
    assert (done.stderr.read(), done.wait(60)) == ("", 141)
    done.stderr.close()


def test_the_program_ends_with_the_code_of_the_command(tmp_path: Path) -> None:
    assert program(tmp_path, "--help").returncode == 0
    assert program(tmp_path, "nonsense").returncode == 4
    assert program(tmp_path, "report", "--out", "nowhere").returncode == 4


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line for a shell, in which $parity is the command line."""
    parity = f"{sys.executable} -m suite"
    return subprocess.run(
        ["bash", "-c", line.replace("$parity", parity)],
        cwd=folder,
        env=SHELL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_full_output_is_a_sentence(tmp_path: Path) -> None:
    done = shell("$parity scenarios list > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("parity: its output, or a file: no space is left") and done.stderr.count("\n") == 1


def test_a_closed_output_changes_nothing(tmp_path: Path) -> None:
    for line in ("$parity scenarios list >&-", "$parity scenarios list >&- 2>&- <&-", "$parity scenarios list 2>&-"):
        assert shell(line, tmp_path).returncode == 0
    done = shell("$parity nonsense >&- 2>&-", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")


def test_a_closed_output_does_not_become_a_file_of_somebody_else(tmp_path: Path) -> None:
    """The next file that is opened would have the number of the standard output."""
    done = shell(
        f'{sys.executable} -c \'from suite.commands import streams; streams.prepare(); f = open("x", "w"); '
        'print(1); import os; os.write(1, b"2"); f.close()\' >&- 2>&-',
        tmp_path,
    )
    assert done.returncode == 0 and (tmp_path / "x").read_text() == ""


def test_errors_that_nobody_reads_change_nothing(tmp_path: Path) -> None:
    assert shell("$parity report --out nowhere 2> /dev/full", tmp_path).returncode == 4


def test_an_output_that_has_few_characters_gets_escapes(tmp_path: Path) -> None:
    done = shell("PYTHONIOENCODING=ascii PYTHONUTF8=0 $parity repro 1 --results 'n\u00fcr.json'", tmp_path)
    assert done.returncode == 4 and "n\\xfcr.json cannot be read" in done.stderr


@pytest.mark.parametrize("word", ["\ud800", "a\0b"])
def test_a_word_that_is_no_text_is_a_sentence(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["compare", "--baseline", word], ["report", "--out", word], ["diff", word, word], [word]):
        assert main(words) == 4
        assert "is no text that a file system or terminal has" in capsys.readouterr().err
    assert main(["report", "--out", "\udcff"]) == 4, "a name in other bytes than UTF-8 is one"
    assert "is no run folder" in capsys.readouterr().err
