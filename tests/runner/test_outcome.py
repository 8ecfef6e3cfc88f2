"""The reason of a job that fails: what went wrong, without what frameworks print around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.runner import outcome

IN_A_GRAPH = """Graph execution error:

Detected at node gradient_tape/model_1/conv_1/Conv2DBackpropFilter defined at (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main

  File "suite/runner/host.py", line 321, in <module>

Conv2DCustomBackpropFilterOp only supports NHWC.
\t [[{{node gradient_tape/model_1/conv_1/Conv2DBackpropFilter}}]] [Op:__inference_multi_step_on_iterator_310]"""

IN_A_CALL = """Exception encountered when calling Bad.call().

\x1b[1mmat1 and mat2 shapes cannot be multiplied (83x3)\x1b[0m

Arguments received by Bad.call():
  • args=('<KerasTensor shape=(None, 3)>',)"""


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            IN_A_GRAPH,
            "Conv2DCustomBackpropFilterOp only supports NHWC. (at node gradient_tape/model_1/conv_1/Conv2DBackpropFilter)\n"
            + outcome.HINTS["only supports NHWC"],
        ),
        (
            IN_A_CALL,
            "Exception encountered when calling Bad.call().\nmat1 and mat2 shapes cannot be multiplied (83x3)",
        ),
        ("<class 'A'> could not be deserialized. config={'x': 1}.\n\nException encountered: no such thing", "no such thing"),
        ("Detected at node x defined at (most recent call last):", "Detected at node x defined at (most recent call last):"),
        ("two\n\nlines", "two\nlines"),
        ("", ""),
    ],
)
def test_the_message_is_of_who_noticed_the_error(raised: str, said: str) -> None:
    assert outcome.message(ValueError(raised)) == said
    if "\n" in raised:
        assert outcome.message(KeyError(raised)) == said


def test_what_the_suite_tries_beside_training_is_no_failure_of_the_model() -> None:
    with (
        pytest.raises(outcome.Unsupported, match="it does not fly: ValueError: no wings") as raised,
        outcome.beside_training("it does not fly"),
    ):
        raise ValueError("no wings")
    assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(outcome.NoDevices, match="none"), outcome.beside_training("it does not fly"):
        raise outcome.NoDevices("none")


@pytest.mark.parametrize(
    "error",
    [OSError("no space left"), MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate"), KeyboardInterrupt()],
)
def test_a_machine_that_is_full_is_no_refusal(error: BaseException) -> None:
    with pytest.raises(type(error)), outcome.beside_training("it does not fly"):
        raise error


def test_the_line_is_the_innermost_one_of_a_user_s_own_file(tmp_path: Path) -> None:
    """Inside, it was raised in a file of Python's, as it is in Keras's mostly."""
    own = tmp_path / "mine.py"
    own.write_text("import json\n\n\ndef model(text):\n    return json.loads(text)\n")
    names: dict[str, Any] = {}
    exec(compile(own.read_text(), str(own), "exec"), names)
    with pytest.raises(ValueError, match="Expecting value") as raised:
        names["model"]("nothing")
    assert outcome.line(raised.value) == " (mine.py, line 5)"
    with pytest.raises(ValueError, match="Expecting value") as raised:
        json.loads("nothing")
    assert outcome.line(raised.value.with_traceback(raised.tb.tb_next)) == ""
