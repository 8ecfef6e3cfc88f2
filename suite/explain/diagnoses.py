"""Does every run compute what its strategy declares? Its float64 run against the oracle of the declaration, and what is
known of why not."""

from __future__ import annotations

from suite import compare
from suite.compare.run_folder import RunFolder
from suite.explain.inquiry import Inquiry
from suite.judge import equivalence, verdicts
from suite.records import Cause, Comparison, Configuration, DamagedArtifact, Diagnosis, Note, plain


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


def diagnosis(folder: RunFolder, configuration: Configuration, found: Comparison | str) -> Diagnosis:
    """What became of the question for one configuration."""
    oracle, run = folder.oracle_of(configuration), plain(configuration)
    if isinstance(found, str):
        return Diagnosis(run=run, oracle=oracle, distance=None, reason=found)
    distance = verdicts.oracle_distance(found)
    if equivalence.differs(distance):
        return Inquiry(folder, configuration, found).diagnosis(distance)
    if distance is not None:
        note = Note.ROUNDING_GROWN if equivalence.excused(found) else Note.NONE
        return Diagnosis(run=run, oracle=oracle, distance=distance, note=note)
    reason = next((words for words in (*(one.invalid for one in found.distances), found.no_float64) if words), "")
    note = Note.NONE if reason else Note.ROUNDING_GROWN_AT_ONCE
    return Diagnosis(run=run, oracle=oracle, distance=None, note=note, reason=reason)


def causes(diagnosis: Diagnosis | None) -> tuple[Cause, ...]:
    """The suspected causes of a run that is not what its strategy declares: hypotheses that predict the same; empty if
    none is suspected."""
    if diagnosis is None:
        return ()
    matching = (suspect.cause for suspect in diagnosis.suspects if not equivalence.differs(suspect.distance))
    return verdicts.united([matching])
