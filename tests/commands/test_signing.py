"""The key comes from a file or a variable, nobody else gets it, and --verify believes what was signed with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from suite.artifacts import reading
from suite.commands import main, signing
from suite.commands.options import SigningOptions
from suite.engine.variables import SIGNING_KEY, inherited
from suite.records import ConfigurationError, Session, UsageError
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN

KEY = "0123456789abcdef"
SIGN = SigningOptions(sign=True, verify=False, key_file=None)


def from_file(path: Path) -> SigningOptions:
    return SigningOptions(sign=False, verify=True, key_file=path)


def test_a_file_wins_over_the_variable_and_a_line_end_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY} of a file\n")
    assert signing.key(from_file(tmp_path / "key"), {SIGNING_KEY: KEY}) == f"{KEY} of a file".encode()
    assert signing.key(SIGN, {SIGNING_KEY: f"{KEY}\n"}) == KEY.encode()


def test_no_process_that_is_started_later_has_the_key() -> None:
    shell = {SIGNING_KEY: KEY, "PARITY_FAKE_ORDER": "1"}
    assert inherited(shell) == {"PARITY_FAKE_ORDER": "1"}
    signing.key(SigningOptions(sign=False, verify=False, key_file=None), shell)
    assert SIGNING_KEY not in shell


@pytest.mark.parametrize(
    ("shell", "error", "words"),
    [({}, UsageError, "need a key"), ({SIGNING_KEY: "short"}, ConfigurationError, "has 5 bytes, wanted at least 16")],
)
def test_no_key_and_a_short_one_are_sentences(shell: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        signing.key(SIGN, shell)


def test_a_key_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path / "pipe", tmp_path):
        with pytest.raises(ConfigurationError, match="the key cannot be read"):
            signing.key(from_file(path), {})


def test_a_signed_folder_is_believed_and_a_forged_one_is_not(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (parity.folder / "key").write_text(KEY)
    words = ["--out", str(parity.run), "--key-file", str(parity.folder / "key")]
    parity.scenario("clusters", synchronized=True)
    parity.environments(CLEAN)
    compare = parity.arguments("--devices", "1", "--steps", "2", "--verify", "--sign", *words)
    assert main(compare) == 0, "a folder that is not there yet needs no signature"
    assert "signed: " in capsys.readouterr().out
    assert main(["report", "--verify", *words]) == 0
    session = parity.run / "session.json"
    forged = reading.unsealed(session, Session)
    session.write_bytes(reading.sealed(forged).replace(b"random clusters", b"Random clusters"))
    session.write_bytes(reading.sealed(reading.record(session, Session)))
    assert main(["report", "--out", str(parity.run)]) == 0, "no seal can tell"
    capsys.readouterr()
    assert main(["report", "--verify", *words]) == 2
    assert "session.json was changed after" in capsys.readouterr().err
    monkeypatch.setenv(SIGNING_KEY, KEY)
    assert main(["report", "--sign", "--out", str(parity.run)]) == 0
    assert SIGNING_KEY not in os.environ
    assert main(["report", "--verify", *words]) == 0
