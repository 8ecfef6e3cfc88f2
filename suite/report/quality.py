"""Does it matter? What several initial states say of the quality of the models, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from suite.records import Quality, QualityPair, Results, Verdict
from suite.report import summary

SHOWN = 6  # pairs that are not equivalent; results.json has all
WORST = (Quality.DIFFERENT, Quality.UNDECIDED, Quality.EQUIVALENT)
CHANGED = (Verdict.DIFFERENT, Verdict.BY_DESIGN, Verdict.INVALID)
COLUMNS = ("scenario", "metric", "a", "b", "mean of a", "mean of b", "a - b (90 %)", "margin", "answer")


def sentences(results: Results) -> Iterator[str]:
    """One for each scenario: whether its results differ, and whether the quality does."""
    for scenario in dict.fromkeys(one.scenario for one in results.quality):
        yield _sentence(results, scenario, [one for one in results.quality if one.scenario == scenario])


def _sentence(results: Results, scenario: str, found: Sequence[QualityPair]) -> str:
    differ = any(pair.verdict in CHANGED for pair in results.pairs if pair.scenario == scenario)
    counts = {quality: sum(one.quality is quality for one in found) for quality in WORST}
    said = ", ".join(f"{count} {quality.value}" for quality, count in counts.items() if count)
    states = max(one.states for one in found)
    return (
        f"{scenario}: {'the results differ' if differ else 'no difference is shown to be more than rounding'}, and "
        f"{_whether(counts)} ({said}: each metric of each two configurations, over {states} initial states)"
    )


def _whether(counts: dict[Quality, int]) -> str:
    """Only where every comparison is equivalent, the quality is: what is not shown is not equal."""
    if counts[Quality.DIFFERENT]:
        return "the quality differs, too"
    return "it is undecided whether the quality does" if counts[Quality.UNDECIDED] else "the quality is equivalent"


def rows(results: Results) -> list[tuple[str, ...]]:
    """The cells of a table, one for each of COLUMNS, the worst first."""
    return [_row(one) for one in sorted(results.quality, key=lambda one: WORST.index(one.quality))]


def _row(one: QualityPair) -> tuple[str, ...]:
    low, high = one.interval
    return (
        one.scenario,
        one.metric,
        summary.label(one.a),
        summary.label(one.b),
        *(f"{mean:.4g}" for mean in one.means),
        f"{one.difference:+.2g} ({low:+.2g} to {high:+.2g})",
        f"{one.margin:.2g}",
        f"{one.quality.value}{_needed(one)}",
    )


def _needed(one: QualityPair) -> str:
    """What would decide: as many other initial states as --seeds takes."""
    if one.quality is not Quality.UNDECIDED:
        return ""
    return f": --seeds {one.needed - 1} would decide" if one.needed else ": no affordable number of seeds would decide"


def lines(results: Results) -> Iterator[str]:
    """For the console: the sentences, and what is not equivalent."""
    for sentence in sentences(results):
        yield f"  does it matter? {sentence}"
    unequal = [row for row in rows(results) if row[-1] != Quality.EQUIVALENT.value]
    for scenario, metric, a, b, first, second, difference, margin, answer in unequal[:SHOWN]:
        sides = f"{a} {first}, {b} {second}"
        yield f"    {scenario}, {metric}: {sides}, difference {difference}, margin {margin}: {answer}"
    if len(unequal) > SHOWN:
        yield f"    and {len(unequal) - SHOWN} more: see the page"
