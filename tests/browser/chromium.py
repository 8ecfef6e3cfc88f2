"""Where Chromium is, and how it is started; as a program: installs it on Debian, or says how.

python -m tests.browser.chromium [--install]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
ARGUMENTS = (*QUIET, "--disable-component-update", "--disable-sync")
HOW = "no Chromium: install it (Debian: apt-get install chromium) so that one of these is on the path: " + ", ".join(NAMES)


def path() -> str:
    """Empty if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")


def arguments() -> list[str]:
    """Root has no sandbox to start."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def main(given: list[str]) -> int:
    if not path() and "--install" in given and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "chromium"], check=True)
    print(path() or HOW)
    return 0 if path() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
