"""JAX's cache of compiled code on disk: used only with versions in which what it returns is known to be right."""

from __future__ import annotations

import os
import re
from importlib.metadata import PackageNotFoundError, version

FOLDER = "JAX_COMPILATION_CACHE_DIR"  # the variable that JAX reads when it is imported
OLDEST = (0, 10)  # that was tried; with JAX 0.5.3, runs had wrong numbers from the second command on


def leave_out_if_unsafe() -> None:
    """To be called before JAX is imported: takes the cache away from versions of it that are older."""
    if not is_safe(_version()):
        os.environ.pop(FOLDER, None)


def is_safe(jax: str) -> bool:
    """Whether this version of JAX may use the cache."""
    return tuple(int(part) for part in re.findall(r"\d+", jax)[:2]) >= OLDEST


def _version() -> str:
    """Of JAX; empty if it is not installed."""
    try:
        return version("jax")
    except PackageNotFoundError:
        return ""
