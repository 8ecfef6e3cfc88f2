"""parity environments: lists environments, making them ready."""

from __future__ import annotations

from suite.commands.execution import provisioned, say, wanted
from suite.commands.options import EnvironmentOptions
from suite.engine import devices, plugins


def run(options: EnvironmentOptions) -> int:
    """2 if one cannot be made."""
    device = devices.resolve(options.device, devices.detect_gpus())
    chosen = wanted(options)
    plugins.add(options.plugin, options.environments_folder, say)
    ready = provisioned(options, chosen, device)
    for one in ready.values():
        packages = ", ".join(f"{name} {version}" for name, version in one.packages.items())
        print(f"{one.environment.name:14} {one.environment.backend:11} {one.reason or packages}")
    return 2 if any(one.reason for one in ready.values()) else 0
