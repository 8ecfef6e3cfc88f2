"""The article's claims, each put to a test that isolates it.

Enters: a design (which cells run) and their artifacts. Leaves: measurements, effects, and an answer to each claim. It
runs nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from suite.artifacts.store import Store
from suite.explain.claims import answers, effects, evidence
from suite.explain.claims.design import Design
from suite.records import Claims, Outcome, Plan


def conclude(store: Store, plan: Plan, design: Design, ended: Mapping[str, Outcome]) -> Claims:
    """A run folder with the design's cells to effects and answers. `ended`: id of a run that did not complete -> how it
    ended."""
    scenario = design.base.scenario
    folder = evidence.CellFolder(store, plan, design, ended, scenario.outputs)
    cells = effects.factorial(folder)
    pairs = effects.pairs(cells, scenario.outputs)
    found = evidence.gather(folder, plan.options.device)
    sides = {cell.environment: folder.side(cell) for cell in design.cells() if not isinstance(folder.side(cell), str)}
    return Claims(
        scenario=scenario.name,
        environment=design.environment,
        devices=design.devices,
        device=plan.options.device,
        steps=design.steps,
        last_batch=design.last_batch,
        drift=found.drift,
        cells=len(cells),
        effects=effects.effects(pairs),
        interactions=effects.interactions(pairs),
        claims=answers.answers(found),
        environments={name: side.manifest.facts for name, side in sides.items() if isinstance(side, evidence.Side)},
        missing=tuple(folder.missing()),
        generated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        command=plan.command,
    )
