"""Does every run compute what its strategy declares? Its float64 run against the oracle of the declaration, and what is known
of why not."""

from __future__ import annotations

from suite import compare
from suite.compare.run_folder import Reader
from suite.explain.inquiry import Inquiry
from suite.judge import equivalence, verdicts
from suite.records import Comparison, Configuration, DamagedArtifact, Diagnosis, plain

SUSPECTED = "suspected: "
GROWN = "where its rounding grows, it is within 5 times what its own float64 run with re-ordered rows differs by, or is not judged"
GROWN_AT_ONCE = "its own float64 run with re-ordered rows is as far from it from the first stored step on: nothing is known"


def compared(subject: compare.Subject) -> Comparison | str:
    """A configuration measured against its oracle, or why not."""
    if subject.float64 is None:
        return subject.no_float64
    if subject.oracle is None:
        return subject.no_oracle
    try:
        return compare.declared(subject)
    except (DamagedArtifact, ValueError) as error:
        return str(error)


def diagnosis(reader: Reader, configuration: Configuration, found: Comparison | str) -> Diagnosis:
    """What became of the question for one configuration."""
    oracle = reader.oracle_of(configuration)
    run, made = plain(configuration).id, oracle.id if oracle else ""
    if isinstance(found, str):
        return Diagnosis(run=run, oracle=made, distance=None, reason=found)
    distance = verdicts.oracle_distance(found)
    if distance is not None and distance >= equivalence.SAME_SEMANTICS:
        return Inquiry(reader, configuration, found).diagnosis(distance)
    invalid = [one.invalid for one in found.distances if one.invalid]
    reason = "" if distance is not None else next(filter(None, (*invalid, found.no_float64, GROWN_AT_ONCE)))
    if distance is not None and equivalence.excused(found):
        reason = GROWN
    return Diagnosis(run=run, oracle=made, distance=distance, reason=reason)


def words(diagnosis: Diagnosis | None) -> str:
    """The suspected cause of a run that is not what its strategy declares; empty if none is suspected."""
    if diagnosis is None:
        return ""
    found = [suspect.words for suspect in diagnosis.suspects if suspect.distance < equivalence.SAME_SEMANTICS]
    return f"{SUSPECTED}{' or '.join(dict.fromkeys(found))}" if found else ""
