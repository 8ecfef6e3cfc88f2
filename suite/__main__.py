"""The command line as a program: `parity`, or `python -m suite`."""

from __future__ import annotations

import sys

from suite.commands import main

if __name__ == "__main__":
    sys.exit(main())
