"""parity scenarios: lists scenarios, or checks that each is valid."""

from __future__ import annotations

import sys
from pathlib import Path

from suite.commands import deep_check, listing
from suite.commands.options import ScenariosOptions
from suite.plan import discover, locations
from suite.records import UsageError, showing


def run(options: ScenariosOptions) -> int:
    """3 if one is broken; see `deep_check` for a deep one."""
    if options.deep:
        if options.action != "check":
            raise UsageError("--deep belongs to `parity scenarios check`: it trains one step of each")
        return deep_check.run(options)
    found, broken = discover.scenarios([locations.SCENARIOS, *options.scenario_path])
    if options.action == "list":
        here = f"{Path.cwd()}/"
        rows = [(one.scenario.name, one.scenario.description, str(one.source).removeprefix(here)) for one in found]
        lines = (f"{one.scenario.name:20} {one.scenario.description}  [{one.source}]" for one in found)
        listing.show(("scenario", "description", "file"), rows, lines)
    for wrong in broken:
        print(showing.shown(f"broken: {wrong.name}: {wrong.reason}  [{wrong.source}]"), file=sys.stderr)
    if options.action == "check":
        print(f"{len(found)} valid, {len(broken)} broken")
    return 3 if broken else 0
