"""The words for what strategies declare to do differently: for a finding, and for the table on the first screen."""

from __future__ import annotations

from dataclasses import dataclass

from suite.records import Cause
from suite.report.causes import declared
from suite.report.said import FLOAT64_RUNS, Said, verb

PER_REPLICA_ISSUE = "https://github.com/tensorflow/tensorflow/issues/46488"
SYNCHRONIZE = (
    "use BatchNormalization(synchronized=True) on TensorFlow and the equivalent on torch, or compare with one device at the "
    "per-replica batch size"
)
BOTH = (
    "synchronize batch statistics, and use a loss that is a plain mean over rows, or compare with one device at the "
    "per-replica batch size"
)
WHOLE_BATCH = (
    "compare with one device at the per-replica batch size, or let the layer compute over the whole batch, as it does on JAX"
)
DIVIDE = (
    "where losses are added up, divide by the number of replicas what Keras does not: a loss of one number, and what "
    "compute_loss adds; or use a loss that is a mean over rows, full batches, and weights divided by their sum beforehand"
)


@dataclass(frozen=True, kw_only=True)
class Words:
    """`verbs`: of one thing, and of several; `claim`: what comes behind. `brief` and `cure`: in a few words. {names} are
    fields of the cause."""

    verbs: tuple[str, str]
    claim: str
    advice: str = ""
    link: str = ""
    brief: str
    cure: str = ""


# A field of a cause, or a field with its value; the first that a cause has counts.
DECLARED = {
    "own rows": Words(
        verbs=("compares", "compare"),
        claim="batch normalization and {own rows} over the whole batch with both over each replica's part. The strategies "
        "declare this difference. Synchronized statistics alone do not cure it.",
        advice=WHOLE_BATCH + "; and synchronize batch statistics",
        link=PER_REPLICA_ISSUE,
        brief="each replica normalizes its own rows, and {own rows} computes on them",
        cure="compare at the per-replica batch size",
    ),
    "loss": Words(
        verbs=("compares", "compare"),
        claim="batch normalization and the loss over the whole batch with both over each replica's part. The strategies "
        "declare this difference. Synchronized statistics alone do not cure it.",
        advice=BOTH,
        link=PER_REPLICA_ISSUE,
        brief="each replica normalizes its own rows, and computes the loss of them",
        cure="synchronize statistics, and use a loss that is a plain mean",
    ),
    "batch statistics": Words(
        verbs=("compares", "compare"),
        claim="batch normalization over the whole batch with batch normalization over each replica's part. The strategies "
        "declare this difference.",
        advice=SYNCHRONIZE,
        link=PER_REPLICA_ISSUE,
        brief="each replica normalizes its own rows",
        cure="synchronize batch statistics",
    ),
    "losses": Words(
        verbs=("compares", "compare"),
        claim="replicas' losses: {losses}, and on the other side {other losses}. The strategies declare this difference. It "
        "shows where Keras does not divide a loss by the number of replicas: it divides losses of its own that are means "
        "over rows, and nothing else, as what compute_loss adds beside them.",
        advice=DIVIDE,
        brief="one side adds replicas' losses up, and the other takes their mean",
        cure="divide what is no mean of Keras's by the replicas",
    ),
    "layer": Words(
        verbs=("compares", "compare"),
        claim="{layer} on the whole batch with {layer} on each replica's own rows, where it computes something different. "
        "The strategies declare this difference.",
        advice=WHOLE_BATCH,
        brief="{layer} computes on each replica's own rows",
        cure="compare at the per-replica batch size",
    ),
    "live predictions": Words(
        verbs=("holds", "hold"),
        claim="only the first replica's moving statistics. In memory, each replica predicts with its own.",
        advice="evaluate the loaded file, not the model in memory, or average the replicas' statistics before saving",
        link=PER_REPLICA_ISSUE,
        brief="the file holds the first replica's statistics",
        cure="evaluate the loaded file",
    ),
    "live state": Words(
        verbs=("holds", "hold"),
        claim="only the first replica's {state}. In memory, each replica predicts with its own.",
        advice="evaluate the loaded file, not the model in memory, or give all replicas one state before saving",
        brief="the file holds the first replica's {state}",
        cure="evaluate the loaded file",
    ),
    "live evaluation": Words(
        verbs=("evaluates", "evaluate"),
        claim="differently from the model in memory, which evaluates in parts, one for each replica.",
        advice="evaluate the loaded file, not the model in memory",
        brief="in memory, each replica evaluates its own rows",
        cure="evaluate the loaded file",
    ),
    "moving statistics: per replica": Words(
        verbs=("has its", "have their"),
        claim="own moving statistics. Nothing keeps replicas equal.",
        advice=SYNCHRONIZE,
        link=PER_REPLICA_ISSUE,
        brief="each replica has its own moving statistics",
        cure="synchronize batch statistics",
    ),
    "own state": Words(
        verbs=("has its", "have their"),
        claim="own {state}. Nothing keeps replicas equal.",
        advice=WHOLE_BATCH,
        brief="each replica has its own {state}",
        cure="compare at the per-replica batch size",
    ),
    "gradients: sum of replica shares": Words(
        verbs=("computes", "compute"),
        claim="the loss in parts, one for each replica, which are added up. For this loss, that is not that of the whole "
        "batch: Keras divides losses of its own that are means over rows by the number of replicas, and nothing else, as "
        "what compute_loss adds beside them.",
        advice=DIVIDE,
        brief="the losses of replicas are added up",
        cure="divide what is no mean of Keras's by the replicas",
    ),
    "gradients": Words(
        verbs=("computes", "compute"),
        claim="the loss in parts, one for each replica: {gradients}. For this loss, that is not the loss of the whole "
        "batch.",
        advice="use a loss that is a plain mean over rows, and divide weights by their sum over the whole batch before "
        "training",
        brief="the loss is computed in parts, one for each replica",
        cure="full batches, and a loss that is a plain mean",
    ),
}
REDUCTIONS = {
    "mean of replica means": "each replica's own, and then their mean",
    "sum of replica shares": "each replica's own, added up",
}


def said(what: str, where: str, cause: Cause) -> Said:
    """What a finding says of it."""
    words, fields = _words(cause)
    claim = words.claim.format_map(fields)
    return Said(
        claim=f"{what} {where} {verb(what, *words.verbs)} {claim}",
        experiment=FLOAT64_RUNS,
        advice=words.advice,
        link=words.link,
    )


def brief(cause: Cause) -> tuple[str, str]:
    """What it is, and what cures it, in a few words."""
    words, fields = _words(cause)
    return words.brief.format_map(fields), words.cure


def _words(cause: Cause) -> tuple[Words, dict[str, str]]:
    fields = dict(cause.detail)
    shown = {*fields, *(f"{name}: {value}" for name, value in cause.detail)}
    other = Words(
        verbs=("computes", "compute"),
        claim="different things, as the strategies declare: {declared}.",
        brief="the strategies declare different things",
    )
    words = next((words for field, words in DECLARED.items() if field in shown), other)
    reduced = {
        field: REDUCTIONS.get(value, value)
        for field, value in fields.items()
        if field in ("gradients", "losses", "other losses")
    }
    return words, {**fields, **reduced, "declared": declared(cause)}
