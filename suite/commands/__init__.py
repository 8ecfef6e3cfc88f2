"""The command line: one file for each command, their options, and what a command has run.

Enters: arguments. Leaves: files in the run folder, sentences on the terminal, an exit code. It decides nothing about
results.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from suite.commands import (
    arguments as command_line,
)
from suite.commands import (
    check,
    claims,
    compare,
    completion,
    defaults,
    diff,
    environments,
    new_scenario,
    options,
    plan,
    report,
    repro,
    scenarios,
    selftest,
    streams,
    zoo,
)
from suite.records import BUG, ParityError, UsageError, showing

INTERRUPTED = 130  # as shells have it: 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE

COMMANDS: Mapping[str, Callable[[Any], int]] = {
    "compare": compare.run,
    "plan": plan.run,
    "selftest": selftest.run,
    "claims": claims.run,
    "zoo": zoo.run,
    "check": check.run,
    "report": report.run,
    "diff": diff.run,
    "repro": repro.run,
    "scenarios": scenarios.run,
    "environments": environments.run,
    "new-scenario": new_scenario.run,
}

# What an error of the operating system means for the user, and what to do.
ADVICE = {
    errno.EACCES: "there is no permission to use it: choose another folder, or change its permissions",
    errno.EPERM: "there is no permission to use it: choose another folder, or change its permissions",
    errno.EROFS: "it cannot be written to: choose another folder",
    errno.ENOSPC: "no space is left on its disk: make some, or choose another folder",
    errno.EDQUOT: "no space is left for this user: make some, or choose another folder",
    errno.EFBIG: "files may not become that large here: raise the limit (ulimit -f), or choose another folder",
    errno.EIO: "its disk does not work: choose another folder",
    errno.EEXIST: "it is a file, wanted a folder: choose another name",
    errno.ENOTDIR: "a part of it is a file, wanted folders: choose another name",
    errno.EISDIR: "it is a folder, wanted a file: choose another name",
    errno.ENOTEMPTY: "it is a folder, wanted a file: choose another name",
    errno.ELOOP: "its links lead in a circle, or may not be followed: remove them",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
    errno.ENOENT: "it is not there: check the name",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine: close some programs",
    errno.ENOMEM: "memory is full: close some programs, or lower --jobs",
    errno.EAGAIN: "no process can be started: raise the limit (ulimit -u), or lower --jobs",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Returns the exit code; docs/command-line.md says what each means."""
    if completion.ASKED in os.environ:
        whole = command_line.parser()
        completion.complete(whole, command_line.commands(whole))
    streams.prepare()
    code = _ended(arguments)
    try:
        streams.flush()
    except BrokenPipeError:
        return PIPE_CLOSED
    except OSError as error:
        _complain(_sentence(error))
        return ParityError.exit_code
    return code


def _ended(arguments: Sequence[str] | None) -> int:
    """How the command ended, as an exit code. Whatever was raised has been said."""
    try:
        return _run(arguments)
    except ParityError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        streams.silence()  # whoever read the output has seen enough
        return PIPE_CLOSED
    except OSError as error:
        _complain(_sentence(error))
        return ParityError.exit_code
    except MemoryError:
        _complain("memory is full: close some programs, or compare fewer scenarios or devices at once")
        return ParityError.exit_code
    except KeyboardInterrupt:
        streams.say_to_person("\ninterrupted: finished runs are kept, the same command goes on from there")
        return INTERRUPTED
    except Exception:
        streams.say_to_person(traceback.format_exc())
        _complain("this is a bug of keras-parity: please report it, with the command and the lines above")
        return BUG


def _run(arguments: Sequence[str] | None) -> int:
    _refuse_no_text(sys.argv[1:] if arguments is None else arguments)
    try:
        given = _given(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as error:  # argparse has printed what is wrong, or the help that was asked for
        return UsageError.exit_code if error.code else 0
    return COMMANDS[given.command](options.of(given))


def _given(words: Sequence[str]) -> argparse.Namespace:
    """What was given, with the defaults of the current folder."""
    parser = command_line.parser()
    defaults.apply(command_line.commands(parser), words)
    return parser.parse_args(words)


def _refuse_no_text(arguments: Sequence[str]) -> None:
    """A shell cannot give such words, but a program that calls `main` can. No file has such a name.

    Raises:
        UsageError: a word has a zero, or half a character.
    """
    for word in arguments:
        try:
            is_text = b"\0" not in os.fsencode(word)
        except UnicodeEncodeError:
            is_text = False
        if not is_text:
            raise UsageError(f"{word[:80]!r} is no text that a file system or terminal has: use other characters")


def _complain(sentence: str) -> None:
    streams.say_to_person(f"parity: {showing.shown(sentence)}")


def _sentence(error: OSError) -> str:
    """Which file, what is wrong, what to do."""
    what = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "its output, or a file"
    known = ADVICE.get(error.errno or 0)
    return f"{what}: {known}" if known else f"{what}: the operating system refused ({error.strerror or error})"
