"""Do two results.json say the same? Compares verdicts, causes, places, sides and distances across schemas 1 and 2.

    python benchmarks/compare_results.py BEFORE AFTER [--tolerance 0.01]

Prints how much is in both and how much of it is the same, then everything that is not. The exit code is 0 if all of it is
the same, else 1. Distances are compared with four significant digits, at every stored step.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Sentences of schema 1, matched from their start, in this order -> the code of schema 2.
CODES = (
    (r"declared otherwise .*; not checked$", "by-design-unchecked"),
    (r"declared otherwise", "by-design"),
    (r"suspected: ", "hypothesis"),
    (r"unstable kernel", "unstable-kernel"),
    (r"random streams", "random-streams"),
    (r"not saved", "not-saved"),
    (r"the file holds an earlier state", "save-stale"),
    (r"the file holds .*replica", "save-wrong-replica"),
    (r".*each other's place", "save-swapped"),
    (r".*does not hold the optimizer's slots", "slots-not-saved"),
    (r"the file is right, and the model that is made of it is not", "loaded-wrongly"),
    (r"unknown", "unknown"),
    (r"a constant or hyper-parameter is rounded differently", "constant"),
    (r"equal in float64, yet float32", "beyond-envelope"),
    (r"the same run, repeated, differs as much", "repeats-differ"),
    (r"amplified rounding", "amplified-rounding"),
    (r"unsupported: ", "unsupported"),
    (r"nothing was compared|.*nothing to compare here", "nothing-compared"),
)
# What a sentence that is none of these means: somebody else's words for a verdict that needs no cause of ours.
REASONS = {"invalid": "invalid", "not run": "not-run", "inconclusive": "no-float64"}
# Codes of schema 2 that schema 1 did not tell apart.
UNITED = {"unsupported": "not-run"}
OWN = {code for _, code in CODES} | set(REASONS.values())  # every other code of schema 2 is the name of a hypothesis
VERDICTS = {"designed": "by design"}
SCENARIO = (re.compile(r"^planted-"), "injected-")

SCHEMAS = (1, 2)
EQUAL_IN_FLOAT64 = 1e-10  # float64 runs are equal below: these digits are rounding
LARGEST = 1e300  # stands for what is not finite
Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a report says of one thing. `verdict` is empty and `place` and `side` are None where that thing has none of them.
    `distances`: (quantity, step, which runs, metric) -> distance."""

    verdict: str = ""
    codes: frozenset[str] = frozenset()
    side: str | None = None
    place: Key | None = None
    distances: Mapping[Key, float] = field(default_factory=dict)


Report = dict[Key, Said]  # "pair", "quantity", "check", "finding" or "diagnosis", then its name


def run_name(name: str) -> str:
    scenario, slash, rest = name.partition("/")
    return SCENARIO[0].sub(SCENARIO[1], scenario) + slash + rest


def verdict(record: Mapping[str, Any]) -> str:
    written = str(record["verdict"])
    return VERDICTS.get(written, written)


def codes(record: Mapping[str, Any]) -> frozenset[str]:
    """The codes of a record's causes. A hypothesis has the code "hypothesis"; several of them are one.

    Raises:
        ValueError: a sentence of schema 1 is in no row of the table.
    """
    if "causes" in record:
        written = [UNITED.get(cause["code"], cause["code"]) for cause in record["causes"]]
        return frozenset(code if code in OWN else "hypothesis" for code in written)
    sentence = record["cause"]
    if not sentence:
        return frozenset()
    for pattern, code in CODES:
        if re.match(pattern, sentence):
            return frozenset({UNITED.get(code, code)})
    if record["verdict"] not in REASONS:
        raise ValueError(f"{sentence!r} ({record['verdict']}) is in no row of CODES: add one")
    return frozenset({REASONS[record["verdict"]]})


def side(record: Mapping[str, Any]) -> str:
    """The environment that is off; empty if none is. Findings of schema 1 have one name for an environment or a run."""
    found = record.get("environment") or record["side"] or ""
    return found.split("/")[1] if "/" in found else found


def place(record: Mapping[str, Any]) -> Key:
    found = record["place"]
    return (found["stage"], found["tensor"], found["state"]) if found else ()


def quantities(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = record["quantities"]
    return dict(found) if isinstance(found, Mapping) else {one["quantity"]: one for one in found}


def distances(quantity: Mapping[str, Any]) -> Iterator[tuple[Key, float]]:
    """Those of the float32 runs and of the float64 runs, at every stored step; schema 1 says "twin" of the latter."""
    steps = quantity["trajectory"] if "trajectory" in quantity else quantity["distances"]["at"]
    for step in steps:
        for runs, measured in (("float32", step["plain"]), ("float64", step["twin"] if "twin" in step else step["float64"])):
            for metric, value in measured.items():
                yield (str(step["step"]), runs, metric), float(value)


def judged(name: Key, record: Mapping[str, Any], **more: Any) -> Iterator[tuple[Key, Said]]:
    """A pair or check, and each of its quantities. Its causes are those of all quantities that have its verdict: in schema 1
    its own cause is only the first of them."""
    parts = quantities(record)
    worst = [codes(part) for part in parts.values() if part["verdict"] == record["verdict"]]
    every = frozenset().union(*worst) if worst else codes(record)
    yield name, Said(verdict=verdict(record), codes=every, **more)
    for quantity, part in parts.items():
        key = ("quantity", *name[1:], quantity)
        yield key, Said(verdict=verdict(part), codes=codes(part), distances=dict(distances(part)))


def said(document: Mapping[str, Any]) -> Report:
    """Everything that is compared, of a results.json of either schema."""
    if document["schema"] not in SCHEMAS:
        raise ValueError(f"got a results.json of schema {document['schema']}, wanted one of {SCHEMAS}")
    found: Report = {}
    for pair in document["pairs"]:
        found.update(judged(("pair", *sorted(map(run_name, (pair["a"], pair["b"])))), pair, side=side(pair)))
    for check in document["views"] if document["schema"] == 1 else document["checks"]:
        name = (run_name(check["run"]), check["kind"], check["environment"], check["form"], str(check["replica"]))
        found.update(judged(("check", *name), check))
    for finding in document["findings"]:
        members = sorted(map(run_name, finding["pairs"] if document["schema"] == 1 else finding["members"]))
        members = [" | ".join(sorted(map(run_name, member.split(" | ")))) for member in members]
        about = Said(verdict=verdict(finding), codes=codes(finding), side=side(finding), place=place(finding))
        found["finding", *members] = about
    for diagnosis in document["diagnoses"]:
        measured = diagnosis["distance"]
        apart: dict[Key, float] = {} if measured is None else {("float64",): measured}
        found["diagnosis", run_name(diagnosis["run"])] = Said(place=place(diagnosis), distances=apart)
    return found


# ---------------------------------------------------------------- two reports


def change(key: Key, before: float, after: float) -> float:
    """The relative change of a distance; 0 if both say that float64 runs are equal. Four digits count."""
    if "float64" in key and max(before, after) < EQUAL_IN_FLOAT64:
        return 0.0
    x, y = (min(float(f"{value:.4g}"), LARGEST) for value in (before, after))
    return abs(x - y) / max(abs(x), abs(y)) if x != y else 0.0


@dataclass(kw_only=True)
class Count:
    """How many of something were looked at in both reports, and how many of these are the same."""

    of: int = 0
    same: int = 0

    def add(self, equal: bool) -> None:
        self.of, self.same = self.of + 1, self.same + equal


@dataclass(kw_only=True)
class Outcome:
    """`counts`: of what; `lines`: each thing that is not the same; `largest`: the largest relative change of a distance."""

    counts: dict[str, Count] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    largest: float = 0.0

    def compare(self, what: str, name: str, before: object, after: object, equal: bool) -> None:
        self.counts.setdefault(what, Count()).add(equal)
        if not equal:
            self.lines.append(f"{what}: {name}: {shown(before)} became {shown(after)}")


def shown(value: object) -> str:
    if isinstance(value, frozenset | tuple):
        return " + ".join(sorted(value) if isinstance(value, frozenset) else value) or "none"
    return "absent" if value is None else str(value) or "none"


def compare(before: Report, after: Report, tolerance: float) -> Outcome:
    outcome = Outcome()
    for key in dict.fromkeys([*before, *after]):
        kind, name = key[0], " | ".join(key[1:])
        in_both = key in before and key in after
        found = " and ".join(where for where, report in (("before", before), ("after", after)) if key in report)
        outcome.compare(PLURALS[kind], name, "before and after", f"only {found}", in_both)
        if in_both:
            _compare(outcome, f"{kind} {name}", before[key], after[key], tolerance)
    return outcome


PLURALS = {
    "pair": "pairs",
    "check": "checks",
    "quantity": "quantities",
    "finding": "findings",
    "diagnosis": "diagnoses",
}


def _compare(outcome: Outcome, name: str, before: Said, after: Said, tolerance: float) -> None:
    if before.verdict:
        outcome.compare("verdicts", name, before.verdict, after.verdict, before.verdict == after.verdict)
        outcome.compare("cause codes", name, before.codes, after.codes, before.codes == after.codes)
    if before.side is not None:
        outcome.compare("sides", name, before.side, after.side, before.side == after.side)
    if before.place is not None:
        outcome.compare("places", name, before.place, after.place, before.place == after.place)
    for key in dict.fromkeys([*before.distances, *after.distances]):
        one, other = before.distances.get(key), after.distances.get(key)
        moved = math.inf if one is None or other is None else change(key, one, other)
        outcome.largest = max(outcome.largest, moved)
        outcome.compare("distances", f"{name} | {' '.join(key)}", one, other, moved <= tolerance)


def lines(outcome: Outcome) -> Iterable[str]:
    yield f"{'':14} {'in both':>10} {'the same':>10}"
    for what, count in outcome.counts.items():
        kept = what in PLURALS.values()  # of these, what counts is that they are in both
        yield f"{what:14} {count.same if kept else count.of:>10} {'' if kept else count.same:>10}"
    yield f"largest relative change of a distance: {outcome.largest:.2g}"
    yield ""
    yield f"{len(outcome.lines)} are not the same" + (":" if outcome.lines else "")
    yield from outcome.lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.0, help="relative change of a distance that is still the same")
    given = parser.parse_args(arguments)
    before, after = (said(json.loads(path.read_text(encoding="utf-8"))) for path in (given.before, given.after))
    outcome = compare(before, after, given.tolerance)
    print("\n".join(lines(outcome)))
    return 1 if outcome.lines else 0


if __name__ == "__main__":
    sys.exit(main())
