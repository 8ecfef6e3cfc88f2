"""The words for every cause: a sentence part for each. docs/causes.md lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from suite.records import ASSIGNMENT, KNOWN, MEASURED, OPERATION, ROUND, SIDE, Cause, Code
from suite.referee.defects.cures import CURES
from suite.report.hypothesis_words import HYPOTHESES

NAMED = 3  # names, or what changed, in one sentence: more are read by nobody
BEYOND = "equal in float64, but float32 differs by more than measured rounding"


def words(causes: Sequence[Cause]) -> str:
    """All causes of a verdict in one sentence part."""
    hypotheses = [cause for cause in causes if cause.code in HYPOTHESES]
    parts = [f"suspected: {suspected(hypotheses)}"] if hypotheses else []
    return "; ".join([*parts, *(_short(cause) for cause in causes if cause not in hypotheses)])


def _short(cause: Cause) -> str:
    """A code of a different version has no words here: it stands for itself."""
    say = SHORT.get(cause.code)
    return say(cause) if say else cause.identity


def suspected(hypotheses: Iterable[Cause]) -> str:
    """What each of them says. Those of one round predict the same, and are alternatives; those of the next come on top."""
    rounds = groupby(sorted(hypotheses, key=turn), key=turn)
    return ", and on top of that ".join(" or ".join(map(hypothesis, alike)) for _, alike in rounds)


def turn(cause: Cause) -> float:
    """The round of an inquiry in which a hypothesis was found."""
    return dict(cause.evidence).get(ROUND, 1.0)


def hypothesis(cause: Cause) -> str:
    detail = "; ".join(name for what, name in cause.detail if what != KNOWN)
    what = HYPOTHESES[cause.code].words if cause.code in HYPOTHESES else cause.code
    if cause.code in HYPOTHESES and detail in HYPOTHESES[cause.code].of_value:
        return HYPOTHESES[cause.code].of_value[detail]
    return f"{what} ({detail})" if detail else what


PLACES = {
    "forward": "the output of {}",
    "gradient": "the gradient of {}",
    "update": "the update of {}",
    "trajectory": "what training makes of {}",
    "prediction": "the prediction of {}",
    "evaluation": "the evaluated {}",
    "history": "what fit says of {}",
}


def begins(stage: str, tensor: str) -> str:
    """Where a difference begins, as a sentence."""
    return (
        f"It begins in the {stage}."
        if stage == tensor
        else f"It begins in {PLACES.get(stage, stage + ' {}').format(tensor)}."
    )


def declared(cause: Cause) -> str:
    """What is declared differently from one device: "batch statistics: per replica"."""
    if "own state" in (fields := dict(cause.detail)):
        return f"each replica has its own {fields.get('state', 'state')}"
    return "; ".join(f"{what}: {name}" for what, name in cause.detail)


def whose(cause: Cause) -> str:
    """The environment that a cause is about; what is off everywhere is about none."""
    return cause.subject or "every backend that was looked at"


def names_of(cause: Cause, what: str) -> str:
    """The names of this kind that belong to it."""
    return some([name for key, name in cause.detail if key == what], ", ")


def is_known(cause: Cause) -> str:
    """The sentence that names the known defect which it is, after a space; empty if it is none."""
    known = names_of(cause, "known")
    return f" This is the known defect {known}." if known else ""


def remedy(cause: Cause, otherwise: str) -> str:
    """What can be done about the known defect that it is; `otherwise` if it is none."""
    known = next((value for name, value in cause.detail if name == "known"), "")
    cure = f"{CURES[known]}; " if known in CURES else ""
    return f"{cure}docs/defects/{known}.md says more of it" if known else otherwise


def some(parts: Sequence[str], between: str) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    return between.join(parts[:NAMED]) + more


def in_environment(environment: str) -> str:
    return f" in {environment}" if environment else ""


def bracketed(words: str) -> str:
    return f" ({words.strip()})" if words.strip() else ""


def part_of(cause: Cause) -> str:
    """Of what computes in other formats: the beginning of a sentence that goes on with one."""
    layer, part = names_of(cause, "layer"), names_of(cause, "part")
    return {"given": f"{layer} is given", "returned": f"{layer} returns"}.get(part, "the output is")


def step_of(cause: Cause) -> str:
    return f"{dict(cause.evidence).get('step', 0.0):.0f}"


KINDS = {"layer": "layer", OPERATION: OPERATION, "loss": "loss", "regularizer": "regularizer", "update": "optimizer"}


NAMED_KINDS = {"layer", OPERATION, "regularizer"}  # of which a model has several


def several(cause: Cause) -> bool:
    """Whether it is about more than one class, or one layer: a known defect shows wherever it is used."""
    return ", " in names_of(cause, "class") or (bool(_kinds(cause) & NAMED_KINDS) and ", " in names_of(cause, "name"))


def _kinds(cause: Cause) -> set[str]:
    return {KINDS.get(name, "layer") for what, name in cause.detail if what == "what"}


def defined(cause: Cause) -> str:
    """What departs: "the layer Embedding (words), gradient"."""
    kinds = sorted(_kinds(cause)) or ["layer"]
    named = bracketed(names_of(cause, "name")) if NAMED_KINDS.intersection(kinds) else ""
    if several(cause):
        kinds = [f"{kind}{'es' if kind.endswith('s') else 's'}" for kind in kinds]
    return f"the {' or '.join(kinds)} {names_of(cause, 'class')}{named}, {names_of(cause, 'stage')}"


def assigned(cause: Cause) -> str:
    """What a layer assigns while it is called, and `fit` does not keep; empty if that is not what departs."""
    if names_of(cause, "what") != ASSIGNMENT:
        return ""
    which = f"{names_of(cause, 'class')} ({names_of(cause, 'name')})"
    if several(cause):
        return f"what the layers {which} assign to their trained weights"
    return f"what the layer {which} assigns to its trained weights"


def changed(cause: Cause, between: str = " ") -> str:
    """What is not as it was saved: "loss.delta 0.25 -> 1.0"."""
    return some([f"{name}{between}{change}" for name, change in cause.detail if name != "known"], "; ")


def _missing(cause: Cause) -> str:
    status = dict(cause.detail).get("status", "")
    whose = ", ".join(without_result(cause)) or status
    reason = cause.reason.rstrip(".")
    return f"{whose}: {reason}" if whose else reason


def without_result(cause: Cause) -> list[str]:
    """The sides that have no result for its reason; of many, only their environments."""
    sides = [name for what, name in cause.detail if what == SIDE]
    return sides if len(sides) <= NAMED else list(dict.fromkeys(name.partition(" ")[0] for name in sides))


SHORT: dict[str, Callable[[Cause], str]] = {
    Code.BY_DESIGN: lambda cause: f"declared: {declared(cause)}",
    Code.RANDOM_STREAMS: lambda cause: f"different random numbers{' for each replica' if cause.detail else ''}",
    Code.RANDOM_PREDICTIONS: lambda cause: "random predictions",
    Code.DRAWS_IN_PREDICT: lambda cause: f"predictions are random in {cause.subject} alone",
    Code.UNSTABLE_KERNEL: lambda cause: f"unstable kernel in {cause.subject}" if cause.subject else "unstable kernel",
    Code.TF32_PRODUCTS: lambda cause: f"TF32 products in {cause.subject}",
    Code.BFLOAT16_PRODUCTS: lambda cause: f"bfloat16 products in {cause.subject}",
    Code.DTYPE_DEMOTED: hypothesis,
    Code.DEFINITION: lambda cause: (
        f"fit in {whose(cause)} drops {dropped}"
        if (dropped := assigned(cause))
        else f"{defined(cause)} in {whose(cause)} "
        + ("depart from their definitions" if several(cause) else "departs from its definition")
        + (f" (known defect {known})" if (known := dict(cause.detail).get("known", "")) else "")
    ),
    Code.UNDEFINED: lambda cause: f"without an independent definition: {names_of(cause, 'layer')}",
    Code.ODD_ONE_OUT: lambda cause: (
        f"{cause.subject} differs from {names_of(cause, 'others')}"
        f"{' over replicas' if names_of(cause, 'replicas') else ''}"
        f"{bracketed(' '.join(names_of(cause, name) for name in ('stage', 'tensor')).strip())}"
    ),
    Code.HALFWAY: lambda cause: f"{names_of(cause, 'layer')}: numbers halfway between two integers are rounded to either",
    Code.CORNER: lambda cause: (
        f"at a corner of {names_of(cause, 'layer')}, {names_of(cause, 'odd') or 'one of them'} takes another slope"
    ),
    Code.FLOAT32_INSIDE: lambda cause: (
        f"a layer computes in float32, also in the float64 run{bracketed(names_of(cause, 'layer'))}"
    ),
    Code.STEPS_APART: lambda cause: "single float32 steps from common states differ by more than rounding",
    Code.STEPS_ALIKE: lambda cause: "rounding that reruns with re-ordered rows do not show: single float32 steps are alike",
    Code.NON_FINITE: lambda cause: f"NaN or infinity in {cause.subject or 'both'} from step {step_of(cause)} on",
    Code.BELOW_FLOAT32: lambda cause: "a float64 difference that is smaller than what float32 rounds",
    Code.UNCHECKED: lambda cause: f"not checked{in_environment(cause.subject)}: {cause.reason}",
    Code.NOT_SAVED: lambda cause: f"not saved: {names_of(cause, 'tensor')}",
    Code.RENEWED: lambda cause: f"not saved, and drawn again: {names_of(cause, 'tensor')}",
    Code.UNSEEDED: lambda cause: f"{names_of(cause, 'layer')} without a seed draws from a generator that no file holds",
    Code.SHARED_AVERAGES: lambda cause: f"averages share memory with weights in {cause.subject} (known defect K-56)",
    Code.COMPILED_STEP: lambda cause: (
        f"{cause.subject} computes something else once the training step is compiled{bracketed(names_of(cause, MEASURED))}"
    ),
    Code.MEMORY_LOST: lambda cause: f"{cause.subject} does not keep the state of {names_of(cause, 'layer')} between batches",
    Code.NARROWED: lambda cause: f"{cause.subject} has {names_of(cause, 'formats')}",
    Code.METRIC_NOT_RESET: lambda cause: f"reset_state leaves {names_of(cause, 'metric')} as it is",
    Code.MOVES_IN_PREDICT: lambda cause: (
        f"{cause.subject} changes {names_of(cause, 'layer')} while it predicts{bracketed(names_of(cause, 'known'))}"
    ),
    Code.OTHER_FORMATS: lambda cause: (
        f"in {cause.subject or names_of(cause, 'side')}, {part_of(cause)} {names_of(cause, 'formats')}, "
        f"in place of {names_of(cause, 'other formats')}{bracketed(names_of(cause, 'known'))}"
    ),
    Code.SAVE_STALE: lambda cause: f"the file holds an earlier state: that of step {names_of(cause, 'step')}",
    Code.SAVE_WRONG_REPLICA: lambda cause: f"the file holds the state of replica {names_of(cause, 'replica')}",
    Code.SAVE_SWAPPED: lambda cause: (
        "the file holds " + some([f"{held} in place of {name}" for name, held in cause.detail], "; ")
    ),
    Code.SAVE_ALTERED: lambda cause: (
        f"other numbers are loaded for {names_of(cause, 'tensor')}"
        f"{bracketed('rounded to ' + form if (form := names_of(cause, 'format')) else '')}"
    ),
    Code.SLOTS_NOT_SAVED: lambda cause: (
        f"slots of an optimizer do not come back from the file{bracketed(names_of(cause, 'tensor'))}"
    ),
    Code.COMPILED_DIFFERENTLY: lambda cause: (
        f"the file is compiled differently: {changed(cause)}{bracketed(names_of(cause, 'known'))}"
    ),
    Code.LOADED_DIFFERENTLY: lambda cause: f"layers are loaded with other attributes: {changed(cause)}",
    Code.LOADED_WRONGLY: lambda cause: f"{cause.subject} misloads a correct file",
    Code.REPEATS_DIFFER: lambda cause: f"the same run, repeated, differs as much{in_environment(cause.subject)}",
    Code.AMPLIFIED_ROUNDING: lambda cause: "amplified rounding",
    Code.BEYOND_ENVELOPE: lambda cause: BEYOND,
    Code.NO_FLOAT64: lambda cause: f"{cause.reason}: only a float64 run shows equal semantics",
    Code.NOTHING_COMPARED: lambda cause: "nothing was compared",
    Code.INVALID: lambda cause: cause.reason,
    Code.NOT_RUN: _missing,
    Code.UNSUPPORTED: _missing,
    Code.UNKNOWN: lambda cause: "unknown cause",
}
