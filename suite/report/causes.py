"""The words for every cause: a sentence part, and what a finding claims, how that is known, and what to do.
docs/causes.md lists them.

A claim says only what its experiment has shown. `what` and `where` are counted members and scenarios: "8 pairs", "in
article-mlp".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from suite.records import Cause, Code
from suite.report.hypothesis_words import HYPOTHESES

FLOAT64_RUNS = "the float64 runs of both sides also differ, so the difference is not rounding"
SYNCHRONIZE = (
    "use BatchNormalization(synchronized=True) on TensorFlow and the equivalent on torch, or compare with one device at the "
    "per-replica batch size"
)
PER_REPLICA_ISSUE = "https://github.com/tensorflow/tensorflow/issues/46488"
MOMENTS_ISSUE = "https://github.com/keras-team/keras/issues/18795"
BEYOND = "equal in float64, but float32 differs by more than measured rounding"


# ---------------------------------------------------------------- sentence parts


def words(causes: Sequence[Cause]) -> str:
    """All causes of a verdict in one sentence part; hypotheses that predict the same are alternatives."""
    hypotheses = [cause for cause in causes if cause.code in HYPOTHESES]
    parts = [f"suspected: {alternatives(hypotheses)}"] if hypotheses else []
    return "; ".join([*parts, *(_short(cause) for cause in causes if cause not in hypotheses)])


def _short(cause: Cause) -> str:
    """A code of a different version has no words here: it stands for itself."""
    say = SHORT.get(cause.code)
    return say(cause) if say else cause.identity


def alternatives(hypotheses: Iterable[Cause]) -> str:
    """What each of them says: they predict the same."""
    return " or ".join(map(hypothesis, hypotheses))


def hypothesis(cause: Cause) -> str:
    detail = "; ".join(name for _, name in cause.detail)
    what = HYPOTHESES[cause.code].words if cause.code in HYPOTHESES else cause.code
    return f"{what} ({detail})" if detail else what


def declared(cause: Cause) -> str:
    """What is declared differently from one device: "batch statistics: per replica"."""
    return "; ".join(f"{what}: {name}" for what, name in cause.detail)


def _names(cause: Cause, what: str) -> str:
    return ", ".join(name for key, name in cause.detail if key == what)


def _bracketed(words: str) -> str:
    return f" ({words.strip()})" if words.strip() else ""


def _step(cause: Cause) -> str:
    return f"{dict(cause.evidence).get('step', 0.0):.0f}"


KINDS = {"layer": "layer", "loss": "loss", "update": "optimizer"}


def _defined(cause: Cause) -> str:
    """What departs: "the layer Embedding (words), gradient"."""
    detail = dict(cause.detail)
    kind = KINDS.get(detail.get("what", ""), "layer")
    name = f" ({detail['name']})" if kind == "layer" and "name" in detail else ""
    return f"the {kind} {detail.get('class', '')}{name}, {detail.get('stage', '')}"


def _missing(cause: Cause) -> str:
    status = dict(cause.detail).get("status", "")
    return f"{status}: {cause.reason}" if status else cause.reason


SHORT: dict[str, Callable[[Cause], str]] = {
    Code.BY_DESIGN: lambda cause: f"by design ({declared(cause)})",
    Code.RANDOM_STREAMS: lambda cause: "different random numbers",
    Code.UNSTABLE_KERNEL: lambda cause: f"unstable kernel in {cause.subject}" if cause.subject else "unstable kernel",
    Code.DTYPE_DEMOTED: hypothesis,
    Code.DEFINITION: lambda cause: f"{_defined(cause)} in {cause.subject} departs from its definition",
    Code.UNDEFINED: lambda cause: f"without an independent definition: {_names(cause, 'layer')}",
    Code.ODD_ONE_OUT: lambda cause: (
        f"{cause.subject} differs from {_names(cause, 'others')}"
        f"{_bracketed(' '.join(_names(cause, name) for name in ('stage', 'tensor')))}"
    ),
    Code.FLOAT32_INSIDE: lambda cause: (
        f"a layer computes in float32, also in the float64 run{_bracketed(_names(cause, 'layer'))}"
    ),
    Code.STEPS_APART: lambda cause: "single float32 steps from common states differ by more than rounding",
    Code.NON_FINITE: lambda cause: f"NaN or infinity in {cause.subject or 'both'} from step {_step(cause)} on",
    Code.BELOW_FLOAT32: lambda cause: "a float64 difference that is smaller than what float32 rounds",
    Code.UNCHECKED: lambda cause: f"not checked: {cause.reason}",
    Code.NOT_SAVED: lambda cause: f"not saved: {_names(cause, 'tensor')}",
    Code.RENEWED: lambda cause: f"not saved, and drawn again: {_names(cause, 'tensor')}",
    Code.SAVE_STALE: lambda cause: f"the file holds an earlier state: that of step {_names(cause, 'step')}",
    Code.SAVE_WRONG_REPLICA: lambda cause: f"the file holds the state of replica {_names(cause, 'replica')}",
    Code.SAVE_SWAPPED: lambda cause: (
        "the file holds " + "; ".join(f"{held} in place of {name}" for name, held in cause.detail)
    ),
    Code.SLOTS_NOT_SAVED: lambda cause: "the file does not hold the optimizer's slots",
    Code.LOADED_WRONGLY: lambda cause: f"{cause.subject} misloads a correct file",
    Code.REPEATS_DIFFER: lambda cause: "the same run, repeated, differs as much",
    Code.AMPLIFIED_ROUNDING: lambda cause: "amplified rounding",
    Code.BEYOND_ENVELOPE: lambda cause: BEYOND,
    Code.NO_FLOAT64: lambda cause: f"{cause.reason}: only a float64 run shows equal semantics",
    Code.NOTHING_COMPARED: lambda cause: "nothing was compared",
    Code.INVALID: lambda cause: cause.reason,
    Code.NOT_RUN: _missing,
    Code.UNSUPPORTED: _missing,
    Code.UNKNOWN: lambda cause: "unknown cause",
}


# ---------------------------------------------------------------- what a finding says


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a finding says of its causes."""

    claim: str
    experiment: str
    advice: str = ""
    link: str = ""


def _verb(what: str, singular: str, plural: str) -> str:
    """The form that agrees with a counted noun: "1 pair" or "8 pairs"."""
    return singular if what.startswith("1 ") and " and " not in what else plural


def _declared(what: str, where: str, cause: Cause) -> Said:
    fields = dict(cause.detail)
    if "batch statistics" in fields:
        return Said(
            claim=f"{what} {where} {_verb(what, 'compares', 'compare')} batch normalization over the whole batch with batch "
            "normalization over each replica's part. The strategies declare this difference.",
            experiment=FLOAT64_RUNS,
            advice=SYNCHRONIZE,
            link=PER_REPLICA_ISSUE,
        )
    if "live predictions" in fields:
        return Said(
            claim=f"{what} {where} {_verb(what, 'holds', 'hold')} only the first replica's moving statistics. In memory, "
            "each replica predicts with its own.",
            experiment=FLOAT64_RUNS,
            advice="evaluate the loaded file, not the model in memory, or average the replicas' statistics before saving",
            link=PER_REPLICA_ISSUE,
        )
    if fields == {"moving statistics": "per replica"}:
        return Said(
            claim=f"{what} {where} {_verb(what, 'has its', 'have their')} own moving statistics. Nothing keeps replicas "
            "equal.",
            experiment=FLOAT64_RUNS,
            advice=SYNCHRONIZE,
            link=PER_REPLICA_ISSUE,
        )
    if "gradients" in fields:
        how = REDUCTIONS.get(fields["gradients"], fields["gradients"])
        return Said(
            claim=f"{what} {where} {_verb(what, 'computes', 'compute')} the loss in parts, one for each replica: {how}. For "
            "this loss, that is not the loss of the whole batch.",
            experiment=FLOAT64_RUNS,
            advice="use a loss that is a plain mean over rows, and divide weights by their sum over the whole batch before "
            "training",
        )
    claim = f"{what} {where} {_verb(what, 'computes', 'compute')} different things, as the strategies declare"
    return Said(claim=f"{claim}: {declared(cause)}.", experiment=FLOAT64_RUNS)


REDUCTIONS = {
    "mean of replica means": "each replica's own, and then their mean",
    "sum of replica shares": "each replica's own, added up",
}


def _definition(what: str, where: str, cause: Cause) -> Said:
    defined = _defined(cause)
    return Said(
        claim=f"In {cause.subject}, {defined}, does not compute what it is defined to compute ({what} {where}).",
        experiment="the same call, with the inputs that it gets in a training step, was computed in NumPy from the "
        "definition, without any backend; this backend's result is not that one",
        advice="do not rely on this layer, loss or optimizer on this backend until it is mended: report it, or look for a "
        "known defect in docs/defects",
    )


def _odd(what: str, where: str, cause: Cause) -> Said:
    others, stage, tensor = (_names(cause, name) for name in ("others", "stage", "tensor"))
    begins = f" It begins in {stage} {tensor}." if stage else ""
    return Said(
        claim=f"{cause.subject} differs from {others} ({what} {where}).{begins}",
        experiment=f"the float64 runs of {others} agree; that is no proof that {cause.subject} is wrong: there is no "
        "independent definition of what differs, and no hypothesis predicts it",
        advice="look at the place where the difference begins, and report it: docs/causes.md says how",
    )


def _renewed(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'does', 'do')} not hold {_names(cause, 'tensor')}: loading draws a new value.",
        experiment="the loaded integer is neither the one that was saved nor the one before training",
        advice="give random layers a seed, and save this state beside the model if training must continue after loading as "
        "if it had not stopped",
    )


def _apart_in_steps(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'differs', 'differ')}: single float32 steps from common states are too far "
        "apart for rounding.",
        experiment="there is no float64 run; each side took single float32 steps from the same states, and nothing had "
        "grown in between",
        advice="look at the place where the steps part",
    )


def _not_finite(what: str, where: str, cause: Cause) -> Said:
    step = _step(cause)
    if not cause.subject:
        return Said(
            claim=f"Training {where} reaches NaN or infinity at step {step}, on both sides of {what}.",
            experiment="the losses and states of both sides were searched for the first number that is not finite",
            advice="lower the learning rate, or look at the loss: this is the scenario's, and no backend's",
        )
    return Said(
        claim=f"Training {where} reaches NaN or infinity at step {step} in {cause.subject}, and not on the other side "
        f"({what}).",
        experiment="the losses and states of both sides were searched for the first number that is not finite",
        advice="look at the step before, in the place where the two sides part",
    )


def _unchecked(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'was', 'were')} not decided: evidence is missing.",
        experiment=f"not run: {cause.reason}",
        advice="mend what failed, and run the same command again: finished runs are kept",
    )


def _unstable(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{cause.subject or 'One side'} computes inaccurately {where} ({what}). Its single float32 steps are far from "
        "float64.",
        experiment="each side took single float32 steps from common states; each step was compared with the float64 step "
        "that its strategy declares, with the same constants",
        advice="centre the inputs of batch normalization, or compute its variance in two passes: E[x²] - E[x]² "
        "cancels where "
        "the mean is large compared with the standard deviation",
        link=MOMENTS_ISSUE,
    )


def _random(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'draws', 'draw')} different random numbers. Backends turn one seed into "
        "different streams.",
        experiment="both sides drew different numbers from one seed; with one shared stream, their float64 runs are equal",
        advice="do not expect equal results from equal seeds in random layers; compare without them, or over several seeds",
    )


def _unsaved(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'does', 'do')} not hold {_names(cause, 'tensor')}. Loading brings back the "
        "initial value.",
        experiment="the loaded value is bit-equal to the value before training, and training had changed it",
        advice="save this state beside the model if training must continue after loading as if it had not stopped",
    )


def _held(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'does', 'do')} not hold the model that was saved: {words([cause])}.",
        experiment="every loaded tensor is bit-equal to what the cause says, not to the live model's tensor",
        advice="check which state is written: from which step, from which replica, and under which names",
    )


def _loaded(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where}: {words([cause])}.",
        experiment="where it was saved, the float64 run's loaded file equals what the strategy declares within 1e-10; here "
        "it does not",
        advice="compare the Keras versions on both sides, and check that every layer of the file is known where it is "
        "loaded",
    )


def _unknown(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'differs', 'differ')}, although the strategies declare the same. The cause is "
        "unknown.",
        experiment=f"{FLOAT64_RUNS}; no hypothesis predicts it",
        advice="look at the place where the difference begins, and report it: docs/causes.md says how",
    )


def _beyond(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'is', 'are')} {BEYOND}.",
        experiment="the float64 runs are equal, and no kernel was shown to be unstable; each side's reruns with "
        "re-ordered rows "
        "are closer together than the two sides are",
        advice="rerun with fewer steps (--steps 1) to decide: in training, a network like this amplifies float32 rounding "
        "by decades",
    )


def _noise(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {_verb(what, 'differs', 'differ')} by no more than repeats of the same run.",
        experiment="the runs were repeated, and the repeats differ as much",
        advice="turn on deterministic kernels to compare bit by bit",
    )


FINDINGS: dict[str, Callable[[str, str, Cause], Said]] = {
    Code.BY_DESIGN: _declared,
    Code.DEFINITION: _definition,
    Code.ODD_ONE_OUT: _odd,
    Code.RENEWED: _renewed,
    Code.STEPS_APART: _apart_in_steps,
    Code.NON_FINITE: _not_finite,
    Code.UNCHECKED: _unchecked,
    Code.UNSTABLE_KERNEL: _unstable,
    Code.RANDOM_STREAMS: _random,
    Code.NOT_SAVED: _unsaved,
    Code.SAVE_STALE: _held,
    Code.SAVE_WRONG_REPLICA: _held,
    Code.SAVE_SWAPPED: _held,
    Code.SLOTS_NOT_SAVED: _held,
    Code.LOADED_WRONGLY: _loaded,
    Code.UNKNOWN: _unknown,
    Code.BEYOND_ENVELOPE: _beyond,
    Code.REPEATS_DIFFER: _noise,
}


def said(what: str, where: str, causes: Sequence[Cause], verdict: str) -> Said:
    """What a finding says of its first cause, or of all that are hypotheses; a cause that is a reason in itself is
    repeated."""
    first = next(iter(causes), None)
    if first is not None and first.code in HYPOTHESES:
        return Said(
            claim=f"{what} {where} {_verb(what, 'does', 'do')} not match what the strategy declares. Suspected cause: "
            f"{alternatives(cause for cause in causes if cause.code in HYPOTHESES)}. An emulation with this one deviation "
            "predicts the run.",
            experiment="the same run was emulated in float64 with this one deviation, and equals the run within 1e-10",
            advice=HYPOTHESES[first.code].advice,
            link=HYPOTHESES[first.code].link,
        )
    say = FINDINGS.get(first.code) if first is not None else None
    if say is None or first is None:
        return Said(claim=f"{what} {where}: {words(causes) or verdict}.", experiment="none was run")
    return say(what, where, first)
