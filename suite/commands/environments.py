"""parity environments: lists environments, making them ready."""

from __future__ import annotations

from suite.commands import listing
from suite.commands.choosing import provisioned, wanted
from suite.commands.options import EnvironmentOptions
from suite.commands.streams import say
from suite.engine import devices, plugins
from suite.records import Provisioned


def run(options: EnvironmentOptions) -> int:
    """2 if one cannot be made."""
    gpus = devices.detect_gpus()
    device = devices.resolve(options.device, gpus)
    chosen = wanted(options, gpus)
    plugins.add(options.plugin, options.environments_folder, say)
    ready = provisioned(options, chosen, device)
    rows = [(one.environment.name, one.environment.backend, _state(one)) for one in ready.values()]
    lines = (f"{name:14} {backend:11} {state}" for name, backend, state in rows)
    listing.show(("environment", "backend", "packages"), rows, lines)
    return 2 if any(one.reason for one in ready.values()) else 0


def _state(provisioned: Provisioned) -> str:
    """What it has, or why it cannot be used."""
    return provisioned.reason or ", ".join(f"{name} {version}" for name, version in provisioned.packages.items())
