"""What a finding says of files: what they do not hold, and what becomes of it once they are loaded. As in `explanations`."""

from __future__ import annotations

from suite.records import Cause
from suite.records.formatting import number
from suite.report.causes import changed, is_known, names_of, remedy, words
from suite.report.said import Said, verb

SAVE_SEED = "save this state beside the model if training must continue after loading as if it had not stopped"
SAVE_WEIGHT = (
    "let the layer save it: create it with add_weight, or write it in save_own_variables and read it in load_own_variables; "
    "until then, what is loaded begins anew there"
)

UNDECAYED = "exclude_from_weight_decay"


def unsaved(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'does', 'do')} not hold {names_of(cause, 'tensor')}. Loading brings back the "
        "initial value.",
        experiment="the loaded value is bit-equal to the value before training, and training had changed it",
        advice=SAVE_SEED if cause.of_seeds else SAVE_WEIGHT,
    )


def renewed(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'does', 'do')} not hold {names_of(cause, 'tensor')}: loading draws a new value.",
        experiment="the loaded integer is neither the one that was saved nor the one before training",
        advice=f"give random layers a seed, and {SAVE_SEED}" if cause.of_seeds else SAVE_WEIGHT,
    )


def held(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'does', 'do')} not hold the model that was saved: {words([cause])}.",
        experiment="every loaded tensor is bit-equal to what the cause says, not to the live model's tensor",
        advice="check which state is written: from which step, from which replica, and under which names",
    )


def without_slots(what: str, where: str, cause: Cause) -> Said:
    if missing := names_of(cause, "tensor"):
        experiment = f"the live model's optimizers have {missing}, and the loaded model's have no variables of these names"
        advice = "build every optimizer where the model is made: Keras loads nothing into one that is not built"
    else:
        experiment = "the variables of the model came back, and all slots that differ are zero"
        advice = "save the optimizer with the model, and build it before weights are loaded"
    return Said(
        claim=f"{what} {where} {verb(what, 'trains', 'train')} on without what an optimizer has gathered: {words([cause])}.",
        experiment=experiment,
        advice=advice,
    )


def altered(what: str, where: str, cause: Cause) -> Said:
    form, distance = names_of(cause, "format"), dict(cause.evidence).get("distance", 0.0)
    rounded = f" They are the live model's, rounded to {form}." if form else ""
    return Said(
        claim=f"{what} {where} {verb(what, 'gives', 'give')} other numbers back for {names_of(cause, 'tensor')}.{rounded}",
        experiment="every loaded tensor was compared bit by bit with the live model's, and with its values before training: "
        f"these are neither, and up to {number(distance)} from the live model's, relative",
        advice="look at save_own_variables and load_own_variables of the layer: LoRA merges its kernels as it saves, and "
        "some layers save weights in a smaller format",
    )


def loaded(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where}: {words([cause])}.",
        experiment="of the tensors that a different environment loads from the same file with other values, its values are "
        "bit-equal to the live model's, and the values loaded here are not",
        advice="compare the Keras versions on both sides, and check that every layer of the file is known where it is "
        "loaded",
    )


def compiled(what: str, where: str, cause: Cause) -> Said:
    advice = "give the class a get_config that returns every argument of its constructor, or compile what is loaded anew"
    if any(name.endswith(UNDECAYED) for name, _ in cause.detail):
        advice = f"call {UNDECAYED} again on the loaded model's optimizer: no file holds what it was told"
    return Said(
        claim=f"{what} {where} {verb(what, 'is', 'are')} not compiled as the live model is: {changed(cause, ': ')}."
        + is_known(cause),
        experiment="optimizer, loss and metrics of both, with their configurations and attributes",
        advice=remedy(cause, advice),
    )


def attributes(what: str, where: str, cause: Cause) -> Said:
    sizes = dict(cause.evidence)
    experiment = "the attributes of every layer of the live model and of the loaded one were told, and these differ"
    if "with" in sizes:
        experiment += (
            f". Predictions are {number(sizes['without'])} apart, relative. With the live model's values put back they are "
            f"{number(sizes['with'])} apart"
        )
    return Said(
        claim=f"{what} {where} {verb(what, 'has', 'have')} layers whose attributes did not come back: "
        f"{changed(cause, ': ')}.",
        experiment=experiment,
        advice="give the class a get_config that returns every argument of its constructor. A file of weights alone holds "
        "no attributes: keep what training changes in a variable (add_weight)",
    )
