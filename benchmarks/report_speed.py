"""How large a report of 24 runs x 20 scenarios x 500 layers x 200 steps is, and how fast it is made and opened.

    python benchmarks/report_speed.py [RESULTS_JSON]

Weights have all 200 steps and all 500 layers, other quantities 8 steps, and moving statistics half of the layers. Verdicts
are as in a real run: half rounding, a tenth identical, the rest designed or different. With RESULTS_JSON, measures that
report instead. Needs the dependency group "browser" and Chromium.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from suite.records import (
    QUANTITIES,
    At,
    Cause,
    Code,
    Configuration,
    ConsistencyCheck,
    Distances,
    Environment,
    Finding,
    Judged,
    Options,
    Pair,
    Plan,
    Provisioned,
    Results,
    Run,
    RunRow,
    ScenarioRow,
    Status,
    TensorDistance,
    Verdict,
)
from suite.report import html, results_json
from tests.browser import chromium

RUNS, SCENARIOS, LAYERS, STEPS, POOL = 24, 20, 500, 200, 300
METRICS = {
    "trainable weights": "train",
    "moving statistics": "mean",
    "optimizer state": "slots",
    "loss": "loss",
    "predictions": "pmax",
}
SIZES = {Verdict.ROUNDING: 1e-6, Verdict.BY_DESIGN: 3e-2, Verdict.DIFFERENT: 1e-1}
WEIGHTS = {Verdict.IDENTICAL: 10, Verdict.ROUNDING: 50, Verdict.BY_DESIGN: 30, Verdict.DIFFERENT: 10}
NAMES = [f"block{index // 10:02d}/{'conv' if index % 2 else 'norm'}_{index % 10}" for index in range(LAYERS)]
REPEATS = 5
DECLARED = Cause(code=Code.BY_DESIGN, detail=(("batch statistics", "global or per replica"),))


def walk(steps: list[int], metric: str, size: float, dice: random.Random) -> tuple[At, ...]:
    """Distances that wander and grow, as real ones do."""
    value, found = size * 1e-2, []
    for step in steps:
        value *= dice.lognormvariate(0.02, 0.2)
        found.append(
            At(
                step=step,
                plain={metric: value},
                envelope={metric: 1e-6},
                float64={metric: value * 1e-9 if size < 1e-3 else value},
            )
        )
    return tuple(found)


def judged(dice: random.Random) -> dict[tuple[str, Verdict], list[Judged]]:
    """For each quantity and verdict a pool to draw from: more than what a packer could find again."""
    pools: dict[tuple[str, Verdict], list[Judged]] = {}
    for quantity, metric in METRICS.items():
        steps = list(range(1, STEPS + 1)) if quantity == QUANTITIES[0] else [1, 2, 5, 10, 20, 50, 100, 200]
        for verdict in WEIGHTS:
            size = SIZES.get(verdict, 0.0)
            pools[quantity, verdict] = [
                one(quantity, metric, verdict, size, steps, dice) for _ in range(POOL if size else 1)
            ]
    return pools


def one(quantity: str, metric: str, verdict: Verdict, size: float, steps: list[int], dice: random.Random) -> Judged:
    layered = quantity in QUANTITIES[:2]
    names = NAMES if quantity == QUANTITIES[0] else NAMES[::2]
    layers = {name: size * dice.lognormvariate(0, 1) for name in names} if size and layered else {}
    worst = sorted(layers, key=layers.__getitem__, reverse=True)[:20]
    return Judged(
        quantity=quantity,
        verdict=verdict,
        causes=() if verdict.rank < Verdict.BY_DESIGN.rank else (DECLARED,),
        distances=Distances(
            quantity=quantity,
            bits=not size,
            at=walk(steps, metric, size, dice) if size else (At(step=STEPS, plain={metric: 0.0}),),
            tensors=tuple(
                TensorDistance(name=f"{name}/kernel", group="K", value=layers[name], ulp=dice.uniform(1, 1e6), bits=False)
                for name in worst
            ),
            layers=layers,
            histogram=tuple(int(dice.uniform(0, 1e5)) for _ in range(20)) if layered and size else (),
        ),
        limits={metric: 5e-6},
        worst_tensor=worst[0] if worst else "",
        first_step=1,
    )


def synthetic() -> Results:
    dice = random.Random(7)
    pools = judged(dice)
    environments = ("tensorflow", "jax", "torch")
    rows: list[RunRow] = []
    pairs: list[Pair] = []
    checks: list[ConsistencyCheck] = []
    scenarios = [f"scenario-{place:02d}" for place in range(SCENARIOS)]
    for name in scenarios:
        own = [
            Configuration(scenario=name, environment=environment, strategy=f"strategy-{place}", devices=1 + place)
            for environment in environments
            for place in range(RUNS // len(environments))
        ]
        runs = [Run(configuration=configuration, variation="plain") for configuration in own]
        rows += [RunRow(run=run, status=Status.COMPLETE, reason="", seconds=1.0, reused=False, facts={}) for run in runs]
        for a, b in combinations(runs, 2):
            verdict = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            quantities = tuple(dice.choice(pools[quantity, verdict]) for quantity in METRICS)
            pairs.append(Pair(a=a, b=b, verdict=verdict, causes=quantities[0].causes, quantities=quantities))
        for run in runs:
            for kind, form in (("saved", "model.keras"), ("saved", "model.weights.h5"), ("declared", "")):
                checks.append(
                    ConsistencyCheck(
                        run=run,
                        kind=kind,
                        environment=run.configuration.environment,
                        verdict=Verdict.IDENTICAL,
                        form=form,
                    )
                )
    different = tuple(pair for pair in pairs if pair.verdict is Verdict.DIFFERENT)
    finding = Finding(verdict=Verdict.DIFFERENT, causes=(Cause(code=Code.UNKNOWN),), members=different)
    return Results(
        plan=Plan(
            runs=tuple(row.run for row in rows), refused=(), options=Options(), digest="0" * 64, command="parity compare"
        ),
        exit_code=1,
        generated="2026-11-25 12:00 UTC",
        environments=tuple(Provisioned(environment=Environment(name=name, backend=name)) for name in environments),
        scenarios=tuple(
            ScenarioRow(
                name=name, description="synthetic", source="", digest="", batch=64, steps=STEPS, outputs="probabilities"
            )
            for name in scenarios
        ),
        broken=(),
        runs=tuple(rows),
        pairs=tuple(pairs),
        checks=tuple(checks),
        findings=(finding,),
        limits=(),
    )


DRAWN = "document.querySelector('#pair figure') && document.querySelector('#map canvas')"
# From the start of navigation to the frame after everything is drawn; and how long the page's own script kept the page busy.
TIMES = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now();
}"""


def rendered(page: Page, address: str) -> float:
    page.goto(address)
    page.wait_for_function(DRAWN, polling=5)
    return float(page.evaluate(TIMES))


def switched(page: Page) -> float:
    """Milliseconds from a switch to the frame that shows it."""
    return float(
        page.evaluate("""async () => {
          const select = document.getElementById('scenario');
          const heading = document.querySelector('#pair h3');
          select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
          const start = performance.now();
          select.dispatchEvent(new Event('change'));
          while (document.querySelector('#pair h3') === heading) await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          return performance.now() - start;
        }""")
    )


def main() -> None:
    results = results_json.read(Path(sys.argv[1])) if len(sys.argv) > 1 else synthetic()
    start = time.process_time()
    text = html.text(results)
    made = time.process_time() - start
    bulk = sum(map(len, re.findall(r'<script type="text/plain"[^>]*>(.*?)</script>', text)))
    size = len(text.encode())
    print(f"file {size / 1e6:.2f} MB, without bulk {(size - bulk) / 1e3:.0f} kB, made in {made:.1f} s of processor time")
    print(f"script {len(html.script().encode()) / 1e3:.1f} kB, style {len(html.style().encode()) / 1e3:.1f} kB")
    if said := re.search(r"This report is large: ([^<]*)\.", text):
        print(f"left out: {said[1]}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "index.html"
        path.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=chromium.arguments())
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable")
        times = sorted(rendered(page, path.as_uri()) for _ in range(REPEATS))
        found = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
        tools.send("HeapProfiler.collectGarbage")
        heap = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}["JSHeapUsedSize"]
        elements = page.evaluate("document.querySelectorAll('*').length")
        print(f"rendered in {times[1]:.0f} ms (second best of {REPEATS}), script {1e3 * found['ScriptDuration']:.0f} ms")
        switch = statistics.median(switched(page) for _ in range(REPEATS))
        print(f"{elements} elements, {heap / 1e6:.1f} MB heap, a switch {switch:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
