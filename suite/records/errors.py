"""What can go wrong that is not a bug of ours: one hierarchy, named after what went wrong, with the exit code that it ends
in.

The message is a sentence: what was found, what was wanted, what to do. Anything that is not a `ParityError` is a bug, prints
its traceback, and exits with `BUG`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

BUG = 70  # EX_SOFTWARE of sysexits.h


class ParityError(Exception):
    """What the user, a plugin or the machine did. `exit_code`: 2 a run failed or could not run, 3 a broken scenario or
    configuration, 4 usage."""

    exit_code = 2


class UsageError(ParityError):
    """The command line asks for something that is not there."""

    exit_code = 4


class ConfigurationError(ParityError):
    """A file of the user's that cannot be used."""

    exit_code = 3


class BrokenPlugin(ConfigurationError):
    """A scenario or strategy that cannot be used."""


class DamagedArtifact(ParityError):
    """An artifact, or another file that the suite wrote, that cannot be used; the message says which file and why."""


class ProvisionError(ParityError):
    """An environment that cannot be made."""


class FolderInUse(ParityError):
    """Another command is at work in the run folder."""


class StoppedEarly(ParityError):
    """A job failed, and --fail-fast was given."""


class UnavailableDevice(ParityError):
    """Devices were asked for and are not there. Nothing falls back to others."""


def unknown_name(kind: str, name: str, names: Iterable[str]) -> UsageError:
    """The error for a name that nothing has: what there is, and which of it was probably meant."""
    there = list(names)
    nearest = difflib.get_close_matches(name, there, n=1)
    meant = f": did you mean {nearest[0]!r}? There are" if nearest else "; there are"
    return UsageError(f"no {kind} {name!r}{meant} {', '.join(there)}")
