"""The first screen in words: the question, the answer, and how many causes and comparisons there are.

It is made from the decisions (`suite.results.decisions`) and the findings; the console and the page say the same.
`plans.py` has the words of the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suite.records import Finding, Member, Results, Verdict
from suite.report import summary
from suite.results.decisions import AGREE, Safety, tables

NEEDS_DECISION = (Verdict.DIFFERENT, Verdict.INVALID)
# What the page filters by: a group of findings, or of pairs and checks -> its words.
GROUPS = {
    "decision": "needs a decision",
    "undecided": "undecided",
    "expected": "expected",
    "equal": "equal",
    "not-run": "not run",
}
PACKAGES = {"keras": "Keras", "tensorflow": "TensorFlow", "tensorflow-cpu": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
LISTED = 4  # environments: of more, the number says enough
Part = tuple[str, str]  # words, and the group that they count: a key of GROUPS, "failed", or nothing


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Of causes: those that need a decision, undecided and expected ones (accepted ones among them). Of pairs and checks:
    how many agree, and how many have no result."""

    decision: int
    undecided: int
    expected: int
    equal: int
    not_run: int

    @property
    def by_group(self) -> dict[str, int]:
        return dict(zip(GROUPS, (self.decision, self.undecided, self.expected, self.equal, self.not_run), strict=True))


def question(results: Results) -> str:
    """What the run asked, from what it planned."""
    environments = list(dict.fromkeys(_versioned(results)))
    devices = sorted({run.configuration.devices for pair in results.pairs for run in pair.runs})
    own = [name for table in tables(results) if table.own for name in table.scenarios]
    asked = own or [row.name for row in results.scenarios] or [one.name for one in results.broken]
    built_in = "built-in " if results.scenarios and not own else ""
    subject = asked[0] if len(asked) == 1 else f"{len(asked)} {built_in}models"
    on = f" on {listed(environments)}" if environments else ""
    counted = f", on {' and '.join(map(str, devices))} {'device' if devices == [1] else 'devices'}" if devices else ""
    return f"{'Does' if len(asked) == 1 else 'Do'} {subject} give equal results{on}{counted}, and after saving?"


def _versioned(results: Results) -> Iterator[str]:
    """The names of the environments; with the version of Keras, where those of one backend have different ones."""
    versions: dict[str, set[str]] = {}
    for one in results.environments:
        versions.setdefault(one.environment.backend, set()).add(one.packages.get("keras", ""))
    for one in results.environments:
        keras = one.packages.get("keras", "")
        several = len(versions[one.environment.backend]) > 1 and keras
        yield f"{one.environment.name} (Keras {keras})" if several else one.environment.name


def listed(names: Sequence[str], word: str = "and") -> str:
    """Names as a sentence has them; of many only the number."""
    if len(names) > LISTED:
        return f"{len(names)} environments"
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)


# ---------------------------------------------------------------- counts


def counts(results: Results) -> Counts:
    """Causes are findings; what differs and is in no finding counts as one more."""
    causes = Counter(group(finding) for finding in results.findings if finding.members)
    covered = {member.id for finding in results.findings for member in finding.members}
    causes.update({_group(member) for member in results.members if member.id not in covered})
    return Counts(
        decision=causes["decision"],
        undecided=causes["undecided"],
        expected=causes["expected"],
        equal=sum(member.verdict in AGREE for member in results.members),
        not_run=sum(member.verdict is Verdict.NOT_RUN for member in results.members),
    )


def group(finding: Finding) -> str:
    """The count that a finding belongs to. What is accepted is expected."""
    found = _group(finding)
    return "expected" if finding.accepted and found in ("decision", "undecided") else found


def _group(judged: Finding | Member) -> str:
    if judged.verdict in NEEDS_DECISION:
        return "decision"
    if judged.verdict in AGREE:
        return "equal"
    return {Verdict.INCONCLUSIVE: "undecided", Verdict.BY_DESIGN: "expected"}.get(judged.verdict, "not-run")


# ---------------------------------------------------------------- the answer


def sentence(results: Results) -> str:
    """At most twenty words."""
    return "".join(words for words, _ in parts(results))


def parts(results: Results) -> list[Part]:
    """The sentence in pieces, each with what it counts."""
    found = counts(results)
    if all(member.verdict is Verdict.NOT_RUN for member in results.members):
        return [("Nothing was compared: no two runs have results.", ""), *_failures(results)]
    named = found.by_group
    said = [
        (f"{named[name]} {words}", name)
        for name, words in (
            ("decision", "cause needs a decision" if found.decision == 1 else "causes need a decision"),
            ("undecided", "undecided"),
            ("not-run", "not run"),
        )
        if named[name]
    ]
    if said:
        rest = "; the rest is equal or expected." if found.expected else "; the rest is equal."
        return [(f"{_lead(results, found)}. ", ""), *_joined(said), (rest, ""), *_failures(results)]
    if found.expected:
        causes = "1 expected cause" if found.expected == 1 else f"{found.expected} expected causes"
        rest = "; everything else is equal, up to rounding."
        return [("Yes, but for ", ""), (causes, "expected"), (rest, ""), *_failures(results)]
    return [("Yes. Everything that was compared is equal, up to rounding.", ""), *_failures(results)]


def _joined(said: Sequence[Part]) -> Iterator[Part]:
    for place, part in enumerate(said):
        if place:
            yield ", ", ""
        yield part


def _lead(results: Results, found: Counts) -> str:
    """No, only if no plan that was looked at is safe."""
    looked_at = [one for table in tables(results) for one in table.decisions if one.safety is not Safety.NOT_COMPARED]
    if found.decision:
        return "Mostly" if any(one.safety in (Safety.SAFE, Safety.EXCEPT) for one in looked_at) else "No"
    if found.undecided:
        return "Undecided"
    missing = _missing(results)
    return f"Not known for {listed(missing)}" if missing else "Yes, where it ran"


def _missing(results: Results) -> list[str]:
    """Environments in which something should have run, and nothing did."""
    broken: dict[str, bool] = {}
    for row in results.runs:
        name = row.run.configuration.environment
        broken[name] = broken.get(name, True) and row.status.broken
    return [name for name, nothing in broken.items() if nothing]


def _failures(results: Results) -> list[Part]:
    failed = len({row.run.configuration for row in results.runs if row.status.broken})
    count = failed + len(summary.failed_jobs(results)) + len(results.broken)
    return [(" ", ""), (failures(count), "failed"), (".", "")] if count else []


def failures(count: int) -> str:
    return f"{count} {'failure' if count == 1 else 'failures'}"


# ---------------------------------------------------------------- what was compared


def compared(results: Results) -> str:
    """Versions, kinds of devices, and how long all runs took together, in one line. The command took less where they ran at
    the same time, and more where it prepared much."""
    versions = {
        f"{PACKAGES[name]} {one.packages[name].partition('+')[0]}": None
        for name in PACKAGES
        for one in results.environments
        if name in one.packages
    }
    kinds = sorted({one.environment.device.upper() for one in results.environments if one.environment.device})
    seconds = sum(row.seconds for row in results.runs)
    time = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return " · ".join([*versions, *kinds, *([f"runs: {time}"] if results.runs else [])])


def counted(results: Results) -> str:
    """The counts in words."""
    found = counts(results).by_group
    return " · ".join(f"{words} {found[name]}" for name, words in GROUPS.items())
