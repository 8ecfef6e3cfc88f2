"""parity compare: runs what has not run yet, judges everything, writes the report."""

from __future__ import annotations

from pathlib import Path

from suite.artifacts.store import Store
from suite.commands import conclusion, signing
from suite.commands.execution import choose, execute, planned, selection
from suite.commands.options import CompareOptions
from suite.plan import locations


def run(options: CompareOptions) -> int:
    history, secret = conclusion.history(options.history), signing.key(options.signing)
    store = Store(_folder(options))
    with conclusion.output(json=options.json) as json, store.lock():
        signing.verify(store, options.signing, secret)
        chosen = choose(selection(options))
        plan = planned(chosen)
        store.write_plan(plan)
        study = execute(store, plan, chosen, options.running)
        signing.sign(store, options.signing, secret)
        return conclusion.conclude(study, history, split_assets=options.split_assets, json=json)


def _folder(options: CompareOptions) -> Path:
    """The run folder. A smoke run leaves the latest report alone."""
    latest = options.running.out == locations.LATEST
    return locations.SMOKE if options.smoke and latest else options.running.out
