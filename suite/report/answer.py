"""One sentence that answers the question, from the same pairs and checks that the matrix shows."""

from __future__ import annotations

from collections.abc import Sequence

from suite.records import Code, Member, Pair, Results, Verdict

AGREE = (Verdict.IDENTICAL, Verdict.ROUNDING, Verdict.NOISE)
# Of several; of the only one, if it agrees and if it does not.
PAIRS = ("pairs agree", "the only pair agrees", "the only pair differs")
FILES = ("files equal the live model", "the only file equals the live model", "the only file differs from the live model")


def sentence(results: Results) -> str:
    """The seed question's three parts, each counted: backends, devices, saved files; and whether the causes are known."""
    compared = [pair for pair in results.pairs if pair.verdict is not Verdict.NOT_RUN]
    if not compared and not results.checks:
        return f"Nothing was compared: no two runs of one scenario have results.{_trouble(results)}"
    single = [pair for pair in compared if _devices(pair) == (1, 1)]
    many = [pair for pair in compared if _devices(pair) != (1, 1)]
    seen = [check for check in results.checks if check.verdict is not Verdict.NOT_RUN]
    saved = [check for check in seen if check.kind == "saved"]
    parts = [
        _part("across backends on one device", single, PAIRS),
        _part("with several devices", many, PAIRS),
        _part("after saving", saved, FILES),
    ]
    return f"{_lead([*compared, *seen])}: {'; '.join(part for part in parts if part)}.{_trouble(results)}"


def _lead(members: Sequence[Member]) -> str:
    """Yes or no, and what is known of why not."""
    apart = [member for member in members if member.verdict not in AGREE]
    if not apart:
        return "Yes, up to rounding"
    unexplained = [member for member in apart if member.verdict is not Verdict.BY_DESIGN]
    if not unexplained:
        return "Not everywhere, and every difference is by design and was checked"
    if unknown := sum(_unknown(member) for member in unexplained):
        have = "has" if unknown == 1 else "have"
        return f"Not everywhere, and {unknown} of {len(apart)} differences {have} no known cause"
    are = "is" if len(unexplained) == 1 else "are"
    return f"Not everywhere; {len(unexplained)} of {len(apart)} differences {are} not by design, and each has a named cause"


def _unknown(member: Member) -> bool:
    """Whether nothing is known of why the two sides differ."""
    return member.verdict is Verdict.INCONCLUSIVE or any(cause.code == Code.UNKNOWN for cause in member.causes)


def _trouble(results: Results) -> str:
    failed = len({row.run.configuration for row in results.runs if row.status.broken})
    broken = len(results.broken)
    words = f" {failed} {'configuration has' if failed == 1 else 'configurations have'} runs that failed." if failed else ""
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
