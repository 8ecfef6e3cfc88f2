"""parity repro: writes a script of plain Keras that shows a finding, and a bug report."""

from __future__ import annotations

from suite.commands.options import ReproOptions
from suite.commands.streams import say
from suite.report import repro, results_json


def run(options: ReproOptions) -> int:
    results = results_json.read(options.results)
    say(str(repro.write(results, options.results.parent, options.finding, options.out, options.scenario_path)))
    return 0
