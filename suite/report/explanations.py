"""What a finding says of its causes: what it claims, how that is known, and what to do.

A claim says only what its experiment has shown. `what` and `where` are counted members and scenarios: "8 pairs", "in
article-mlp".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from suite.judge.composing import EXPECTED
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import MEASURED, OPERATION, Cause, Code
from suite.records.formatting import number
from suite.report import declared_words, explained_files, explained_formats
from suite.report.causes import (
    BEYOND,
    assigned,
    begins,
    defined,
    in_environment,
    is_known,
    names_of,
    remedy,
    several,
    step_of,
    suspected,
    turn,
    whose,
    words,
)
from suite.report.hypothesis_words import HYPOTHESES
from suite.report.said import FLOAT64_RUNS, Said, verb

# Kinds of definitions; else a layer's.
DEFINED = {OPERATION: OPERATION, "loss": "loss", "update": "optimizer", "regularizer": "regularizer"}
REPORT = "report it: docs/causes.md says how"
OVER_REPLICAS = ("K-78",)  # known defects that show on several devices alone
MOMENTS_ISSUE = "https://github.com/keras-team/keras/issues/18795"


def _definition(what: str, where: str, cause: Cause) -> Said:
    if dropped := assigned(cause):
        return Said(
            claim=f"In {whose(cause)}, fit does not keep {dropped} ({what} {where})." + is_known(cause),
            experiment="a call in training mode changes these weights; one batch of fit with a learning rate of 0 leaves "
            "them as they were, bit for bit",
            advice=remedy(cause, "create what the layer assigns with trainable=False"),
        )
    if names_of(cause, "stage") == "training":
        return Said(
            claim=f"In {whose(cause)}, fit computes {names_of(cause, 'class')} ({names_of(cause, 'name')}) as in prediction "
            f"({what} {where})." + is_known(cause),
            experiment="one step of fit gives what the definition in NumPy says of a prediction with the same inputs, and "
            "not what the layer gives if it is called with training=True",
            advice=remedy(cause, REPORT),
        )
    step = {"evaluation": "evaluate", "prediction": "predict"}.get(names_of(cause, "stage"), "a training step")
    defined_as = DEFINED.get(names_of(cause, "what"), "layer")
    fails = "do not compute what they are" if several(cause) else "does not compute what it is"
    return Said(
        claim=f"In {whose(cause)}, {defined(cause)}, {fails} defined to compute ({what} {where})." + is_known(cause),
        experiment=f"the same call, with the inputs that it gets in {step}, was computed in NumPy from the "
        "definition, without any backend; the backend's result is not that one",
        advice=remedy(
            cause, f"do not rely on this {defined_as}{in_environment(cause.subject)} until it is mended; {REPORT}"
        ),
    )


UNPREDICTED = ", and no hypothesis predicts it"  # of what differs from all others, unless one does
LOOK = "look at the place where the difference begins; if it is in Keras, report it: docs/causes.md says how"


OF_EQUALS = (
    "where numbers are equal, backends take any of them: make them differ, for instance by a small multiple of their place, "
    "or start from weights that are not all equal"
)
OF_OPERATIONS = {
    "keras.ops.cast": "clip numbers to the range of the format before the cast: out of it, backends do not agree"
}


def _odd(what: str, where: str, cause: Cause) -> Said:
    others, stage, tensor, replicas = (names_of(cause, name) for name in ("others", "stage", "tensor", "replicas"))
    taken = names_of(cause, "takes")
    place = f" {begins(stage, tensor)}" if tensor else ""
    if operation := names_of(cause, "operation"):
        gives = f"gives other {'gradients' if stage == 'gradient' else 'numbers'} for equal inputs"
        place += f" There, {operation} {f'takes {taken}' if taken else gives}."
    agree = "float64 runs"
    if replicas:
        place = f" It shows only where {replicas} replicas compute a part of the batch each.{place}"
        agree = f"float64 emulations of {replicas} replicas"
    if names_of(cause, "from"):
        place = f" It predicts something else from the same file{f', from the layer {tensor} on' if tensor else ''}."
        agree = "predictions from one and the same file"
    return Said(
        claim=f"{cause.subject} differs from {others} ({what} {where}).{place}" + is_known(cause),
        experiment=f"the {agree} of {others} agree; that is no proof that {cause.subject} is wrong: no "
        f"independent definition decides it{UNPREDICTED}",
        advice=remedy(cause, OF_EQUALS if taken else OF_OPERATIONS.get(operation, LOOK)),
    )


def _corner(what: str, where: str, cause: Cause) -> Said:
    odd = names_of(cause, "odd")
    who = f": {odd} takes one slope, and the others another one" if odd else ""
    stands = verb(what, "stands", "stand")
    return Said(
        claim=f"{what} {where} {stands} exactly at a corner of {names_of(cause, 'layer')}, where backends take different "
        f"slopes{who}. None of them is wrong.",
        experiment="the same call with the same inputs, on each backend: the gradients differ, and all lie between the "
        "slopes on both sides of the corner, which an independent definition in NumPy gives",
        advice="keep inputs away from the corner: exact zeros come from padding, from backgrounds, and from biases that "
        "begin at 0",
    )


def _unseeded(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'draws', 'draw')} from the own random generator of {cause.subject}, in "
        f"{names_of(cause, 'layer')}. No file holds it, and training on from one draws other numbers.",
        experiment="the layer draws random numbers, and the state of its seed did not move in a whole run",
        advice="give random layers a seed; then their numbers come from a state that can be saved beside the model",
    )


def _averages(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"On {cause.subject}, a model that was trained with use_ema cannot be trained on, nor saved once it has "
        f"predicted ({what} {where}): averages and weights are the same arrays after `fit`, and the next call deletes both. "
        "This is the known defect K-56.",
        experiment="after `fit`, weights and averages were looked at. The suite gives the averages arrays of their own, so "
        "that it can compare such a model at all",
        advice="leave out use_ema on JAX, or give the averages memory of their own after `fit`: docs/defects/K-56.md",
    )


def _forgotten(what: str, where: str, cause: Cause) -> Said:
    layer = names_of(cause, "layer")
    return Said(
        claim=f"{cause.subject} does not keep the state of {layer} from one batch to the next, and the other side does "
        f"({what} {where}).",
        experiment=f"after training, the state of {layer} was as before training in {cause.subject}, and not on the other "
        "side; the float64 runs of both sides also differ",
        advice="do not train with stateful=True there, but hand the state on as an input and an output; let a layer make "
        "its variables with add_weight, so that the model knows of them",
    )


def _not_reset(what: str, where: str, cause: Cause) -> Said:
    metric = names_of(cause, "metric")
    return Said(
        claim=f"{metric} goes on counting where Keras resets it. What the live model evaluates to holds what fit counted, "
        f"and no file does ({what} {where}).",
        experiment=f"after training and one evaluation, all metrics were reset; {metric} did not hold again what it held "
        "before training",
        advice="let reset_state of this metric set everything back that update_state changes",
    )


def _rounded_to_either(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{names_of(cause, 'layer')} returns integers, and rounds what is halfway between two of them to either, "
        f"whatever backend it is ({what} {where}).",
        experiment="the same calls with the same inputs were computed in NumPy from the definition: the integers differ by "
        "one, and only where the number before is halfway, as far as float32 can tell",
        advice="no backend is wrong; convert images to floating-point numbers before they are resized, then nothing is "
        "rounded",
    )


def _moved(what: str, where: str, cause: Cause) -> Said:
    layers = names_of(cause, "layer")
    return Said(
        claim=f"{cause.subject} changes variables of {layers} while it predicts, and the other side does not "
        f"({what} {where}).{is_known(cause)}",
        experiment=f"the variables of the model were read before and after predict: in {cause.subject}, some of {layers} "
        "had changed, and on the other side none; both sides train alike in float64",
        advice=remedy(cause, "look at what the layer is told of training where the model predicts"),
    )


def _compiled(what: str, where: str, cause: Cause) -> Said:
    altered = names_of(cause, MEASURED)
    kept = f" Training sets {altered}, and a compiled step keeps the value that it was compiled with." if altered else ""
    return Said(
        claim=f"The training step of {cause.subject} computes something else once it is compiled ({what} {where}).{kept}",
        experiment="the float64 run was repeated with run_eagerly=True, or its step compiled anew: it differs from the "
        "compiled one, and equals the other side",
        advice="keep what changes during training in a variable (add_weight, or keras.Variable), or compile the model with "
        "run_eagerly=True: Python code runs only while a step is compiled. Draw random numbers with keras.random",
    )


def _apart_in_steps(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'differs', 'differ')}: single float32 steps from common states are too far "
        "apart for rounding.",
        experiment="each side took single float32 steps from the same states, and nothing had grown in between",
        advice="look at the place where the steps part",
    )


def _not_finite(what: str, where: str, cause: Cause) -> Said:
    step = step_of(cause)
    if not cause.subject:
        return Said(
            claim=f"Training {where} reaches NaN or infinity at step {step}, on both sides of {what}.",
            experiment="the losses and states of both sides were searched for the first number that is not finite",
            advice="look at where it begins, at the loss and the learning rate: this is the scenario's, and no backend's",
        )
    operation, known = names_of(cause, "operation"), names_of(cause, "known")
    advice = "look at what goes into the place where it begins, in the step before"
    if step == "1":
        advice = "look at what goes into the place where it begins: the first batch, and the initial weights"
    if names_of(cause, "stage") == "gradient":
        advice = "add a small number where there is no derivative, as at the norm, the deviation or the root of zeros"
    defined = known and not operation and known not in OVER_REPLICAS
    return Said(
        claim=f"Training {where} reaches NaN or infinity at step {step} in {cause.subject}, but not everywhere ({what})."
        + (f" {operation} makes it of finite numbers." if operation else "")
        + is_known(cause),
        experiment="the losses and states of both sides were searched for the first number that is not finite"
        + (", and the calls of that step for the first that makes it" if operation or defined else "")
        + ("; on one device, the same model has finite numbers" if known in OVER_REPLICAS else "")
        + ("; the same call, computed in NumPy from its definition, gives finite numbers" if defined else ""),
        advice=remedy(cause, advice),
    )


def _unchecked(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'was', 'were')} not decided: evidence is missing.",
        experiment=f"what would decide it is missing{in_environment(cause.subject)}: {cause.reason}",
        advice="mend what failed, and run the same command again: finished runs are kept",
    )


def _unstable(what: str, where: str, cause: Cause) -> Said:
    of_statistics = "batch statistics" in dict(cause.evidence)
    return Said(
        claim=f"{cause.subject or 'One side'} computes inaccurately {where} ({what}). Its single float32 steps are far from "
        "float64.",
        experiment="each side took single float32 steps from common states; each step was compared with the float64 step "
        "that its strategy declares, with the same constants",
        advice="centre the inputs of batch normalization, or compute its variance in two passes: E[x²] - E[x]² cancels "
        "where the mean is large compared with the standard deviation"
        if of_statistics
        else "let that layer compute in float64, and look for numbers that cancel in it",
        link=MOMENTS_ISSUE if of_statistics else "",
    )


def _random(what: str, where: str, cause: Cause) -> Said:
    why = "Backends turn one seed into different streams."
    if names_of(cause, "drawn by"):
        why = "On several devices, each replica draws for its own rows."
    return Said(
        claim=f"{what} {where} {verb(what, 'draws', 'draw')} different random numbers. {why}",
        experiment="both sides drew different numbers from one seed; with one shared stream, their float64 runs are equal",
        advice="do not expect equal results from equal seeds in random layers; compare without them, or over several seeds",
    )


def _randomly_predicted(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'predicts', 'predict')} with random numbers: no two predictions of the same "
        "rows are equal, and none is compared.",
        experiment="every run predicted some rows twice, one time after the other: the two differ",
        advice="let layers draw only while they train, or predict what is not drawn, as the mean of a distribution",
    )


def _drawn_on_one_side(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'predicts', 'predict')} with random numbers in {cause.subject}, "
        "and without on the other side.",
        experiment="every run predicted some rows twice, one time after the other: the two differ only in " + cause.subject,
        advice="look for a layer that draws random numbers though it does not train, as dropout that is left on",
    )


def _unknown(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'differs', 'differ')} by more than rounding or design explains. "
        "The cause is unknown.",
        experiment=f"{FLOAT64_RUNS}; no hypothesis predicts it",
        advice=LOOK,
    )


def _beyond(what: str, where: str, cause: Cause) -> Said:
    return Said(
        claim=f"{what} {where} {verb(what, 'is', 'are')} {BEYOND}.",
        experiment="the float64 runs are equal, and no kernel was shown to be unstable; each side's reruns with "
        "re-ordered rows "
        "are closer together than the two sides are",
        advice="rerun with fewer steps (--steps 1) to decide: in training, a network like this amplifies float32 rounding "
        "by decades",
    )


def _noise(what: str, where: str, cause: Cause) -> Said:
    numbers, steady = dict(cause.evidence), names_of(cause, "steady")
    size = max(numbers.get("a", 0.0), numbers.get("b", 0.0))
    who = f" {cause.subject} does not repeat itself." if cause.subject else ""
    apart = f": repeats of one run are up to {number(size)} apart" if size else ""
    cured = f"; the same with deterministic kernels, {steady}, repeats itself bit for bit" if steady else ""
    advice = f"compare with {steady} bit by bit" if steady else "try --deterministic, to compare bit by bit"
    return Said(
        claim=f"{what} {where} {verb(what, 'differs', 'differ')} by no more than repeats of the same run.{who}",
        experiment=f"the runs were repeated, and the repeats differ as much{apart}{cured}",
        advice=advice,
    )


def _invalid(what: str, where: str, cause: Cause) -> Said:
    wide = all(f" {dtype}(" in cause.reason for dtype in ("float64", "float32"))
    x64 = "JAX has float64 only with JAX_ENABLE_X64=1, and computes in float32 without it: compare in a dtype that all have"
    return Said(claim=f"{what} {where}: {cause.reason}.", experiment="none was run", advice=x64 if wide else "")


FINDINGS: dict[str, Callable[[str, str, Cause], Said]] = {
    Code.BY_DESIGN: declared_words.said,
    Code.DEFINITION: _definition,
    Code.ODD_ONE_OUT: _odd,
    Code.CORNER: _corner,
    Code.HALFWAY: _rounded_to_either,
    Code.RENEWED: explained_files.renewed,
    Code.UNSEEDED: _unseeded,
    Code.SHARED_AVERAGES: _averages,
    Code.MEMORY_LOST: _forgotten,
    Code.METRIC_NOT_RESET: _not_reset,
    Code.MOVES_IN_PREDICT: _moved,
    Code.COMPILED_STEP: _compiled,
    Code.NARROWED: explained_formats.narrowed,
    Code.OTHER_FORMATS: explained_formats.others,
    Code.STEPS_APART: _apart_in_steps,
    Code.NON_FINITE: _not_finite,
    Code.INVALID: _invalid,
    Code.UNCHECKED: _unchecked,
    Code.UNSTABLE_KERNEL: _unstable,
    Code.RANDOM_STREAMS: _random,
    Code.RANDOM_PREDICTIONS: _randomly_predicted,
    Code.DRAWS_IN_PREDICT: _drawn_on_one_side,
    Code.NOT_SAVED: explained_files.unsaved,
    Code.SAVE_STALE: explained_files.held,
    Code.SAVE_WRONG_REPLICA: explained_files.held,
    Code.SAVE_SWAPPED: explained_files.held,
    Code.SAVE_ALTERED: explained_files.altered,
    Code.SLOTS_NOT_SAVED: explained_files.without_slots,
    Code.LOADED_WRONGLY: explained_files.loaded,
    Code.COMPILED_DIFFERENTLY: explained_files.compiled,
    Code.LOADED_DIFFERENTLY: explained_files.attributes,
    Code.UNKNOWN: _unknown,
    Code.BEYOND_ENVELOPE: _beyond,
    Code.REPEATS_DIFFER: _noise,
    Code.TF32_PRODUCTS: explained_formats.rounded,
    Code.BFLOAT16_PRODUCTS: explained_formats.rounded,
}


def said(what: str, where: str, causes: Sequence[Cause], verdict: str) -> Said:
    """What a finding says: in full of its first cause, or of all that are hypotheses, and in a few words of the others.
    What is declared or unknown comes last. A cause that is a reason in itself is repeated."""
    ordered = sorted(causes, key=lambda cause: (cause.code == Code.UNKNOWN, cause.code in EXPECTED))
    if not ordered:
        return Said(claim=f"{what} {where}: {verdict}.", experiment="none was run")
    hypotheses = [cause for cause in ordered if cause.code in HYPOTHESES]
    first = hypotheses if ordered[0] in hypotheses else ordered[:1]
    rest = [cause for cause in ordered if cause not in first]
    main = _suspected(what, where, first, bool(rest)) if first == hypotheses else _of(what, where, first[0])
    if not rest:
        return main
    others = [_of(what, where, cause) for cause in rest if cause.code in FINDINGS]
    others += [_suspected(what, where, hypotheses, True)] if hypotheses and first != hypotheses else []
    experiment = "; ".join(dict.fromkeys(one.experiment for one in (main, *others)))
    return Said(
        claim=f"{main.claim} Beside that: {_beside(rest)}.",
        experiment=experiment.replace(UNPREDICTED, "") if hypotheses else experiment,
        advice="; ".join(dict.fromkeys(one.advice for one in (main, *others) if one.advice)),
        link=main.link or next((one.link for one in others if one.link), ""),
    )


def _of(what: str, where: str, cause: Cause) -> Said:
    say = FINDINGS.get(cause.code)
    return say(what, where, cause) if say else Said(claim=f"{what} {where}: {words([cause])}.", experiment="none was run")


def _beside(rest: Sequence[Cause]) -> str:
    known = [cause for cause in rest if cause.code != Code.UNKNOWN]
    return "; ".join([*([words(known)] if known else []), *(["a rest of unknown cause"] if len(known) < len(rest) else [])])


def _suspected(what: str, where: str, hypotheses: Sequence[Cause], more: bool) -> Said:
    """Hypotheses that predict a run. `more`: there are other causes beside them."""
    last = max(map(turn, hypotheses))
    deviations = "these deviations" if last > 1 else "this one deviation"
    whole = any(turn(cause) == last and dict(cause.evidence).get("distance", 1.0) < SAME_SEMANTICS for cause in hypotheses)
    alike = "reproduces the run" if whole and not more else "does as the run does where it begins to differ"
    equals = "and equals the run within 1e-10" if whole else "and no longer differs from the run there"
    environment = next((cause.subject for cause in hypotheses if cause.subject), "")
    defects = dict.fromkeys(known for cause in hypotheses if (known := names_of(cause, "known")))
    named = "".join(f" This is the known defect {known}." for known in defects)
    of_defect = next((cause for cause in hypotheses if names_of(cause, "known")), hypotheses[0])
    fails = f"Training {where} does not compute what it is meant to compute ({what})"
    if environment:
        fails = f"{environment} does not compute what the other backends compute ({what} {where})"
    return Said(
        claim=f"{fails}. {'Cause' if defects else 'Suspected cause'}: {suspected(hypotheses)}. "
        f"An emulation with {deviations} {alike}.{named}",
        experiment=f"the same run was emulated in float64 with {deviations}, {equals}",
        advice=remedy(of_defect, HYPOTHESES[hypotheses[0].code].advice),
        link=HYPOTHESES[hypotheses[0].code].link,
    )
