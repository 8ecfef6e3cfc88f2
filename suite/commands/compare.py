"""parity compare: runs what has not run yet, judges everything, writes the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from suite.artifacts.store import Store
from suite.commands import budget, conclusion, costs, places, signing, unchanged
from suite.commands.choosing import choose, selection
from suite.commands.execution import execute, planned
from suite.commands.options import CompareOptions
from suite.commands.streams import say
from suite.plan import locations
from suite.records import KeptVerdicts, Results, formatting
from suite.results import dropping
from suite.results.study import Study


def run(options: CompareOptions) -> int:
    history, secret = conclusion.history(options.before), signing.key(options.signing)
    store = Store(_folder(options))
    with conclusion.output(json=options.json) as json, store.lock(), places.site(options.running) as site:
        signing.verify(store, options.signing, secret)
        chosen = choose(selection(options), site)
        plan = budget.within(planned(chosen), store, chosen, options.running, options.budget, say)
        results = unchanged.results(store, plan, chosen, options, history)
        if results is not None:
            say(f"nothing has changed since the report of {results.generated}, which stands; --rerun all runs it all again")
            signing.sign(store, options.signing, secret)
            return conclusion.tell(results, store.folder, json)
        store.write_plan(plan)
        study = execute(store, plan, chosen, options.running, None if options.keep == "all" else _settle)
        results = conclusion.conclude(study, history, split_assets=options.split_assets)
        if options.keep == "all":
            costs.weigh(study)
        else:
            _drop(study, results)
        signing.sign(store, options.signing, secret)
        unchanged.keep(store, plan, chosen, options, history, results)
        return conclusion.tell(results, store.folder, json)


def _settle(study: Study) -> Mapping[str, KeptVerdicts]:
    """Judges what has run, while other scenarios are still to run, and drops what nobody needs any more."""
    return _drop(study, study.results())


def _drop(study: Study, results: Results) -> Mapping[str, KeptVerdicts]:
    costs.weigh(study)
    dropped = dropping.drop(study, results)
    if dropped.scenarios:
        say(
            f"dropped {formatting.size(dropped.bytes)} of {', '.join(dropped.scenarios)} that had been judged; "
            "--keep all keeps everything"
        )
    return dropped.judged


def _folder(options: CompareOptions) -> Path:
    """The run folder. A smoke run leaves the latest report alone."""
    latest = options.running.out == locations.LATEST
    return locations.SMOKE if options.smoke and latest else options.running.out
