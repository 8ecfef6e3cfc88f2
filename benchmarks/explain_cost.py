"""What it costs to say why: the seconds of runs that explain or decide, against those of runs that are compared.

    python benchmarks/explain_cost.py [FOLDER]

Reads a run folder that `parity compare` left (default: reports/latest). Every run's own clock is in its artifact; both kinds
ran in one command on one machine, so that their ratio is what counts.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from suite.artifacts.store import Store
from suite.records import Run

COMPARED = ("plain", "repeat", "permuted", "float64")
ASKED_FOR = ("seed",)  # with --seeds alone


def seconds(folder: Path) -> dict[str, dict[str, float]]:
    """Scenario -> variation -> seconds of its complete runs."""
    store = Store(folder)
    plan = store.read_plan()
    session = store.read_session(plan)
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    runs: list[Run] = [*plan.runs, *session.further]
    for run in dict.fromkeys(runs):
        manifest = store.run(run).manifest()
        if manifest is not None:
            found[run.configuration.scenario][run.variation] += manifest.seconds
    return found


def main(folder: Path) -> None:
    total: dict[str, float] = defaultdict(float)
    print(f"{'scenario':20} {'compared':>10} {'explaining':>11} {'ratio':>6}  of it")
    for scenario, parts in seconds(folder).items():
        compared = sum(parts[name] for name in COMPARED)
        rest = {name: value for name, value in parts.items() if name not in (*COMPARED, *ASKED_FOR) and value}
        words = ", ".join(f"{name} {value:.1f}" for name, value in sorted(rest.items(), key=lambda one: -one[1]))
        explaining = sum(rest.values())
        total["compared"] += compared
        total["explaining"] += explaining
        print(f"{scenario:20} {compared:8.1f} s {explaining:9.1f} s {explaining / max(compared, 1e-9):6.2f}  {words}")
    print(
        f"{'all':20} {total['compared']:8.1f} s {total['explaining']:9.1f} s {total['explaining'] / total['compared']:6.2f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("reports/latest"))
