"""Does every run compute what its strategy declares? Its float64 twin against the oracle of the declaration, and what is known
of why not."""

from __future__ import annotations

from suite import compare, judge, twins
from suite.explain.inquiry import Inquiry
from suite.reader import Reader, plain
from suite.records import Comparison, Configuration, Diagnosis
from suite.store import Damaged

SUSPECTED = "suspected: "
GROWN = "where its rounding grows, it is within 5 times what its own twin with re-ordered rows differs by, or is not judged"
GROWN_AT_ONCE = "its own twin with re-ordered rows is as far from it from the first stored step on: nothing is known"


def compared(subject: compare.Subject) -> Comparison | str:
    """A configuration measured against its oracle, or why not."""
    if subject.twin is None:
        return subject.no_twin
    if subject.oracle is None:
        return subject.no_oracle
    try:
        return compare.declared(subject)
    except (Damaged, ValueError) as error:
        return str(error)


def diagnosis(reader: Reader, configuration: Configuration, found: Comparison | str) -> Diagnosis:
    """What became of the question for one configuration."""
    oracle = reader.oracle_of(configuration)
    run, made = plain(configuration).id, oracle.id if oracle else ""
    if isinstance(found, str):
        return Diagnosis(run=run, oracle=made, distance=None, reason=found)
    distance = judge.oracle_distance(found)
    if distance is not None and distance >= twins.SAME_SEMANTICS:
        return Inquiry(reader, configuration, found).diagnosis(distance)
    invalid = [one.invalid for one in found.distances if one.invalid]
    reason = "" if distance is not None else next(filter(None, (*invalid, found.no_twin, GROWN_AT_ONCE)))
    if distance is not None and twins.excused(found):
        reason = GROWN
    return Diagnosis(run=run, oracle=made, distance=distance, reason=reason)


def words(diagnosis: Diagnosis | None) -> str:
    """The suspected cause of a run that is not what its strategy declares; empty if none is suspected."""
    if diagnosis is None:
        return ""
    found = [suspect.words for suspect in diagnosis.suspects if suspect.distance < twins.SAME_SEMANTICS]
    return f"{SUSPECTED}{' or '.join(dict.fromkeys(found))}" if found else ""
