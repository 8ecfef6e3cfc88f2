"""The command line as a program: `parity`, or `python -m suite`."""

from __future__ import annotations

import os
import sys

# Before NumPy is imported. Threads of its linear algebra wait for each other in a loop: on cores that runs keep busy, a dot
# product of some thousand numbers takes a millisecond, and takes that time from the runs. Judging has processes instead.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from suite.commands import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
