"""summary.md: the answer, why, what failed and every matrix, for a CI job's summary page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from suite.records import GroundRates, Pair, Results, Run, Verdict
from suite.report import answer, changes, findings, glossary, lagging, loading, noticed, plans, quality, summary, trends
from suite.report.findings import Worded
from suite.results.decisions import tables

LONGEST = 200_000  # bytes: a fifth of what common CI servers show, and far more than anybody reads
CUT = "\nCut here: index.html and results.json hold the rest."


def text(results: Results) -> str:
    """At most LONGEST bytes: what matters most comes first."""
    lines: list[str] = []
    size = len(CUT.encode()) + 1
    parts = (
        _top,
        _quality,
        _why,
        _lagging,
        _loading,
        _altered,
        _known,
        _changed,
        _failed,
        _restarted,
        _overview,
        _self_test,
        _matrices,
    )
    for line in itertools.chain.from_iterable(part(results) for part in parts):
        size += len(line.encode()) + 1
        if size > LONGEST:
            lines.append(CUT)
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _top(results: Results) -> Iterator[str]:
    """The first screen of the page: what a job's summary shows without scrolling."""
    yield f"# {plain(answer.sentence(results))}"
    yield from ("", plain(answer.question(results)), "")
    for table in tables(results):
        yield from (_row([plans.title(table), "answer"]), "|---|---|")
        for row in plans.rows(results, table):
            more = f" (and {row.more} more)" if row.more else ""
            yield f"| {plain(row.plan)} | **{row.answer}** {plain(f'{row.note}{more}')} |"
        yield ""
    yield from (plain(answer.counted(results)), "", plain(answer.compared(results)), "")
    if results.change:
        yield from (plain(changes.sentence(results.change)), "")
    made = f"{plain(results.generated)}, plan {results.plan.digest[:12]}, exit code {results.exit_code}"
    yield f"{made}: `{code(results.plan.command)}`"


def _why(results: Results) -> Iterator[str]:
    if results.findings:
        yield from ("", "## Causes", "")
    known = trends.worded(results)
    for number, finding in enumerate(findings.worded(results), 1):
        over_time = known[finding.finding.fingerprint].sentence if finding.finding.fingerprint in known else ""
        yield from _finding(number, finding, over_time)


def _quality(results: Results) -> Iterator[str]:
    if results.quality:
        yield from ("", "## Does it matter?", "", *(f"- {plain(one)}" for one in quality.sentences(results)), "")
        yield from (_row(list(quality.COLUMNS)), "|" + "---|" * len(quality.COLUMNS))
        yield from (_row(row) for row in quality.rows(results))


def _lagging(results: Results) -> Iterator[str]:
    if found := list(lagging.sentences(results)):
        yield from ("", "## What fit says and what evaluate says", "", *(f"- {plain(one)}" for one in found))


def _loading(results: Results) -> Iterator[str]:
    if found := list(loading.sentences(results)):
        yield from ("", "## How files are compiled elsewhere", "", *(f"- {plain(one)}" for one in found))


def _altered(results: Results) -> Iterator[str]:
    if found := list(noticed.altered(results)):
        yield from ("", "## What training sets", "", *(f"- {plain(one)}" for one in found))


def _finding(number: int, worded: Worded, over_time: str) -> Iterator[str]:
    """`over_time`: since when it shows; empty where that is not known."""
    finding = worded.finding
    yield f"- **{number}. {finding.verdict.mark} {finding.verdict.value}**: {plain(worded.claim)}"
    if finding.accepted:
        yield f"  - Accepted: {plain(finding.accepted)}"
    elif some := [part for part in finding.parts if part.accepted]:
        reasons = "; ".join(f"{part.scenario}: {part.accepted}" for part in some)
        yield f"  - Accepted in {len(some)} of {len(finding.parts)} scenarios: {plain(reasons)}"
    yield f"  - How much: {plain(worded.effect)}"
    if over_time:
        yield f"  - Over time: {plain(over_time)}"
    if worded.advice:
        yield f"  - What to do: {plain(' '.join(part for part in (worded.advice, worded.link) if part))}"
    yield f"  - Evidence: {plain(worded.evidence)}"
    yield f"  - Experiment: {plain(worded.experiment)}"
    if finding.place:
        yield f"  - Begins at: {plain(finding.place.stage)}, {plain(finding.place.tensor)}"
    if worded.repeat:
        yield f"  - Again: `{code(worded.repeat)}`"
    if finding.fingerprint:
        yield f"  - Fingerprint: `{code(finding.fingerprint)}`"


STATES = {
    "shows": "accepted until {}",
    "expired": "**expired on {}, and fails the gate again**",
    "gone": "**does not show** (accepted until {})",
    "not looked for": "not looked for here (accepted until {})",
}


def _known(results: Results) -> Iterator[str]:
    if results.known:
        yield from ("", "## Known differences", "")
    for one in results.known:
        state = STATES[one.state].format(one.expires)
        yield f"- `{code(one.fingerprint)}`: {state}: {plain(' '.join(part for part in (one.reason, one.link) if part))}"


CHANGES = ("worse", "new", "gone", "better", "changed")
SHOWN = 20  # of each kind: a new environment moves hundreds, and results.json has them all


def _changed(results: Results) -> Iterator[str]:
    """What moved, the worst first; without a baseline no word, for nothing is known then."""
    if results.change is None or not results.change.moves:
        return
    yield from ("", f"## Changed since {plain(results.change.baseline)}")
    for how in CHANGES:
        moves = [move for move in results.change.moves if move.how == how]
        if moves:
            yield from ("", f"{len(moves)} {how}:", "")
        for move in moves[:SHOWN]:
            both = " → ".join(plain(words) for words in (move.before, move.now) if words)
            yield f"- {move.about} `{code(move.name)}`" + (f": {both}" if both else "")
        if len(moves) > SHOWN:
            yield f"- and {len(moves) - SHOWN} more"


def _failed(results: Results) -> Iterator[str]:
    failed = summary.failed(results)
    jobs = summary.failed_jobs(results)
    if failed or jobs or results.broken:
        yield from ("", "## Failed and broken", "")
    for failure in failed:
        yield f"- `{code(failure.names)}`: {failure.status.value}: {plain(failure.reason)}"
    for job in jobs:
        yield f"- `{code(job.job)}`: {job.status.value}: {plain(job.reason)}"
    for one in results.broken:
        yield f"- broken `{code(one.name)}` ({plain(one.source)}): {plain(one.reason)}"


def _restarted(results: Results) -> Iterator[str]:
    """Workers whose second attempt completed, and devices that are parts of one GPU."""
    if virtual := summary.virtual(results):
        yield from ("", plain(virtual))
    restarted = summary.restarted(results)
    if restarted:
        yield from ("", "## Started once more", "")
    for name, died in restarted:
        yield f"- `{code(name)}`: complete; the first attempt died: {plain(died)}"


def _overview(results: Results) -> Iterator[str]:
    yield from ("", "## The worst verdict of each group", "")
    for noun, members in (("pairs", results.pairs), ("checks", results.checks)):
        counted = summary.counts(members)
        words = ", ".join(f"{verdict.mark} {count} {verdict.value}" for verdict, count in counted.items())
        yield f"{len(members)} {noun}" + (f": {words}" if words else "")
        yield ""
    yield from _table(["", *(row.name for row in results.scenarios)])
    for group in summary.overview(results):
        yield _row([group.name, *(one.mark if one else "" for one in group.worst.values())])
    yield ""
    yield "Key: " + "; ".join(f"{verdict.mark} {verdict.value}: {verdict.meaning}" for verdict in Verdict) + "."


def _self_test(results: Results) -> Iterator[str]:
    one = results.self_test
    said, command = glossary.holds_here(one), glossary.to_measure(one)
    lines = [f"- {plain(_measured(rates))}" for rates in (one.grounds if one else ()) if rates.injected or rates.clean_pairs]
    yield from ("", f"Self-test: {plain(said)}" + (f" To measure it: `{command}`" if command else ""))
    if lines:
        yield from ("", *lines)


def _measured(one: GroundRates) -> str:
    shares = ", ".join(f"{rate:.1%} {name}" for name, rate in one.rates.items())
    faults = f"of {one.injected} injected faults {shares}; " if one.injected else ""
    alarms = ", ".join(f"{count} of {whole} {what}" for what, (count, whole) in one.false_alarms.items())
    return f"In {glossary.ground(one)}: {faults}false alarms: {alarms}. Measured with {glossary.rests_on(one)}."


def _matrices(results: Results) -> Iterator[str]:
    if results.pairs:
        yield from ("", "## Every run against every run")
    for scenario in results.scenarios:
        pairs = [pair for pair in results.pairs if pair.scenario == scenario.name]
        if pairs:
            yield from ("", f"### {plain(scenario.name)}", "")
            yield from _matrix(summary.labels(results, scenario.name), pairs)


def _matrix(labels: dict[Run, str], pairs: Sequence[Pair]) -> Iterator[str]:
    cells = {(pair.a, pair.b): pair.verdict.mark for pair in pairs}
    yield from _table(["", *labels.values()])
    for a, name in labels.items():
        yield _row([name, *(cells.get((a, b)) or cells.get((b, a), "") for b in labels)])


def _table(columns: Sequence[str]) -> Iterator[str]:
    yield _row(columns)
    yield "|---|" + ":-:|" * (len(columns) - 1)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(plain(cell) for cell in cells) + " |"


def plain(words: str) -> str:
    """Names come from plugins: nothing in them is markup."""
    flat = " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", flat)


def code(words: str) -> str:
    """For between backticks, where nothing can be escaped."""
    return " ".join(words.split()).replace("`", "'")
