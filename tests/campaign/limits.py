"""A limit of time for what runs in this process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 60  # for what takes a second at most, on a machine that does much else: after this it hangs


@contextmanager
def limited() -> Iterator[None]:
    """Raises TimeoutError in what takes too long."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it hung for {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
