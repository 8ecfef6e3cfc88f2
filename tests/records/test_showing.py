"""What a person is shown obeys nothing, hides what is secret, and is otherwise what was there."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.records import Cause, Code, Environment, Job, Options, showing

OBEYED = {
    "a colour": ("\x1b[31mred\x1b[0m", "red"),
    "a title": ("\x1b]0;owned\x07text", "text"),
    "a link": ("\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "text"),
    "a clipboard": ("\x1b]52;c;cm0gLXJm\x07text", "text"),
    "an open string": ("text\x1b]0;never ends", "text"),
    "C1": ("\x9b31mred\x9b0m \x85", "red "),
    "a reset": ("\x1bcreset", "reset"),
    "a lone escape": ("text\x1b", "text"),
    "a bell and a backspace": ("a\x07b\x08c", "abc"),
    "a carriage return": ("100 % sure\rno\r\n", "100 % sure\nno\n"),
    "a change of direction": ("a\u202eb\u2066c\u200f", "abc"),
    "separators": ("a\u2028b\u2029c\ufeff", "abc"),
    "half a character": ("a\ud800b", "ab"),
    "NUL": ("a\0b", "ab"),
}


@pytest.mark.parametrize(("text", "shown"), OBEYED.values(), ids=OBEYED)
def test_what_a_terminal_or_a_parser_would_obey_is_left_out(text: str, shown: str) -> None:
    assert showing.visible(text) == shown


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\x1b[]0;m\x07\x9b\ud800\r")))
def test_nothing_that_is_obeyed_is_left(text: str) -> None:
    shown = showing.visible(text)
    assert not {one for one in shown if unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\n"}
    assert showing.visible(shown) == shown
    assert shown.encode().decode() == shown


@pytest.mark.parametrize(
    "text", ["", "a b", "ü ≈ ∆ –", "a\tb\nc", "e@mail.org", "https://keras.io/@x?page=2#a", "torch@cpu", "a://b"]
)
def test_everything_else_stays(text: str) -> None:
    assert showing.shown(text) is text or showing.shown(text) == text


SECRETS = {
    "user and password": "https://me:hunter2@host/simple",
    "a token for a user": "git+https://hunter2@host/x.git@main",
    "a password with signs": "pkg @ git+ssh://me:hunter2@hunter2!$&@host:22/x",
    "capitals": "HTTPS://me:hunter2@host",
    "a query": "https://host/x.whl?a=1&access_token=hunter2&b=2",
    "a signed address": "https://bucket/x.whl?X-Amz-Signature=hunter2",
    "an option": "parity compare --hf-token hunter2 --api-key=hunter2",
    "two in a line": "a https://a:hunter2@b c https://d:hunter2@e",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_credentials_are_masked(text: str) -> None:
    masked = showing.masked(text)
    assert "hunter2" not in masked and showing.HIDDEN in masked
    assert showing.masked(masked) == masked


def test_what_is_around_credentials_stays() -> None:
    assert showing.masked("pkg @ https://me:pw@host/a.whl, b") == f"pkg @ https://{showing.HIDDEN}@host/a.whl, b"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("TF_ENABLE_ONEDNN_OPTS", True), ("OMP_NUM_THREADS", True), ("PARITY_FAKE_ORDER", True), ("MY_SETTING", False),
     ("AWS_SECRET_ACCESS_KEY", False), ("JAX_AUTH_TOKEN", False), ("TF_PASSWORD", False), ("PATH", False)],
)  # fmt: skip
def test_values_of_variables_are_shown_for_settings_only(name: str, shown: bool) -> None:
    assert showing.variable(name, "1") == ("1" if shown else showing.HIDDEN)


@dataclass(frozen=True, kw_only=True)
class Holder:
    words: tuple[str, ...]
    counts: dict[str, int]
    inner: Cause | None = None


def test_a_record_is_cleaned_at_every_depth_and_is_the_same_if_nothing_changes() -> None:
    clean = Holder(words=("a",), counts={"b": 1}, inner=Cause(code=Code.UNKNOWN, subject="c"))
    assert showing.clean(clean) is clean
    dirty = Holder(words=("a\x1b[0m",), counts={"b\x07": 1}, inner=Cause(code=Code.UNKNOWN, detail=(("r", "c\x00"),)))
    wanted = Holder(words=("a",), counts={"b": 1}, inner=Cause(code=Code.UNKNOWN, detail=(("r", "c"),)))
    assert showing.clean(dirty) == wanted


def test_what_is_written_of_an_environment_and_of_a_job_holds_no_secret() -> None:
    secret = Environment(
        name="a",
        backend="torch",
        requirements=("x @ https://me:hunter2@host/x.whl", "keras"),
        gpu_requirements=("x @ https://me:hunter2@host/x.whl",),
        variables=(("API", "hunter2"), ("TF_A", "1")),
    )
    job = Job(kind="probe", run_folder="", environment=secret, options=Options(), elsewhere=(secret,))
    assert "hunter2" not in repr(job.shown())
    assert job.shown().environment.variables == (("API", showing.HIDDEN), ("TF_A", "1"))
    assert job.shown().environment.requirements[1] == "keras"
