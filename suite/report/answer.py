"""One sentence that answers the question, from the same pairs and checks that the matrix shows."""

from __future__ import annotations

from collections.abc import Sequence

from suite.records import Member, Pair, Results, Verdict
from suite.report import summary

AGREE = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)
# Of several; of the only one, if it agrees and if it does not.
PAIRS = ("pairs agree", "the only pair agrees", "the only pair differs")
FILES = ("files equal the live model", "the only file equals the live model", "the only file differs from the live model")


def sentence(results: Results) -> str:
    """The seed question's parts, each counted: backends, devices, GPU against CPU, saved files; and whether the causes are
    known."""
    compared = [pair for pair in results.pairs if pair.verdict is not Verdict.NOT_RUN]
    if not compared and not results.checks:
        return f"Nothing was compared: no two runs of one scenario have results.{_trouble(results)}"
    kinds = {one.environment.name: one.environment.device for one in results.environments}
    between = [pair for pair in compared if len({kinds.get(run.configuration.environment) for run in pair.runs}) > 1]
    single = [pair for pair in compared if _devices(pair) == (1, 1) and pair not in between]
    many = [pair for pair in compared if _devices(pair) != (1, 1) and pair not in between]
    seen = [check for check in results.checks if check.verdict is not Verdict.NOT_RUN]
    saved = [check for check in seen if check.kind == "saved"]
    parts = [
        _part("across backends on one device", single, PAIRS),
        _part("with several devices", many, PAIRS),
        _part("GPU against CPU", between, PAIRS),
        _part("after saving", saved, FILES),
    ]
    counted = "; ".join(part for part in parts if part)
    return f"{_lead(results, [*compared, *seen])}. {counted[:1].upper()}{counted[1:]}.{_trouble(results)}"


def _lead(results: Results, members: Sequence[Member]) -> str:
    """Yes or no, and how many causes there are: those that need a decision, undecided ones, and expected ones."""
    if all(member.verdict in AGREE for member in members):
        return "Yes, up to rounding"
    open_ones = [finding for finding in results.findings if not finding.accepted]
    decide = sum(finding.verdict in (Verdict.DIFFERENT, Verdict.INVALID) for finding in open_ones)
    undecided = sum(finding.verdict is Verdict.INCONCLUSIVE for finding in open_ones)
    accepted = len(results.findings) - len(open_ones)
    expected = sum(finding.verdict is Verdict.BY_DESIGN for finding in open_ones)
    counts = [
        f"{decide} {'cause needs' if decide == 1 else 'causes need'} a decision" if decide else "",
        f"{undecided} {'is' if undecided == 1 else 'are'} undecided" if undecided else "",
        f"{accepted} {'is' if accepted == 1 else 'are'} accepted" if accepted else "",
        f"{expected} {'is' if expected == 1 else 'are'} expected, by design" if expected else "",
    ]
    said = ", ".join(one for one in counts if one) or "what differs is in no finding"
    # From the members, so that the answer is right whatever the findings say.
    verdicts = {member.verdict for member in members if member.id not in results.excused}
    if verdicts & {Verdict.DIFFERENT, Verdict.INVALID}:
        return f"No: {said}"
    return f"Undecided: {said}" if Verdict.INCONCLUSIVE in verdicts else f"Yes, up to rounding and what is expected: {said}"


def _trouble(results: Results) -> str:
    failed = len({row.run.configuration for row in results.runs if row.status.broken})
    broken = len(results.broken)
    words = f" {failed} {'configuration has' if failed == 1 else 'configurations have'} runs that failed." if failed else ""
    if jobs := len(summary.failed_jobs(results)):
        words += f" {jobs} {'job' if jobs == 1 else 'jobs'} beside the runs failed."
    return words + (f" {broken} {'scenario is' if broken == 1 else 'scenarios are'} broken." if broken else "")


def _devices(pair: Pair) -> tuple[int, int]:
    return pair.a.configuration.devices, pair.b.configuration.devices


def _part(title: str, members: Sequence[Member], words: tuple[str, str, str]) -> str:
    if not members:
        return ""
    several, only_agrees, only_differs = words
    agree = sum(member.verdict in AGREE for member in members)
    by_design = sum(member.verdict is Verdict.BY_DESIGN for member in members)
    if len(members) == 1:
        return f"{title}, {only_agrees if agree else only_differs}{' by design' if by_design else ''}"
    counted = f"{title}, {'all ' if agree == len(members) else f'{agree} of '}{len(members)} {several}"
    return f"{counted} and {by_design} {'differs' if by_design == 1 else 'differ'} by design" if by_design else counted
