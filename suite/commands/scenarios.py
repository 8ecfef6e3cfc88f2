"""parity scenarios: lists scenarios, or checks that each is valid."""

from __future__ import annotations

import sys
from pathlib import Path

from suite.commands import listing
from suite.commands.options import ScenariosOptions
from suite.plan import discover, locations
from suite.records import showing


def run(options: ScenariosOptions) -> int:
    """3 if one is broken."""
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
