"""parity report: judges and renders again what is on disk."""

from __future__ import annotations

import os
from dataclasses import replace

from suite.artifacts.store import Store
from suite.commands import conclusion, signing
from suite.commands.options import ReportOptions
from suite.records import UsageError
from suite.results import kept_verdicts
from suite.results.study import Study


def run(options: ReportOptions) -> int:
    history, secret = conclusion.history(options.before), signing.key(options.signing)
    store = Store(options.out)
    if not store.is_run_folder:
        raise UsageError(f"{options.out} is no run folder: give one that `parity compare` wrote, with --out")
    signing.verify(store, options.signing, secret)
    plan = store.read_plan()
    session = store.read_session(plan)
    if options.fail_on:
        plan = replace(plan, options=replace(plan.options, gate=options.fail_on))
    signing.sign(store, options.signing, secret)
    kept = kept_verdicts.counting(store, plan, session)
    study = Study(store, plan, session, kept, processes=os.cpu_count() or 1)
    with conclusion.output(json=options.json) as json:
        results = conclusion.conclude(study, history, split_assets=options.split_assets)
        return conclusion.tell(results, store.folder, json)
