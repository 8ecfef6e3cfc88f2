"""How large a difference is for a user: predictions before weights, weights before anything else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from suite.judge.equivalence import ENVELOPE_FACTOR
from suite.records import QUANTITIES, Code, Finding, Judged, Magnitude, Member, Verdict
from suite.records.formatting import number

# Metric -> what its number says, and the same in few words for the first screen; the one that means most to a user first.
SENTENCES = {
    "tv": ("predictions shift by {}", "predictions shift {}"),
    "values": ("predictions differ by {}", "predictions differ {}"),
    "churn": ("{} of the rows change class", "{} of rows change class"),
    "pmax": ("a probability changes by {}", "a probability shifts {}"),
    "evaluation": ("the evaluated loss or metrics differ by {}", "evaluation differs {}"),
    "train": ("weights differ by {} of what training moved", "weights differ {}"),
    "folded": ("the layers' function differs by {}", "layers differ {}"),
    "loss": ("the loss differs by {}", "the loss differs {}"),
    "history": ("what fit says of the loss or a metric differs by {}", "what fit says differs {}"),
    "var": ("moving variances differ by {}", "variances differ {}"),
    "mean": ("moving means differ by {} of a standard deviation", "means differ {}"),
    "slots": ("the optimizer's variables differ by {}", "optimizer variables differ {}"),
    "state": ("variables that layers keep for themselves differ by {}", "layers' variables differ {}"),
}
ONLY_FURTHER = "only further training differs"
RUNGS = {"rounding": "rounding", "run to run": "a repeat", "other seed": "another seed"}
NUMBERLESS = (Verdict.NOT_RUN, Verdict.INVALID)
OF_ONE_RUN = ("saved", "replica")  # kinds of checks
CONFIRMS = 0.1  # of a distance in float32: what float64 runs must be apart, at the least, to show that it is no rounding
LARGEST = 1e6  # a larger share is no number for a person: something has left all bounds
SHOWN_ROWS = 3
PREDICTIONS, OTHER, HISTORY = QUANTITIES[4], QUANTITIES[5], QUANTITIES[8]
SAME = (Verdict.IDENTICAL, Verdict.ROUNDING)
ALIKE = ", predictions do not"


def percent(share: float) -> str:
    """A share for a person: "42 %", "0.3 %"; never 0 for what is not 0."""
    if share == 0:
        return "0 %"
    value = 100 * share
    if abs(value) >= 10:
        return f"{value:.0f} %"
    digits = f"{value:.1g}"
    return f"{float(digits):f}".rstrip("0").rstrip(".") + " %" if abs(value) >= 9.5e-5 else "less than 0.0001 %"


def of(finding: Finding) -> str:
    """The largest effect of a finding, with what else is as large where that was measured; empty where there is no
    number."""
    if finding.verdict in NUMBERLESS:
        return ""
    decided = steps(finding)
    return decided or _with_rungs(finding) or among(finding.members, finding.verdict) or _defined(finding)


def steps(finding: Finding) -> str:
    """Where single steps or single layers decided, their numbers; training has grown around them since. Else empty."""
    found = [
        (cause.code, numbers)
        for member in finding.members
        for cause in member.causes
        if cause.code in STEPS and STEPS[cause.code] <= (numbers := dict(cause.evidence)).keys()
    ]
    if not found:
        return ""
    code, worst = max(found, key=lambda one: max(one[1][name] for name in STEPS[one[0]]))
    if code == Code.UNSTABLE_KERNEL:
        sizes = worst["a"], worst["b"]
        where = f" in {finding.place.tensor}" if finding.place else ""
        return f"one training step is off by {percent(max(sizes))}{where}, and by {percent(min(sizes))} on the other side"
    return f"one layer's result is off by {percent(worst['apart'])}; float32 would be off by about {number(worst['left'])}"


def _defined(finding: Finding) -> str:
    """How far a call departs from its definition, where no run shows it."""
    size = departure(finding)
    return f"one call is off its definition by {percent(size)}; in no run was an effect measured" if size else ""


def departure(finding: Finding) -> float:
    """The largest relative distance of a call from its definition; 0 if there is none."""
    causes = [cause for cause in finding.causes if cause.code == Code.DEFINITION]
    return max((dict(cause.evidence).get("distance", 0.0) for cause in causes), default=0.0)


STEPS: dict[str, set[str]] = {
    Code.UNSTABLE_KERNEL: {"a", "b"},
    Code.TF32_PRODUCTS: {"apart", "left"},
    Code.BFLOAT16_PRODUCTS: {"apart", "left"},
}


def among(members: Collection[Member], verdict: Verdict | None = None, *, short: bool = False) -> str:
    """The largest effect in some pairs and checks, of what has this verdict (None: that of its pair or check) and is beyond
    its limit. What only models show that were trained on from files is said to be no more than that."""
    loaded = [member for member in members if member.kind != "resumed"]
    for some, only in ((loaded, ""), (members, ONLY_FURTHER)):
        metric, value = size(some, verdict)
        if metric:
            said = SENTENCES[metric][short].format(percent(value))
            said += ALIKE if metric == "train" and _predicts_alike(some) else ""
            return only if only and short else f"{only}: {said}" if only else said
    state = any(judged.quantity == OTHER for _, judged in _deciding(members, verdict))
    return ONLY_FURTHER if state else ""


def _predicts_alike(members: Iterable[Member]) -> bool:
    """Whether all are files, and what predicts after it was loaded from one predicts as the model that was saved."""
    every = list(members)
    predicted = [one.verdict for member in every for one in member.quantities if one.quantity == PREDICTIONS]
    return bool(predicted) and set(predicted) <= set(SAME) and all(member.kind == "saved" for member in every)


def size(members: Iterable[Member], verdict: Verdict | None = None) -> tuple[str, float]:
    """The metric that means most to a user, and its largest value; ("", 0.0) where nothing has a number."""
    largest: dict[str, float] = {}
    for member, judged in _deciding(members, verdict):
        for metric, value in _beyond(member, judged).items():
            largest[metric] = max(largest.get(metric, 0.0), value)
    return next(((one, largest[one]) for one in SENTENCES if 0 < largest.get(one, 0.0) <= LARGEST), ("", 0.0))


def _deciding(members: Iterable[Member], verdict: Verdict | None) -> Iterator[tuple[Member, Judged]]:
    """What has this verdict, or is as bad as that of its pair or check."""
    for member in members:
        for judged in member.quantities:
            if judged.verdict is (verdict or member.verdict) and judged.verdict not in NUMBERLESS:
                yield member, judged


def _beyond(member: Member, judged: Judged) -> dict[str, float]:
    """Metric -> distance after the last step, of those that are larger than rounding. Within one run, as between a model and
    its file, nothing was trained twice: there, what the float64 run confirms counts as well. Seeds and counters have no
    size, and what two models have trained on since says nothing of what they were."""
    last = dict(judged.distances.at[-1].plain) if judged.distances.at else {}
    if judged.quantity == OTHER:
        sized = [] if member.kind == "resumed" else [one.value for one in judged.distances.tensors if not one.integer]
        last["state"] = max(sized, default=0.0)
    double = judged.distances.at[-1].float64 if judged.distances.at and member.kind in OF_ONE_RUN else {}
    limits = judged.limits
    return {
        metric: value
        for metric, value in last.items()
        if value > limits.get(metric, 0.0) or double.get(metric, 0.0) > CONFIRMS * value > 0
    }


def _with_rungs(finding: Finding) -> str:
    """From what was measured of its largest pair; empty where that is no larger than rounding, or where only what `fit` said
    differs: it decided nothing."""
    if {judged.quantity for _, judged in _deciding(finding.members, finding.verdict)} == {HISTORY}:
        return ""
    for metric, (sentence, _) in SENTENCES.items():
        for size in finding.magnitudes:
            if size.metric == metric and _counts(size):
                rungs = [f"{RUNGS[name]}: {percent(value)}" for name, value in size.rungs if value > 0 and name in RUNGS]
                return sentence.format(percent(size.value)) + (f" ({', '.join(rungs[:SHOWN_ROWS])})" if rungs else "")
    return ""


def _counts(size: Magnitude) -> bool:
    return ENVELOPE_FACTOR * dict(size.rungs).get("rounding", 0.0) < size.value <= LARGEST
