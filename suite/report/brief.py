"""The short words of a finding: what it is, and what cures it, for the table on the first screen."""

from __future__ import annotations

from collections.abc import Callable

from suite.records import Cause, Code, Finding
from suite.report import declared_words
from suite.report.causes import assigned, names_of, several, without_result, words
from suite.report.hypothesis_words import HYPOTHESES

CANNOT_BE_LOADED = " cannot be loaded"  # in the reason of a file
OWN_STEP = "a training step of its own"  # in the reason of what no oracle emulates
LONGEST = 12  # words: more are read by nobody in a table


def what(finding: Finding) -> str:
    """What it is, in a few words, without where."""
    cause = _leading(finding)
    if cause is None:
        return finding.verdict.value
    say = WORDS.get(cause.code)
    said = say(cause) if say else HYPOTHESES[cause.code].words if cause.code in HYPOTHESES else words([cause])
    if cause.code == Code.UNSTABLE_KERNEL:
        said = _unstable(finding, cause)
    if cause.code == Code.UNSUPPORTED:
        forms = {getattr(member, "form", "") for member in finding.members}
        cannot = "cannot be loaded" if CANNOT_BE_LOADED in cause.reason else "is not supported"
        said = f"{forms.pop()} {cannot}" if len(forms) == 1 and all(forms) else said
    if cause.code == Code.UNKNOWN and finding.environment:
        first = f" first in {finding.place.tensor}" if finding.place else ""
        said = f"{finding.environment} differs{first}; its cause is unknown"
    return cut(said)


def cure(finding: Finding) -> str:
    """What makes it go away, in a few words; empty where none is known."""
    cause = _leading(finding)
    if cause is None:
        return ""
    if cause.code == Code.BY_DESIGN:
        return declared_words.brief(cause)[1]
    if cause.code in (Code.NOT_SAVED, Code.RENEWED) and not cause.of_seeds:
        return "let its layer save it"
    if cause.code == Code.NON_FINITE and (cause.subject or finding.place):  # then no learning rate is the reason
        return ""
    if cause.code == Code.UNSTABLE_KERNEL and "batch statistics" not in dict(cause.evidence):
        return "compute it in float64"
    return CURES.get(cause.code, "")


def cut(said: str) -> str:
    parts = said.split()
    return " ".join(parts[:LONGEST]) + (" …" if len(parts) > LONGEST else "")


def _leading(finding: Finding) -> Cause | None:
    """The cause that the finding is named after: what is declared or unknown only if there is nothing else."""
    last = (Code.UNKNOWN, Code.BY_DESIGN)
    return min(finding.causes, key=lambda cause: cause.code in last, default=None)


def _unstable(finding: Finding, cause: Cause) -> str:
    """With what it computes, where the place shows it."""
    of_variance = finding.place is not None and finding.place.tensor.endswith("moving_variance")
    what_of = "the batch variance" if of_variance else "some tensors"
    return f"{cause.subject or 'one side'} computes {what_of} inaccurately"


def _first(cause: Cause) -> str:
    """Where a side begins to differ: a layer, a tensor, or a stage that is a single number; empty where nothing shows it."""
    stage, tensor = names_of(cause, "stage"), names_of(cause, "tensor")
    if names_of(cause, "from") and not tensor:
        return "in what it predicts from the same file"
    if stage == "history":
        return f"in what fit says of {tensor}"
    said = "the " if stage == tensor else "the update of " if stage == "update" else ""
    return f"first in {said}{tensor}" if tensor else ""


def _of(cause: Cause) -> str:
    return f"{cause.subject}: " if cause.subject else ""


def _unsaved(cause: Cause) -> str:
    if cause.of_seeds:
        return "the state of a random seed is not kept"
    return f"{names_of(cause, 'tensor')} {'is' if len(cause.detail) == 1 else 'are'} not kept"


def _not_run(cause: Cause) -> str:
    """Of which side there is no result; of a file, that it cannot be loaded, or not to train on."""
    if "it loads only with compile=False" in cause.reason:
        return "a file loads only with compile=False"
    file, cannot, _ = cause.reason.partition(CANNOT_BE_LOADED)
    if cannot and len(file.split()) == 1:
        return file + cannot
    return f"no result of {names}" if (names := ", ".join(without_result(cause))) else "a side has no result"


WORDS: dict[str, Callable[[Cause], str]] = {
    Code.BY_DESIGN: lambda cause: declared_words.brief(cause)[0],
    Code.RANDOM_STREAMS: lambda cause: f"{names_of(cause, 'drawn by') or 'backends'} draw different random numbers",
    Code.RANDOM_PREDICTIONS: lambda cause: "predict draws random numbers",
    Code.DRAWS_IN_PREDICT: lambda cause: f"{cause.subject} alone draws random numbers in predict",
    Code.TF32_PRODUCTS: lambda cause: f"{cause.subject} rounds products to TF32",
    Code.BFLOAT16_PRODUCTS: lambda cause: f"{cause.subject} rounds products to bfloat16",
    Code.DEFINITION: lambda cause: (
        f"{_of(cause)}fit drops what {names_of(cause, 'class')} assigns"
        if assigned(cause)
        else f"{_of(cause)}{names_of(cause, 'class')} "
        + ("depart from their definitions" if several(cause) else "departs from its definition")
    ),
    Code.ODD_ONE_OUT: lambda cause: f"{cause.subject} differs {_first(cause) or 'from ' + names_of(cause, 'others')}",
    Code.HALFWAY: lambda cause: "backends round halves to either side",
    Code.CORNER: lambda cause: "backends take other slopes at exactly 0",
    Code.NOT_SAVED: _unsaved,
    Code.RENEWED: _unsaved,
    Code.SAVE_ALTERED: lambda cause: f"{names_of(cause, 'tensor')}: other numbers come back",
    Code.UNSEEDED: lambda cause: "random layers without a seed draw other numbers",
    Code.SHARED_AVERAGES: lambda cause: "fit after fit fails, and so does save after predict",
    Code.COMPILED_STEP: lambda cause: f"the compiled training step of {cause.subject} computes something else",
    Code.MEMORY_LOST: lambda cause: f"{cause.subject} forgets the state of {names_of(cause, 'layer')}",
    Code.NARROWED: lambda cause: f"{cause.subject} has {names_of(cause, 'formats')}",
    Code.METRIC_NOT_RESET: lambda cause: f"{names_of(cause, 'metric')} goes on counting",
    Code.MOVES_IN_PREDICT: lambda cause: f"{cause.subject} changes {names_of(cause, 'layer')} while it predicts",
    Code.OTHER_FORMATS: lambda cause: f"{cause.subject or 'one of them'} computes in other formats",
    Code.SLOTS_NOT_SAVED: lambda cause: "the optimizer's state is not kept",
    Code.COMPILED_DIFFERENTLY: lambda cause: "the file is compiled differently",
    Code.LOADED_DIFFERENTLY: lambda cause: f"the file does not bring back {cause.detail[0][0]}",
    Code.NON_FINITE: lambda cause: f"{_of(cause)}training reaches NaN or infinity",
    Code.BEYOND_ENVELOPE: lambda cause: "float32 differs by more than measured rounding",
    Code.UNCHECKED: lambda cause: "evidence is missing",
    Code.NO_FLOAT64: lambda cause: "there is no float64 run",
    Code.NOT_RUN: _not_run,
    Code.UNSUPPORTED: lambda cause: f"{OWN_STEP} is unchecked" if OWN_STEP in cause.reason else "not supported",
    Code.UNKNOWN: lambda cause: "its cause is unknown",
}
CURES: dict[str, str] = {
    Code.RANDOM_STREAMS: "compare over several seeds",
    Code.RANDOM_PREDICTIONS: "predict what is not drawn",
    Code.DRAWS_IN_PREDICT: "look for layers that draw though they do not train",
    Code.TF32_PRODUCTS: "--precision exact",
    Code.BFLOAT16_PRODUCTS: "--precision exact",
    Code.UNSTABLE_KERNEL: "centre the inputs",
    Code.NOT_SAVED: "save the seed, too",
    Code.RENEWED: "give random layers a seed",
    Code.UNSEEDED: "give random layers a seed",
    Code.SHARED_AVERAGES: "leave out use_ema",
    Code.COMPILED_STEP: "keep what training changes in a variable",
    Code.MEMORY_LOST: "hand the state on, or keep it in add_weight",
    Code.NARROWED: "compare in a dtype that all backends have",
    Code.METRIC_NOT_RESET: "let reset_state set everything back",
    Code.MOVES_IN_PREDICT: "take `training` in call, and hand it to each layer",
    Code.OTHER_FORMATS: "convert inputs in the model's call",
    Code.COMPILED_DIFFERENTLY: "compile what is loaded anew",
    Code.LOADED_DIFFERENTLY: "keep it in a variable or in get_config",
    Code.NON_FINITE: "lower the learning rate",
}
