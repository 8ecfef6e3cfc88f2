"""What a person may be shown of text that comes from elsewhere: no control characters, and no passwords.

Names, reasons, logs and facts come from plugins, packages, models and files. A terminal obeys escape sequences, XML forbids
control characters, and some of Unicode's make a line read differently from what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

Shown = TypeVar("Shown")

HIDDEN = "***"

# ECMA-48: control sequences, strings that a terminal takes as commands (titles, links, the clipboard), two-byte escapes.
SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b.?"
)
# C0 and C1 but for tab and line feed, marks that change the direction of what follows, and halves of characters.
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
SECRET_WORDS = "token|secret|password|passwd|api[_-]?key|signature|credential"
# A URL's user and password, a query's tokens, and what an option or a setting calls a secret.
CREDENTIALS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#'\"<>]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(rf"([?&][\w.-]*(?:{SECRET_WORDS}|sig)[\w.-]*=)[^\s&#'\"<>]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"(--[\w-]*(?:{SECRET_WORDS})[\w-]*[ =])(?!-)\S+", re.IGNORECASE), rf"\1{HIDDEN}"),
)

# Variables of an environment whose values are shown: they are settings of frameworks, and no secrets.
SETTINGS = (
    "CUBLAS_", "CUDA_", "CUDNN_", "GLOO_", "JAX_", "KERAS_", "KMP_", "LC_", "MKL_", "NCCL_", "NVIDIA_", "OMP_", "OPENBLAS_",
    "PARITY_", "PYTHONHASHSEED", "PYTORCH_", "TF_", "TORCH_", "XLA_",
)  # fmt: skip
SECRET = re.compile(f"{SECRET_WORDS}|auth", re.IGNORECASE)


def shown(text: str) -> str:
    """The text without passwords and without characters that a terminal, a browser or a parser would obey."""
    return masked(visible(text))


def visible(text: str) -> str:
    """The text without control sequences and control characters; tabs and line feeds stay. Carriage returns end lines."""
    if text.isascii() and text.isprintable():
        return text
    text = SEQUENCES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return CONTROLS.sub("", text)


def masked(text: str) -> str:
    """The text without the credentials that a URL or an option holds."""
    for pattern, hidden in CREDENTIALS:
        text = pattern.sub(hidden, text)
    return text


def variable(name: str, value: str) -> str:
    """The value of an environment variable, where it may be shown."""
    return shown(value) if name.upper().startswith(SETTINGS) and not SECRET.search(name) else HIDDEN


def clean(record: Shown) -> Shown:
    """The record with every text in it as `shown`; the same object where nothing changes. Each part is looked at once."""
    return _clean(record, {})  # type: ignore[no-any-return]


def _clean(value: Any, known: dict[int, tuple[Any, Any]]) -> Any:
    if isinstance(value, str):
        return value if type(value) is not str else shown(value)
    if not isinstance(value, tuple | list | Mapping) and not (is_dataclass(value) and not isinstance(value, type)):
        return value
    if id(value) not in known:
        known[id(value)] = value, _rebuilt(value, known)  # the value is kept: its id is not given to another
    return known[id(value)][1]


def _rebuilt(value: Any, known: dict[int, tuple[Any, Any]]) -> Any:
    if isinstance(value, Mapping):
        found = {_clean(name, known): _clean(member, known) for name, member in value.items()}
        return value if all(a is b and value[a] is found[b] for a, b in zip(value, found, strict=False)) else found
    if isinstance(value, tuple | list):
        parts = [_clean(member, known) for member in value]
        return value if all(a is b for a, b in zip(value, parts, strict=True)) else type(value)(parts)
    changed = {}
    for one in fields(value):
        before = getattr(value, one.name)
        if (after := _clean(before, known)) is not before:
            changed[one.name] = after
    return _with(value, changed) if changed else value


def _with(record: Any, changed: dict[str, Any]) -> Any:
    """As `dataclasses.replace`, for records of any kind."""
    return type(record)(**{one.name: changed.get(one.name, getattr(record, one.name)) for one in fields(record)})
