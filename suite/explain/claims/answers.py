"""One rule per claim: measurements to true, false or not testable here, with the numbers in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from suite.explain.claims.evidence import Measured
from suite.judge.equivalence import ENVELOPE_FACTOR, OTHER_SEMANTICS, SAME_SEMANTICS
from suite.records import Answer, Claim, Measurement, Question

# Float32 statistics after one step: 30 times the rounding floor of moving variances (3e-7). A one-pass variance of rows
# whose mean is a hundred standard deviations crosses it; the same formula in another order of summation stays a decade
# below.
KERNEL_LIMIT = 1e-5
ORDERED_REDUCTION = 2  # an all-reduce of so many replicas cannot depend on which comes first: a + b is b + a

Found = tuple[Answer, str]
Rule = Callable[[Measured], Found]


def answers(evidence: Measured) -> tuple[Claim, ...]:
    """The article's seven claims, answered."""
    return tuple(_claim(number, evidence) for number in range(1, len(CLAIMS) + 1))


def _claim(number: int, evidence: Measured) -> Claim:
    words, rule, names = CLAIMS[number - 1]
    answer, because = rule(evidence)
    return Claim(
        number=number,
        words=words,
        answer=answer,
        because=because[:1].upper() + because[1:],
        questions=_questions(evidence, names),
    )


def _questions(evidence: Measured, names: Sequence[str]) -> tuple[Question, ...]:
    return tuple(Question(question=QUESTIONS[name], measurements=getattr(evidence, name)) for name in names)


# ---------------------------------------------------------------- words for numbers


def number(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def worst(measurements: Iterable[Measurement]) -> float:
    return max((one.largest for one in measurements), default=0.0)


def _normalized(measurements: Iterable[Measurement], *names: str) -> list[Measurement]:
    return [one for one in measurements if one.normalization in names]


def _with(measurements: Iterable[Measurement]) -> list[Measurement]:
    return _normalized(measurements, "per replica", "synchronized")


def _places(measurements: Iterable[Measurement]) -> str:
    return ", ".join(dict.fromkeys(f"{one.environments} x{one.devices}" for one in measurements))


def _equal(evidence: Measured) -> float:
    """Float64 runs no farther apart than this are equal; 0 if their own rounding is too large for them to decide."""
    limit = max(SAME_SEMANTICS, ENVELOPE_FACTOR * evidence.drift)
    return limit if limit < OTHER_SEMANTICS else 0.0


def _drifts(evidence: Measured) -> str:
    """Why float64 runs cannot decide; empty if they can."""
    if _equal(evidence):
        return ""
    how = "was not measured" if evidence.drift == float("inf") else f"has grown to {number(evidence.drift)}"
    return f"the float64 runs' own rounding {how}: fewer steps (--steps) would decide"


# ---------------------------------------------------------------- the rules


def randomness(evidence: Measured) -> Found:
    """True if repeats differ with batch normalization where they do not without it."""
    repeats = evidence.repeated
    normalized, plain = _with(repeats), _normalized(repeats, "none")
    if not normalized:
        return Answer.NOT_TESTABLE, "no run with batch normalization was repeated"
    differing = {(one.environments, one.devices) for one in normalized if not one.bits}
    control = {(one.environments, one.devices) for one in plain}
    also = {(one.environments, one.devices) for one in plain if not one.bits}
    tested = f"{len(normalized)} repeats with batch normalization and {len(plain)} without, on {_places(repeats)}"
    if not differing:
        return Answer.FALSE, (
            f"{tested}: with everything fixed, every repeat with batch normalization is bit-equal, in the same "
            f"process and in "
            "another. It draws nothing at random"
        )
    blamed = [one for one in normalized if (one.environments, one.devices) in (differing & control) - also and not one.bits]
    if blamed:
        return Answer.TRUE, (
            f"{tested}: on {_places(blamed)} repeats differ by up to {number(worst(blamed))} with batch normalization, "
            "and are bit-equal without it"
        )
    return Answer.NOT_TESTABLE, (
        f"{tested}: repeats differ by up to {number(worst(normalized))}, and not shown to be bit-equal without batch "
        "normalization: something else is random here"
    )


def order(evidence: Measured) -> Found:
    """False if several devices equal one where no statistics can differ, and the same experiment would notice another
    order."""
    equal = _equal(evidence)
    if not equal:
        return Answer.NOT_TESTABLE, _drifts(evidence)
    noticed = [
        (one, shuffled) for one in ("none", "synchronized") if (shuffled := _noticed(evidence, one)) > OTHER_SEMANTICS
    ]
    if not noticed:
        return Answer.NOT_TESTABLE, (
            "several devices without statistics of their own, or another order, have no result, or another "
            "order does not show"
        )
    normalization, shuffled = noticed[0]
    controls = _normalized(evidence.devices, normalization)
    name = {"none": "without batch normalization", "synchronized": "with synchronized statistics"}[normalization]
    apart = worst(controls)
    what = f"{name}, {evidence.devices_count} devices are {number(apart)} from one ({_places(controls)})"
    if apart > OTHER_SEMANTICS:
        return Answer.TRUE, f"{what}: not the same batches in the same order (reshuffled on purpose: {number(shuffled)})"
    if apart > equal:
        return Answer.NOT_TESTABLE, f"{what}: neither rounding nor a different order"
    return Answer.FALSE, (
        f"{what}, while a different order moves the same model by at least {number(shuffled)}: every batch holds "
        f"the same rows, in "
        f"the same order. {_what_is_right(evidence)}"
    )


def _noticed(evidence: Measured, normalization: str) -> float:
    """By how much another order shows at least, where several devices can be compared with one; 0 where they cannot."""
    shuffled = [one.largest for one in _normalized(evidence.order, normalization)]
    return min(shuffled, default=0.0) if _normalized(evidence.devices, normalization) else 0.0


def _what_is_right(evidence: Measured) -> str:
    own = [one for one in _normalized(evidence.devices, "per replica") if one.largest > OTHER_SEMANTICS]
    if not own:
        return "The results do not differ in any other way"
    cured = [one for one in _normalized(evidence.devices, "synchronized") if one.largest <= OTHER_SEMANTICS]
    left = [one for one in _normalized(evidence.devices, "synchronized") if one.largest > OTHER_SEMANTICS]
    words = (
        f"What is right in it: results do differ, by {number(worst(own))} on {_places(own)}, because each device "
        f"normalizes its "
        f"own part of the same batch. Another order inside each part is worth {number(evidence.drift)}"
    )
    if cured:
        words += f"; with synchronized statistics {number(worst(cured))} is left on {_places(cured)}"
    return f"{words}; synchronized=True does not help on {_places(left)}, {number(worst(left))} is left" if left else words


def implementations(evidence: Measured) -> Found:
    """True if environments differ with batch normalization and not without; in float64, or in float32 after one step."""
    normalized, plain = _with(evidence.backends), _normalized(evidence.backends, "none")
    if not normalized:
        return Answer.NOT_TESTABLE, "only one environment ran: give more backends, or versions with --environments"
    pairs, apart, equal = _pairs(normalized), worst(normalized), _equal(evidence)
    unlike = [one for one in _with(evidence.kernels) if (one.statistics or 0.0) > KERNEL_LIMIT]
    kernels = _statistics(_with(evidence.kernels))
    rounded = f"; float32 statistics after one step: {number(kernels)}" if evidence.kernels else ""
    if unlike:
        return Answer.TRUE, (
            f"float64 runs of {pairs} are {number(apart)} apart, and the float32 kernels are others: after one "
            f"step statistics "
            f"differ ({', '.join(f'{one.environments} by {number(one.statistics or 0.0)}' for one in unlike)})"
        )
    if not equal:
        return Answer.NOT_TESTABLE, _drifts(evidence)
    if apart <= equal:
        return (
            Answer.FALSE,
            f"on one device, float64 runs of {pairs} agree to {number(apart)} with batch normalization{rounded}",
        )
    without = f"by {number(worst(plain))} without" if plain else "nothing ran without it"
    answer = Answer.TRUE if plain and worst(plain) <= equal and apart > OTHER_SEMANTICS else Answer.NOT_TESTABLE
    return answer, f"float64 runs of {pairs} differ by {number(apart)} with batch normalization, and {without}{rounded}"


def _pairs(measurements: Iterable[Measurement]) -> str:
    return ", ".join(dict.fromkeys(one.environments for one in measurements))


def seeds(evidence: Measured) -> Found:
    """True if another seed of the initial weights, or another order, changes the result."""
    found = {"a different seed of the initial weights": evidence.seeds, "a different order of rows": evidence.order}
    there = {words: measurements for words, measurements in found.items() if measurements}
    if not there:
        return Answer.NOT_TESTABLE, "no run with another seed has a result"
    parts = []
    for words, measurements in there.items():
        one, several = ([m for m in measurements if (m.devices == 1) is single] for single in (True, False))
        counts = f"{number(worst(one))} on one device, {number(worst(several))} on {evidence.devices_count}"
        parts.append(f"{words} moves the result by {counts}")
    smallest = [min(one.largest for one in measurements) for measurements in there.values()]
    if max(smallest) > max(OTHER_SEMANTICS, _equal(evidence)):
        steady = evidence.repeated and all(one.bits for one in evidence.repeated)
        cure = ". With both fixed every repeat is bit-equal: nothing else has to be fixed" if steady else ""
        return Answer.TRUE, f"{'; '.join(parts)}{cure}"
    return (Answer.FALSE if max(smallest) <= SAME_SEMANTICS else Answer.NOT_TESTABLE), "; ".join(parts)


def timing(evidence: Measured) -> Found:
    """True if repeats differ on several devices where they do not on one; false only where they could have differed."""
    one, several = ([m for m in evidence.repeated if (m.devices == 1) is single] for single in (True, False))
    if not several:
        return Answer.NOT_TESTABLE, "no run on several devices was repeated"
    differing = {m.environments for m in several if not m.bits}
    steady = {m.environments for m in one} - {m.environments for m in one if not m.bits}
    if blamed := [m for m in several if m.environments in differing & steady and not m.bits]:
        size = number(worst(blamed))
        return Answer.TRUE, f"repeats on {_places(blamed)} differ by up to {size}, and are bit-equal on one device"
    if differing:
        where = ", ".join(sorted(differing))
        return Answer.NOT_TESTABLE, f"repeats differ on several devices of {where}, and on one they are not bit-equal either"
    measured = f"{len(several)} repeats on {_places(several)} are bit-equal"
    if evidence.device != "gpu":
        return Answer.NOT_TESTABLE, f"{measured}, but on virtual CPU devices, without NCCL: run it on GPUs to test the claim"
    if evidence.devices_count <= ORDERED_REDUCTION:
        return Answer.NOT_TESTABLE, f"{measured}, but a sum of two cannot depend on their order: use --devices 4"
    return Answer.FALSE, measured


def saving(evidence: Measured) -> Found:
    """True if anything of the live model is not in its file. Later replicas' statistics count."""
    if not evidence.saved:
        return Answer.NOT_TESTABLE, "no file was loaded again"
    lost = [m for m in evidence.saved if not m.bits or (m.predictions or 0.0) > SAME_SEMANTICS]
    dropped = [m for m in evidence.unsaved if (m.statistics or 0.0) > SAME_SEMANTICS]
    own = {m.a for m in dropped}
    single = [m for m in evidence.saved if m.devices == 1]
    shared = [m for m in evidence.saved if m.devices > 1 and m.a not in own]
    parts = []
    if single:
        parts.append(_given_back("On one device", single, lost))
    if dropped:
        parts.append(
            f"On {_places(dropped)} each replica has moving statistics of its own, and only the first one's are "
            f"saved: the others' "
            f"are {number(worst(dropped))} away, and predictions of the loaded model "
            f"{number(_predicted(m for m in lost if m.a in own))} from the live one's"
        )
    if shared:
        parts.append(
            _given_back(f"Where {evidence.devices_count} replicas share statistics ({_cells(shared)})", shared, lost)
        )
    return (Answer.TRUE if lost or dropped else Answer.FALSE), ". ".join(parts)


def _given_back(where: str, files: Sequence[Measurement], lost: Sequence[Measurement]) -> str:
    found = [m for m in files if m in lost]
    if not found:
        predicted = number(_predicted(files))
        return f"{where}, all {len(files)} files give back every variable bit for bit, and predictions to {predicted}"
    what = ", ".join(dict.fromkeys(m.words or f"predictions, by {number(m.predictions or 0.0)}" for m in found))
    kept = "" if any("moving statistics" in m.words for m in found) else "; batch normalization's state is not what is lost"
    return f"{where}, {len(found)} of {len(files)} files do not give back everything: {what}{kept}"


def _predicted(measurements: Iterable[Measurement]) -> float:
    return max((one.predictions or 0.0 for one in measurements), default=0.0)


def _cells(measurements: Iterable[Measurement]) -> str:
    return ", ".join(dict.fromkeys(f"{m.environments} {m.normalization}" for m in measurements))


def statistics(evidence: Measured) -> Found:
    """False if moving statistics repeat bit for bit, and agree wherever they are declared to be the same ones."""
    normalized = _with(evidence.repeated)
    if not normalized:
        return Answer.NOT_TESTABLE, "no run with batch normalization was repeated"
    if unsteady := [
        one for one in normalized if not one.bits and ("moving statistics" in one.words or "replica" in one.words)
    ]:
        return (
            Answer.TRUE,
            f"on {_places(unsteady)} moving statistics of a repeat differ by up to {number(_statistics(unsteady))}",
        )
    equal, compared = _equal(evidence), (*evidence.shared, *evidence.replicas)
    again = f"{len(normalized)} repeats have bit-equal moving statistics ({_places(normalized)})"
    if not equal or not compared:
        return Answer.NOT_TESTABLE, f"{again}; across environments {_drifts(evidence) or 'there is nothing to compare'}"
    parts = [again]
    if evidence.shared:
        parts.append(
            f"those of {len(evidence.shared)} configurations that share them agree with one device's to {_sizes(evidence)}"
        )
    if evidence.replicas:
        own = number(_statistics(evidence.replicas))
        parts.append(f"replica by replica, {_pairs(evidence.replicas)} agree to {own}")
    if (unlike := _statistics(evidence.unsaved)) > SAME_SEMANTICS:
        parts.append(f"replicas differ from each other by {number(unlike)}, and by the same in every repeat")
    if off := [one for one in compared if (one.statistics or 0.0) > equal]:
        answer = Answer.TRUE if _statistics(off) > OTHER_SEMANTICS else Answer.NOT_TESTABLE
        return answer, f"{'; '.join(parts)}. Not so {_cells(off)}: {number(_statistics(off))} away"
    return Answer.FALSE, "; ".join(parts)


def _sizes(evidence: Measured) -> str:
    """The largest distance of those that do agree."""
    return number(_statistics(one for one in evidence.shared if (one.statistics or 0.0) <= _equal(evidence)))


def _statistics(measurements: Iterable[Measurement]) -> float:
    return max((one.statistics or 0.0 for one in measurements), default=0.0)


QUESTIONS = {
    "repeated": "The same cell again, in the same process and in another: is every bit equal?",
    "devices": "Several devices against one, float64 runs, everything else fixed: how far apart?",
    "order": "The same rows in a different order, float64 runs, everything else fixed: how far apart?",
    "seeds": "Initial weights of a different seed, float64 runs, everything else fixed: how far apart?",
    "backends": "One device, float64 runs, two environments: how far apart?",
    "kernels": "One device, float32, two environments, after one step: how far apart?",
    "saved": "The live model against its file loaded again on one device, float64: is every variable bit-equal?",
    "unsaved": "Each later replica's moving statistics against those in the file, float64: how far apart?",
    "shared": "Moving statistics that replicas share, across environments and device counts, float64: how far apart?",
    "replicas": "Each replica's own moving statistics, across environments, float64: how far apart?",
}

CLAIMS: tuple[tuple[str, Rule, tuple[str, ...]], ...] = (
    ("Batch normalization is itself random, and so results differ", randomness, ("repeated",)),
    (
        "Several devices see the data in a different order, hence different batch statistics",
        order,
        ("devices", "order", "replicas"),
    ),
    ("Backends and their versions implement batch normalization differently", implementations, ("backends", "kernels")),
    ("Seeds matter: for the initial weights, and for shuffling", seeds, ("seeds", "order")),
    ("The timing of communication between devices makes results vary", timing, ("repeated",)),
    ("Saving does not bring everything back, batch normalization's state above all", saving, ("saved", "unsaved")),
    ("Moving means and variances cannot be replicated", statistics, ("repeated", "shared", "replicas")),
)
