"""The reason of a job that fails: what went wrong, without what frameworks print around it."""

from __future__ import annotations

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
