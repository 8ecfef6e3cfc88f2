"""Does every run compute what its strategy declares? Its float64 run against the oracle of the declaration, and what is
known of why not."""

from __future__ import annotations

from collections.abc import Mapping

from suite import compare
from suite.compare.run_folder import RunFolder
from suite.explain.inquiry import Inquiry
from suite.explain.rounds import Matched
from suite.judge import composing, equivalence, verdicts
from suite.records import OWN, TRAINING_STEP, Cause, Code, Comparison, Configuration, DamagedArtifact, Diagnosis, Note, plain


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
        assert oracle is not None
        return Inquiry(folder, configuration, oracle, found).diagnosis(distance)
    if distance is not None:
        note = Note.ROUNDING_GROWN if equivalence.excused(found) else Note.NONE
        return Diagnosis(run=run, oracle=oracle, distance=distance, note=note)
    reason = next((words for words in (*(one.invalid for one in found.distances), found.no_float64) if words), "")
    note = Note.NONE if reason else Note.ROUNDING_GROWN_AT_ONCE
    return Diagnosis(run=run, oracle=oracle, distance=None, note=note, reason=reason)


def causes(diagnosis: Diagnosis | None) -> tuple[Cause, ...]:
    """The suspected causes of a run that is not what its strategy declares: hypotheses that predict the same, those of
    later rounds on top; with an unknown one where they leave something. Empty if none is suspected."""
    if diagnosis is None:
        return ()
    matching = [suspect.cause for suspect in diagnosis.suspects if suspect.matches]
    environment = diagnosis.run.configuration.environment
    rest = [Cause(code=Code.UNKNOWN, subject=environment)] if matching and diagnosis.remaining else []
    return composing.united([matching, rest])


def rounds(
    folder: RunFolder, declared: Mapping[Configuration, Comparison | str]
) -> dict[Configuration, tuple[Matched, ...]]:
    """With which deviations, one after another, the oracles of those that are off do as they do."""
    measured = {one: found for one, found in declared.items() if not isinstance(found, str)}
    return {inquiry.configuration: inquiry.matched for inquiry in inquiries(folder, measured)}


UNEMULATED = "no oracle: the model has a training step of its own, and none of the known deviations predicts what it does"


def emulated(
    folder: RunFolder, declared: Mapping[Configuration, Comparison | str], known: Mapping[Configuration, Diagnosis]
) -> tuple[dict[Configuration, Comparison | str], dict[Configuration, Diagnosis]]:
    """The same, without the oracles of models that train by a step of their own where these do not predict it: what such
    a step does is the model's own business, and no fault of a strategy."""
    found, answers = dict(declared), dict(known)
    for configuration, answer in known.items():
        explained = any(suspect.matches for suspect in answer.suspects) and answer.remaining is None
        if equivalence.differs(answer.distance) and not explained and _has_own_step(folder, configuration):
            found[configuration] = UNEMULATED
            answers[configuration] = Diagnosis(run=answer.run, oracle=answer.oracle, distance=None, reason=UNEMULATED)
    return found, answers


def _has_own_step(folder: RunFolder, configuration: Configuration) -> bool:
    subject = folder.subject(configuration)
    return not isinstance(subject, str) and subject.plain[1].facts.get(TRAINING_STEP) == OWN


def inquiries(folder: RunFolder, declared: Mapping[Configuration, Comparison]) -> list[Inquiry]:
    """One for each configuration that is off its oracle."""
    found = []
    for configuration, comparison in declared.items():
        oracle = folder.oracle_of(configuration)
        if oracle is not None and equivalence.differs(verdicts.oracle_distance(comparison)):
            found.append(Inquiry(folder, configuration, oracle, comparison))
    return found
