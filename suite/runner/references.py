"""Code that is named by a text, as in a strategy's declaration, and imported only when it is wanted."""

from __future__ import annotations

import importlib
from typing import Any


def load(reference: str) -> Any:
    """What a reference "package.module:name" stands for. Imports the module; raises what the import raises.

    Raises:
        AttributeError: the module has nothing of this name.
    """
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
