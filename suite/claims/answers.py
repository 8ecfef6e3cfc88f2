"""One rule per claim: measurements to true, false or not testable here, with the numbers in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from suite.claims.evidence import Evidence
from suite.judge import OTHER_SEMANTICS, SAME_SEMANTICS
from suite.records import Answer, Claim, Experiment, Measurement

# Float32 statistics after one step: 30 times the rounding floor of moving variances (3e-7). A one-pass variance of rows whose
# mean is a hundred standard deviations crosses it; the same formula in another order of summation stays a decade below.
KERNEL_LIMIT = 1e-5
ORDERED_REDUCTION = 2  # an all-reduce of so many replicas cannot depend on which comes first: a + b is b + a

Found = tuple[Answer, str]
Rule = Callable[[Evidence], Found]


def answers(evidence: Evidence) -> tuple[Claim, ...]:
    """The article's seven claims, answered."""
    return tuple(
        Claim(number=number, words=words, answer=found[0], because=found[1], experiments=_experiments(evidence, names))
        for number, (words, rule, names) in enumerate(CLAIMS, start=1)
        for found in [rule(evidence)]
    )


def _experiments(evidence: Evidence, names: Sequence[str]) -> tuple[Experiment, ...]:
    return tuple(Experiment(question=QUESTIONS[name], measurements=getattr(evidence, name)) for name in names)


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


def _drifts(evidence: Evidence) -> str:
    """Why twins cannot decide; empty if they can."""
    if evidence.drift <= SAME_SEMANTICS:
        return ""
    how = "was not measured" if evidence.drift == float("inf") else f"has grown to {number(evidence.drift)}"
    return f"the float64 twins' own rounding {how}: fewer steps (--steps) would decide"


# ---------------------------------------------------------------- the rules


def randomness(evidence: Evidence) -> Found:
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
            f"{tested}: with everything fixed, every repeat with batch normalization is bit-equal, in the same process and in "
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


def order(evidence: Evidence) -> Found:
    """False if several devices equal one where no statistics can differ, and the same experiment would notice another order."""
    if why := _drifts(evidence):
        return Answer.NOT_TESTABLE, why
    controls = _normalized(evidence.devices, "none") or _normalized(evidence.devices, "synchronized")
    shuffled = [one.largest for one in evidence.order]
    if not controls or not shuffled:
        return Answer.NOT_TESTABLE, "several devices, or another order, have no result to compare"
    if min(shuffled) <= OTHER_SEMANTICS:
        return Answer.NOT_TESTABLE, f"another order changes this model by {number(min(shuffled))} only: it would not show"
    apart, synchronized = worst(controls), worst(_normalized(evidence.devices, "synchronized"))
    own = [one for one in _normalized(evidence.devices, "per replica") if one.largest > OTHER_SEMANTICS]
    what = f"without batch normalization {evidence.devices_count} devices are {number(apart)} from one ({_places(controls)})"
    if apart > OTHER_SEMANTICS:
        return (
            Answer.TRUE,
            f"{what}: not the same batches in the same order (reshuffled on purpose: {number(min(shuffled))})",
        )
    if apart > SAME_SEMANTICS:
        return Answer.NOT_TESTABLE, f"{what}: neither rounding nor another order"
    right = (
        f" What is right in it: batch statistics do differ, by {number(worst(own))} on {_places(own)}, because each device "
        f"normalizes its own part of the same batch; with synchronized statistics {number(synchronized)} is left"
        if own
        else " No batch statistics differ either"
    )
    return Answer.FALSE, (
        f"{what}, while another order moves the same model by at least {number(min(shuffled))}: every batch holds the same "
        f"rows, in the same order.{right}"
    )


def implementations(evidence: Evidence) -> Found:
    """True if environments differ with batch normalization and not without; in float64, or in float32 after one step."""
    if why := _drifts(evidence):
        return Answer.NOT_TESTABLE, why
    normalized, plain = _with(evidence.backends), _normalized(evidence.backends, "none")
    if not normalized:
        return Answer.NOT_TESTABLE, "only one environment ran: give more backends, or versions with --environments"
    pairs, apart = _pairs(normalized), worst(normalized)
    kernels = max((one.statistics or 0.0 for one in _with(evidence.kernels)), default=0.0)
    rounded = f"; float32 statistics after one step: {number(kernels)}" if evidence.kernels else ""
    if apart <= SAME_SEMANTICS and kernels <= KERNEL_LIMIT:
        return (
            Answer.FALSE,
            f"on one device, float64 twins of {pairs} agree to {number(apart)} with batch normalization{rounded}",
        )
    if apart <= SAME_SEMANTICS:
        return Answer.TRUE, (
            f"the formula is the same (float64 twins of {pairs} agree to {number(apart)}), its float32 kernels are not: "
            f"statistics differ by {number(kernels)} after one step"
        )
    without = f"and by {number(worst(plain))} without" if plain else "and nothing ran without it"
    answer = Answer.TRUE if plain and worst(plain) <= SAME_SEMANTICS and apart > OTHER_SEMANTICS else Answer.NOT_TESTABLE
    return answer, f"float64 twins of {pairs} differ by {number(apart)} with batch normalization, {without}{rounded}"


def _pairs(measurements: Iterable[Measurement]) -> str:
    return ", ".join(dict.fromkeys(one.environments for one in measurements))


def seeds(evidence: Evidence) -> Found:
    """True if another seed of the initial weights, or another order, changes the result."""
    found = {"initial weights of another seed": evidence.seeds, "another shuffling": evidence.order}
    there = {words: measurements for words, measurements in found.items() if measurements}
    if not there:
        return Answer.NOT_TESTABLE, "no run with another seed has a result"
    parts = []
    for words, measurements in there.items():
        one, several = ([m for m in measurements if (m.devices == 1) is single] for single in (True, False))
        counts = f"{number(worst(one))} on one device, {number(worst(several))} on {evidence.devices_count}"
        parts.append(f"{words} moves the result by {counts}")
    smallest = {words: min(one.largest for one in measurements) for words, measurements in there.items()}
    if any(
        size > max(OTHER_SEMANTICS, evidence.drift if evidence.drift < float("inf") else 0.0) for size in smallest.values()
    ):
        return (
            Answer.TRUE,
            f"{'; '.join(parts)}. It has nothing to do with how many devices there are: a fixed seed removes it",
        )
    if max(smallest.values()) <= SAME_SEMANTICS:
        return Answer.FALSE, "; ".join(parts)
    return Answer.NOT_TESTABLE, "; ".join(parts)


def timing(evidence: Evidence) -> Found:
    """True if repeats differ on several devices where they do not on one; false only where they could have differed."""
    one, several = ([m for m in evidence.repeated if (m.devices == 1) is single] for single in (True, False))
    if not several:
        return Answer.NOT_TESTABLE, "no run on several devices was repeated"
    differing = {m.environments for m in several if not m.bits}
    alone = {m.environments for m in one if not m.bits}
    steady = {m.environments for m in one} - alone
    if differing & steady:
        blamed = [m for m in several if m.environments in differing & steady and not m.bits]
        return Answer.TRUE, (
            f"repeats on {_places(blamed)} differ by up to {number(worst(blamed))}, and are bit-equal on one device"
        )
    if differing:
        return (
            Answer.NOT_TESTABLE,
            f"repeats differ on {', '.join(sorted(differing))}, and are not bit-equal on one device either",
        )
    measured = f"{len(several)} repeats on {_places(several)} are bit-equal"
    if evidence.device != "gpu":
        return Answer.NOT_TESTABLE, f"{measured}, but on virtual CPU devices, without NCCL: run it on GPUs to test the claim"
    if evidence.devices_count <= ORDERED_REDUCTION:
        return Answer.NOT_TESTABLE, f"{measured}, but a sum of two cannot depend on their order: use --devices 4"
    return Answer.FALSE, measured


def saving(evidence: Evidence) -> Found:
    """True if anything of the live model is not in its file. Later replicas' statistics count."""
    if not evidence.saved:
        return Answer.NOT_TESTABLE, "no file was loaded again"
    lost = [m for m in evidence.saved if not m.bits or (m.predictions or 0.0) > SAME_SEMANTICS]
    dropped = [m for m in evidence.unsaved if (m.statistics or 0.0) > SAME_SEMANTICS]
    alone = [m for m in lost if m.devices == 1]
    single = [m for m in evidence.saved if m.devices == 1]
    kept = f"on one device, all {len(single)} files give back weights, statistics, optimizer and predictions, bit for bit"
    if alone:
        what = ", ".join(dict.fromkeys(m.words or "predictions" for m in alone))
        return Answer.TRUE, f"on one device, {len(alone)} of {len(single)} files do not give back everything: {what}"
    kept = f"{kept}. " if single else ""
    if dropped:
        return Answer.TRUE, (
            f"{kept}But on {_places(dropped)} each replica has moving statistics of its own, and only the first one's are saved: "
            f"the others' are {number(worst(dropped))} away, and predictions of the loaded model {number(_predicted(lost))} from "
            f"the live one's. The file loses nothing that is shared ({_places(_kept(evidence, dropped))})"
        )
    if lost:
        what = ", ".join(dict.fromkeys(m.words or f"predictions, by {number(m.predictions or 0.0)}" for m in lost))
        return Answer.TRUE, f"{kept}On {_places(lost)}, not: {what}"
    return Answer.FALSE, f"{kept}On {_places(m for m in evidence.saved if m.devices > 1) or 'several devices'} the same"


def _predicted(measurements: Iterable[Measurement]) -> float:
    return max((one.predictions or 0.0 for one in measurements), default=0.0)


def _kept(evidence: Evidence, dropped: Sequence[Measurement]) -> list[Measurement]:
    runs = {one.a for one in dropped}
    return [one for one in evidence.saved if one.a not in runs]


def statistics(evidence: Evidence) -> Found:
    """False if moving statistics repeat bit for bit, and agree wherever they are declared to be the same ones."""
    normalized = _with(evidence.repeated)
    if not normalized:
        return Answer.NOT_TESTABLE, "no run with batch normalization was repeated"
    if unsteady := [
        one for one in normalized if not one.bits and ("moving statistics" in one.words or "replica" in one.words)
    ]:
        size = number(max(one.statistics or 0.0 for one in unsteady))
        return Answer.TRUE, f"on {_places(unsteady)} moving statistics of a repeat differ by up to {size}"
    if why := _drifts(evidence):
        return Answer.NOT_TESTABLE, f"repeats are bit-equal on {_places(normalized)}; across backends {why}"
    shared, own = _statistics(evidence.shared), _statistics(evidence.replicas)
    again = f"{len(normalized)} repeats have bit-equal moving statistics ({_places(normalized)})"
    across = f"{again}; those of {len(evidence.shared)} configurations with shared statistics agree to {number(shared)}"
    each = f"; replica by replica, {_pairs(evidence.replicas)} agree to {number(own)}" if evidence.replicas else ""
    unlike = _statistics(evidence.unsaved)
    apart = (
        f". Replicas differ from each other by {number(unlike)}, and always by the same" if unlike > SAME_SEMANTICS else ""
    )
    if max(shared, own) <= SAME_SEMANTICS:
        return Answer.FALSE, f"{across}{each}{apart}"
    answer = Answer.TRUE if max(shared, own) > OTHER_SEMANTICS else Answer.NOT_TESTABLE
    return answer, f"{across}{each}{apart}: the same recipe gives others elsewhere"


def _statistics(measurements: Iterable[Measurement]) -> float:
    return max((one.statistics or 0.0 for one in measurements), default=0.0)


QUESTIONS = {
    "repeated": "The same cell again, in the same process and in another: is every bit equal?",
    "devices": "Several devices against one, float64 twins, everything else fixed: how far apart?",
    "order": "The same rows in another order, float64 twins, everything else fixed: how far apart?",
    "seeds": "Initial weights of another seed, float64 twins, everything else fixed: how far apart?",
    "backends": "One device, float64 twins, two environments: how far apart?",
    "kernels": "One device, float32, two environments, after one step: how far apart?",
    "saved": "The live model against its file loaded again on one device, float64: is every variable bit-equal?",
    "unsaved": "Each later replica's moving statistics against those in the file, float64: how far apart?",
    "shared": "Moving statistics that replicas share, across environments and device counts, float64: how far apart?",
    "replicas": "Each replica's own moving statistics, across environments, float64: how far apart?",
}

CLAIMS: tuple[tuple[str, Rule, tuple[str, ...]], ...] = (
    ("Batch normalization is itself random, and so results differ", randomness, ("repeated",)),
    ("Several devices see the data in another order, hence other batch statistics", order, ("devices", "order", "replicas")),
    ("Backends and their versions implement batch normalization differently", implementations, ("backends", "kernels")),
    ("Seeds matter: for the initial weights, and for shuffling", seeds, ("seeds", "order")),
    ("The timing of communication between devices makes results vary", timing, ("repeated",)),
    ("Saving does not bring everything back, batch normalization's state above all", saving, ("saved", "unsaved")),
    ("Moving means and variances cannot be replicated", statistics, ("repeated", "shared", "replicas")),
)
