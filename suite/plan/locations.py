"""Where things are: the one definition of every folder and file that the suite finds by itself.

It lies in one of two places. In a checkout, scenarios and documents are beside it. From an installed wheel, they are
inside the package, and nothing is ever written there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import tomllib
from pathlib import Path

DISTRIBUTION = "keras-parity"
ENVIRONMENTS_VARIABLE = "PARITY_ENVIRONMENTS"
SUITE = Path(__file__).resolve().parents[1]
ROOT = SUITE.parent  # a checkout, or a site-packages
CHECKOUT = (ROOT / "noxfile.py").is_file() and (ROOT / "pyproject.toml").is_file()

SCENARIOS = ROOT / "scenarios" if CHECKOUT else SUITE / "scenarios"  # the built-in ones
PINS = SUITE / "plan" / "environments.toml"  # the built-in environments
KEPT_SELFTEST = ROOT / "docs" / "selftest.json" if CHECKOUT else SUITE / "selftest" / "selftest.json"

# Where a command reads and writes if it is not told, relative to the current folder.
LATEST = Path("reports") / "latest"
SMOKE = Path("reports") / "smoke"
SELFTEST = Path("reports") / "selftest"
ZOO = Path("reports") / "zoo"
CHECK = Path("reports") / "check"
NEW_SCENARIOS = Path("scenarios")
KNOWN_DIFFERENCES = Path("known_differences.toml")


def environments_folder() -> Path:
    """Where virtual environments are kept if nothing else is said."""
    if chosen := os.environ.get(ENVIRONMENTS_VARIABLE):
        return Path(chosen).expanduser()
    if CHECKOUT:
        return ROOT / ".environments"
    # Imported here: the worker imports this module too, and its environments lack what only the coordinator needs.
    import platformdirs

    return platformdirs.user_cache_path(DISTRIBUTION, appauthor=False) / "environments"


def import_folder(environments: Path) -> Path:
    """The folder that workers find the suite in, made if it is not there.

    It must hold nothing else that can be imported. A site-packages would put its own NumPy before that of the worker's
    environment, so an installed suite is seen through a link in the folder of environments.
    """
    if CHECKOUT:
        return ROOT
    # One folder for each installed suite: several share a cache.
    folder = environments.resolve() / f"suite-{hashlib.sha256(str(SUITE).encode()).hexdigest()[:12]}"
    link = folder / SUITE.name
    if not link.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{os.getpid()}"
        partial.symlink_to(SUITE, target_is_directory=True)
        partial.replace(link)  # by rename: two commands may do this at once
    return folder


def version() -> str:
    """The version of the suite that lies here. An editable install's metadata may be older than the checkout."""
    if not CHECKOUT:
        return importlib.metadata.version(DISTRIBUTION)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
