"""Code that is named by a text, as in a strategy's declaration, and imported only when it is wanted."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any


def load(reference: str) -> Any:
    """What a reference "package.module:name" stands for. Imports the module; raises what the import raises.

    Raises:
        AttributeError: the module has nothing of this name.
    """
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def of_user(reference: str, folder: str) -> Any:
    """What a user's reference stands for: "module:name", or "path/file.py:name". Modules and files are looked for in
    `folder`, too. Raises what the import raises.

    Raises:
        ValueError: it is no reference, or there is no such file, or nothing of this name in it.
    """
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise ValueError(f"{reference!r} is no reference: write module:function, or path/train.py:function")
    if folder not in sys.path:
        sys.path.append(folder)  # last: a file there called torch.py must not become torch
    module = _of_file(Path(folder) / place) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, name):
        raise ValueError(f"{place} has no {name}: write the name of a function that is in it")
    return getattr(module, name)


def _of_file(path: Path) -> Any:
    if not path.is_file():
        raise ValueError(f"{path} is no file: check the path")
    if path.stem in sys.modules and getattr(sys.modules[path.stem], "__file__", None) == str(path):
        return sys.modules[path.stem]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(path.parent))
    # By its own name, as for a script that imports it: registered classes have the name of their module in files.
    if path.stem not in sys.modules:
        sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
