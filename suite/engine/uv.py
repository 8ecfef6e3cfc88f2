"""uv in place of pip: several times faster. It is used only where it installs what pip would."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

# What pip was told of packages and where to find them, in uv's words. uv does not read pip's configuration.
TRANSLATED = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "cert": "SSL_CERT_FILE",
}
# What changes nothing about which packages are installed, or is said on the command line.
INDIFFERENT = frozenset(
    {
        "break-system-packages", "cache-dir", "config-file", "default-timeout", "disable-pip-version-check",
        "no-color", "no-index", "no-input", "no-python-version-warning",
        "no-warn-script-location", "progress-bar", "quiet", "require-virtualenv", "retries", "root-user-action",
        "timeout", "user", "verbose",
    }
)  # fmt: skip


def command() -> str | None:
    """uv: beside the interpreter that runs this, where its package puts it, or else on the path; None if there is none."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def installs(requirements: Sequence[str]) -> bool:
    """Whether all of them are names with versions. Files, folders and addresses are left to pip: uv keeps what it once built
    of a folder, though the folder may have changed."""
    return all(name_of(requirement) and "@" not in requirement for requirement in requirements)


def name_of(requirement: str) -> str:
    """The distribution that a requirement names, as installers compare names: jax of "JAX[cuda12]==0.10.2"; "" of a path."""
    try:
        return re.sub(r"[-_.]+", "-", Requirement(requirement).name).lower()
    except InvalidRequirement:
        return ""


def variables(configuration: str, shell: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """What uv's environment needs so that it finds what pip would. None: pip is configured in a way that uv cannot follow.

    `configuration`: what `pip config list` prints, one line for each setting: section.key='value'. A variable of the
    shell comes in the section ":env:" and wins, as with pip; what the shell says to uv itself wins over both.
    """
    settings = _settings(configuration)
    if settings.keys() - TRANSLATED.keys() - INDIFFERENT:
        return None
    found = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # the best version of all indexes, as pip takes it
    for key, name in TRANSLATED.items():
        if words := settings.get(key, "").split():
            found[name] = ",".join(words) if key == "find-links" else " ".join(words)
    return found | {name: value for name, value in shell.items() if name.startswith("UV_")}


def flags(configuration: str) -> list[str]:
    """What uv must be told on its command line, because it has no variable for it: to ask no index."""
    asked = _settings(configuration).get("no-index", "").lower() not in ("", "0", "false", "no", "off")
    return ["--no-index"] if asked else []


def _settings(configuration: str) -> dict[str, str]:
    """pip's settings by name, of `pip config list`."""
    found: dict[str, str] = {}
    lines = [line for line in configuration.splitlines() if "=" in line]
    for line in sorted(lines, key=lambda line: (line.startswith(":env:"), not line.startswith("global."))):
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return found
