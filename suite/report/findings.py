"""A finding in words: claim, evidence, experiment, advice, and the command that shows it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.judge import equivalence, limits
from suite.records import Code, Diagnosis, Finding, Judged, Member, Note, Pair, Results, Run, Suspect, Verdict
from suite.records.formatting import number
from suite.report import acceptance, causes, effects, explanations, glossary, repeat_command, summary
from suite.report.hypothesis_words import HYPOTHESES
from suite.report.said import FLOAT64_RUNS

SHOWN = 5  # more than five causes at once are read by nobody: the page folds the rest, and the console counts it
NOUNS = {
    "pair": ("pair", "pairs"),
    "saved": ("saved file", "saved files"),
    "resumed": ("model trained on from its file", "models trained on from their files"),
    "reloaded": ("reloaded file", "reloaded files"),
    "replica": ("replica", "replicas"),
    "declared": ("run", "runs"),
    "defined": ("model held against definitions", "models held against definitions"),
}
NOTES = {
    Note.NONE: "",
    Note.ROUNDING_GROWN: "where its rounding grows, it is not judged, or it is within 5 times the difference of its own "
    "float64 run with re-ordered rows",
    Note.ROUNDING_GROWN_AT_ONCE: "from the first stored step on, its own float64 run with re-ordered rows is just as far "
    "away: nothing is known",
}


@dataclass(frozen=True, kw_only=True)
class Worded:
    """A finding with its words. `claim`, `effect` and `advice` are its three lines: what it is, how much that is to a user,
    and what to do. `accept`: the entry of known_differences.toml that accepts it; empty where it cannot be accepted. `off`:
    the environment or run that is off; empty if none is."""

    finding: Finding
    claim: str
    effect: str
    evidence: str
    experiment: str
    advice: str
    link: str
    repeat: str
    accept: str
    off: str

    @property
    def wrong(self) -> bool:
        """Whether what is off does not compute what it is meant to, as a definition or an emulation shows."""
        return all(cause.code in HYPOTHESES or cause.code == Code.DEFINITION for cause in self.finding.causes)


def worded(results: Results) -> tuple[Worded, ...]:
    """Every finding, in its order."""
    known = {diagnosis.run: diagnosis for diagnosis in results.diagnoses}
    return tuple(_worded(finding, known, results) for finding in results.findings)


def _worded(finding: Finding, known: Mapping[Run, Diagnosis], results: Results) -> Worded:
    scenarios = sorted({member.scenario for member in finding.members})
    where = f"in {scenarios[0]}" if len(scenarios) == 1 else f"in {len(scenarios)} scenarios"
    what = _counted(finding.members)
    said = explanations.said(what, where, finding.causes, finding.verdict.value)
    claim, experiment = said.claim, said.experiment
    codes = {cause.code for cause in finding.causes}
    if Code.BY_DESIGN in codes and said.experiment == FLOAT64_RUNS:
        experiment = _oracle_experiment(finding.members, known)
    if codes == {Code.UNKNOWN}:
        off = [known[run] for run in _runs(finding.members) if run in known and equivalence.differs(known[run].distance)]
        near = [one for one in off if one.suspects and not any(suspect.matches for suspect in one.suspects)]
        experiment = f"{FLOAT64_RUNS}; {_nearest(near)}" if near else experiment
        if finding.environment and off:
            claim = (
                f"{finding.environment} does not compute what it is meant to compute {where} ({what}). The cause is unknown."
            )
    if Code.LOADED_DIFFERENTLY in codes and finding.environment:
        claim += f" It happens on {finding.environment}."
    located = finding.verdict is Verdict.DIFFERENT or Code.NON_FINITE in codes
    if located and finding.place and finding.place.tensor not in claim:
        claim += f" {causes.begins(finding.place.stage, finding.place.tensor)}"
    return Worded(
        finding=finding,
        claim=claim,
        effect=effects.of(finding) or _not_measured(finding),
        evidence=_evidence(finding),
        experiment=experiment,
        advice=said.advice or _advice(finding),
        link=said.link,
        repeat=repeat_command.command(finding, results),
        accept=acceptance.entry(finding, results.generated),
        off=summary.label(finding.side) if finding.side else finding.environment,
    )


NO_EFFECT = {
    Verdict.NOT_RUN: "nothing was compared",
    Verdict.INVALID: "there is no number: results are NaN or infinite, or have different shapes or names",
}
LOST = "there is no number: on one side, results are NaN or infinite"
NOT_MEASURED = "no effect on predictions or weights was measured"


def _not_measured(finding: Finding) -> str:
    """Why there is no number, or how little it is."""
    lost = any(cause.code == Code.NON_FINITE for cause in finding.causes)
    return NO_EFFECT.get(finding.verdict) or (LOST if lost else _hidden(finding) or NOT_MEASURED)


def _hidden(finding: Finding) -> str:
    """How much it is where only float64 runs show it; else empty."""
    size = below_rounding(finding.members) if finding.verdict is Verdict.DIFFERENT else 0.0
    return f"less than float32 rounding: only the float64 runs show it, which are {number(size)} apart" if size else ""


def below_rounding(members: Sequence[Member]) -> float:
    """How far the float64 runs of a difference are apart, where no float32 number of it is beyond rounding; else 0."""
    deciding = [
        one
        for member in members
        for one in member.quantities
        if one.verdict is member.verdict is Verdict.DIFFERENT and one.distances.at
    ]
    if any(one.distances.at[-1].plain.get(metric, 0.0) > limit for one in deciding for metric, limit in one.limits.items()):
        return 0.0
    sizes = [equivalence.float64_distance(one.distances) or 0.0 for one in deciding if one.limits]
    return size if equivalence.differs(size := max(sizes, default=0.0)) else 0.0


def _advice(finding: Finding) -> str:
    """Where the cause has no advice of its own."""
    if finding.verdict is Verdict.NOT_RUN:
        return "nothing to mend: this is not supported" if finding.unsupported else "mend what failed, and run it again"
    worse = finding.verdict.rank > Verdict.BY_DESIGN.rank
    return "look at the evidence, and report it: docs/causes.md says how" if worse else ""


def _counted(members: Sequence[Member]) -> str:
    """How many of each kind: "8 pairs and 1 saved file"."""
    counts = Counter(member.kind for member in members)
    parts = [f"{count} {NOUNS[kind][count != 1]}" for kind, count in counts.items()]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else (parts or ["0 pairs"])[0]


def _runs(members: Sequence[Member]) -> list[Run]:
    """The plain runs that are compared."""
    return list(dict.fromkeys(run for member in members for run in member.runs))


def _oracle_experiment(members: Sequence[Member], known: Mapping[Run, Diagnosis]) -> str:
    """That each side equals its own oracle, with the largest distance; or which of them do not, or are not known to."""
    runs = _runs(members)
    measured = [distance for run in runs if run in known and (distance := known[run].distance) is not None]
    equal = [distance for distance in measured if not equivalence.differs(distance)]
    if not equal or len(equal) < len(runs):
        return (
            "the reference emulations of what the strategies declare explain the difference; "
            f"{len(equal)} of {len(runs)} runs were shown to equal theirs, and a run that does not is a finding of its own"
        )
    grown = sum(known[run].note is Note.ROUNDING_GROWN for run in runs)
    where = (
        f"; where rounding grows ({grown} of them), a run is within 5 times its own rounding, or is not judged"
        if grown
        else ""
    )
    return (
        f"each float64 run equals the reference emulation of its declaration on one device ({len(equal)} runs, at most "
        f"{number(max(equal))} apart){where}; the declarations explain the whole difference"
    )


def _nearest(off: Sequence[Diagnosis]) -> str:
    """How many hypotheses were tried in vain, and how near the nearest came."""
    nearest: Suspect = min((suspect for diagnosis in off for suspect in diagnosis.suspects), key=lambda one: one.distance)
    tried = max(diagnosis.tried for diagnosis in off)
    words = causes.hypothesis(nearest.cause)
    return f"none of {tried} hypotheses predicts it; the nearest one is {number(nearest.distance)} away: {words}"


# ---------------------------------------------------------------- evidence


def _evidence(finding: Finding) -> str:
    """The largest difference among the members: quantity, metric, step, tensor, float32 and float64 size, and which
    two; then what single float32 steps say of it."""
    if lost := next((cause for cause in finding.causes if cause.code == Code.NON_FINITE and cause.subject), None):
        return f"{lost.subject} has NaN or infinity from step {causes.step_of(lost)} on: there, no distance is a number"
    departs = effects.departure(finding)
    numberless = f"one call is {number(departs)} from its definition" if departs else "no numbers: see the reasons given"
    worst: tuple[float, str] = (-1.0, numberless)
    for member in finding.members:
        said = _steps(member)
        if said and (size := _off_in_steps(member)):
            # A curve that has grown since, or that lies inside of its rounding, decided nothing.
            worst = max(worst, (size, f"{said} ({_sides(member)})"), key=lambda entry: entry[0])
            continue
        for judged in member.quantities:
            if judged.verdict is finding.verdict and judged.distances.at and judged.distances.at[-1].plain:
                size, numbers = _largest(judged, _sides(member))
                worst = max(worst, (size, f"{numbers}; {said}" if said else numbers), key=lambda entry: entry[0])
    return worst[1]


def _off_in_steps(member: Member) -> float:
    """How far a single step of a side with an unstable kernel is from float64; 0 where that is not the cause."""
    sizes = [dict(cause.evidence) for cause in member.causes if cause.code == Code.UNSTABLE_KERNEL]
    return max((max(one.get("a", 0.0), one.get("b", 0.0)) for one in sizes), default=0.0)


def _largest(judged: Judged, sides: str) -> tuple[float, str]:
    float64 = equivalence.float64_distance(judged.distances)
    numbers = judged.distances.at[-1].plain
    beyond = {metric: value for metric, value in numbers.items() if value > judged.limits.get(metric, 0.0)} or numbers
    shown = ", ".join(f"{metric} {number(value)}" for metric, value in list(beyond.items())[:3])
    first = f", first at step {judged.first_step}" if judged.first_step else ""
    where = f", most in {judged.worst_tensor}" if judged.worst_tensor else ""
    double = f"; float64 runs {number(float64)} apart" if float64 is not None else ""
    return float64 or 0.0, f"largest in {judged.quantity}: {shown}{where}{first}{double} ({sides})"


def _sides(member: Member) -> str:
    """Which two, as a person calls them."""
    if isinstance(member, Pair):
        return f"{member.scenario}, {summary.label(member.a)} against {summary.label(member.b)}"
    what = {
        "saved": f"in memory against {glossary.form(member)}",
        "resumed": f"trained on, in memory against {member.form}",
        "reloaded": f"{member.form} loaded on {member.environment}",
        "replica": f"replica {member.replica} against replica 0",
        "declared": "against the reference emulation",
        "defined": "against the independent definitions",
    }
    return f"{member.scenario}, {summary.label(member.run)}, {what[member.kind]}"


def _steps(member: Member) -> str:
    """What single float32 steps say of a pair's cause, in numbers; empty if nothing, or if they were not run."""
    if not isinstance(member, Pair):
        return ""
    for cause in member.causes:
        numbers = dict(cause.evidence)
        if cause.code == Code.UNSTABLE_KERNEL and "states" in numbers:
            return _unstable(member, numbers)
        if cause.code == Code.BEYOND_ENVELOPE and "ratio" in numbers:
            return _alike(member, numbers)
    return ""


def _both(pair: Pair, numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{summary.label(run)} {number(numbers[side])}" for run, side in ((pair.a, "a"), (pair.b, "b")))


def _unstable(pair: Pair, numbers: Mapping[str, float]) -> str:
    side = summary.label(pair.side) if pair.side else "one side"
    begins = f", first from state {pair.place.state} in {pair.place.stage} {pair.place.tensor}" if pair.place else ""
    return (
        f"single float32 steps from {numbers['measured']:.0f} common states: from {numbers['states']:.0f} of them {side} is "
        f"much farther from float64{begins} ({_both(pair, numbers)})"
    )


def _alike(pair: Pair, numbers: Mapping[str, float]) -> str:
    so = ": what grows in training is rounding" if numbers["ratio"] <= limits.UNSTABLE_RATIO else ""
    return (
        f"single float32 steps from {numbers['measured']:.0f} common states are as far from float64 on both sides, within a "
        f"factor of {numbers['ratio']:.1f} (at most {_both(pair, numbers)}){so}"
    )


def nothing_differs(results: Results) -> bool:
    """Whether every pair and check was compared, and none is worse than rounding."""
    return bool(results.members) and all(member.verdict.rank <= Verdict.ROUNDING.rank for member in results.members)
