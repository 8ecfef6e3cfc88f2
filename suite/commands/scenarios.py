"""parity scenarios: lists scenarios, or checks that each is valid."""

from __future__ import annotations

import sys

from suite.commands.options import ScenariosOptions
from suite.plan import discover, locations


def run(options: ScenariosOptions) -> int:
    """3 if one is broken."""
    found, broken = discover.scenarios([locations.SCENARIOS, *options.scenario_path])
    for one in found if options.action == "list" else ():
        print(f"{one.scenario.name:20} {one.scenario.description}  [{one.source}]")
    for wrong in broken:
        print(f"broken: {wrong.name}: {wrong.reason}  [{wrong.source}]", file=sys.stderr)
    if options.action == "check":
        print(f"{len(found)} valid, {len(broken)} broken")
    return 3 if broken else 0
