"""The key of --sign and --verify, and what the two do. The key is never on the command line, which other users can see."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

from suite.artifacts import places
from suite.artifacts.store import Store
from suite.commands import signatures
from suite.commands.options import SigningOptions
from suite.commands.streams import say
from suite.engine.variables import SIGNING_KEY
from suite.records import ConfigurationError, DamagedArtifact, UsageError

SHORTEST = 16  # bytes: a shorter one can be guessed
LONGEST = 1 << 16


def key(options: SigningOptions, shell: MutableMapping[str, str] = os.environ) -> bytes:
    """The key, if one is needed; else nothing. It leaves the variables: no process that is started later has it.

    Raises:
        UsageError: there is none.
        ConfigurationError: it cannot be read, or is too short.
    """
    variable = shell.pop(SIGNING_KEY, "")
    if not options.sign and not options.verify:
        return b""
    if not variable and options.key_file is None:
        raise UsageError(f"--sign and --verify need a key: give --key-file FILE, or set {SIGNING_KEY}")
    found = _content(options.key_file) if options.key_file else variable.encode()
    if len(found.strip()) < SHORTEST:
        raise ConfigurationError(
            f"the key has {len(found.strip())} bytes, wanted at least {SHORTEST}: make one with `openssl rand -hex 32`"
        )
    return found.strip()


def _content(file: Path) -> bytes:
    try:
        return places.content(file.resolve(), limit=LONGEST)
    except DamagedArtifact as error:
        raise ConfigurationError(f"the key cannot be read ({error}): give --key-file a file that holds it") from None


def verify(store: Store, options: SigningOptions, secret: bytes) -> None:
    """Holds the run folder against its signatures, if that is asked for and there is a folder.

    Raises:
        DamagedArtifact: it is not what was signed.
    """
    if options.verify and store.is_run_folder:
        signatures.verify(store.folder, secret)


def sign(store: Store, options: SigningOptions, secret: bytes) -> None:
    if options.sign:
        count = signatures.sign(store.folder, secret)
        say(f"signed: {count} files of {store.folder}")
