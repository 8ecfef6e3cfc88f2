"""The words for every hypothesis: what the report says after "suspected: ", what to do, and where to read on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Words:
    """`of_value`: what is said in place of `words` where the deviation has this value."""

    words: str
    advice: str
    link: str = ""
    of_value: Mapping[str, str] = field(default_factory=dict)


HYPOTHESES: dict[str, Words] = {
    "bn-epsilon": Words(
        words="batch normalization adds a different epsilon to the variance",
        advice="pass epsilon to BatchNormalization explicitly, and check that this version of the layer uses it",
    ),
    "bn-momentum": Words(
        words="moving statistics move with a different momentum",
        advice="pass momentum to BatchNormalization explicitly; torch's convention is 1 - momentum",
    ),
    "bn-bessel-moving": Words(
        words="the moving variance is unbiased (divided by n - 1), the normalizing one is not",
        advice="expected of torch.nn.BatchNorm and of fused TensorFlow kernels, not of a Keras layer: check "
        "which one computes",
    ),
    "bn-bessel": Words(
        words="batch variances are unbiased (divided by n - 1)",
        advice="batch normalization is defined with the biased variance: check the kernel",
    ),
    "bn-moving-skipped": Words(
        words="moving statistics are not updated",
        advice="check that the layer is called with training=True and that its state is carried over",
    ),
    "bn-moving-twice": Words(
        words="moving statistics are updated twice in a step",
        advice="check that the forward pass runs once per step (recomputation runs it again)",
    ),
    "bn-inference-in-training": Words(
        words="training normalizes with the moving statistics (inference mode)",
        advice="check that the layer is called with training=True and is not frozen",
    ),
    "bn-frozen-moves": Words(
        words="frozen batch normalization normalizes with batch statistics and updates its moving statistics",
        advice="set trainable=False before compile, and check that this version honours it",
    ),
    "bn-no-statistics-gradient": Words(
        words="no gradient flows through the batch statistics",
        advice="check for a stop_gradient, or for statistics that are computed outside the tape",
    ),
    "bn-mask-ignored": Words(
        words="padding counts in the batch statistics: the mask is ignored",
        advice="pass the mask to the layer, or check that the layer before it propagates one",
    ),
    "semantics": Words(
        words="it computes what a different declaration says",
        advice="check which statistics and gradients the strategy really exchanges (synchronized=True, "
        "aggregation, buffers)",
        link="https://github.com/tensorflow/tensorflow/issues/46488",
    ),
    "shards-strided": Words(
        words="replicas take every N-th row instead of contiguous shards",
        advice="shard batches contiguously, as TensorFlow and JAX do",
    ),
    "shard-repeated": Words(
        words="every replica trains on the first replica's rows",
        advice="give each rank its own shard: check the sampler and the rank it is told",
    ),
    "gradients-summed": Words(
        words="gradients are summed over replicas, not averaged",
        advice="divide the loss or the reduced gradient by the number of replicas",
    ),
    "gradients-unreduced": Words(
        words="replicas do not exchange gradients",
        advice="call the distributed module forward, so that its reduction runs (plain Keras fit in a torch "
        "process group does not)",
    ),
    "gradients-local": Words(
        words="replicas do not exchange the gradients of some weights",
        advice="make every weight before the model is built, so that model.parameters() has it: torch averages the "
        "gradients of these alone",
    ),
    "gradient-scale": Words(
        words="the loss, or every gradient, is multiplied by a constant",
        advice="check the loss reduction, loss scaling and the division by the number of replicas",
    ),
    "loss-undivided": Words(
        words="a loss that is one number for a batch is added up over replicas, and not divided by their number",
        advice="give the loss an axis, so that it is one number for each row; this is known defect K-62 of Keras (3.15) on "
        "TensorFlow",
    ),
    "loss-reported": Words(
        words="the loss is reported with a factor, and its gradient is right",
        advice="training is right: check what the training step tells its loss metric, where the loss was divided by the "
        "number of replicas",
    ),
    "loss-from-logits": Words(
        words="the loss is computed from the logits: probabilities near 0 and 1 are not clipped",
        advice="let the model return logits, with from_logits=True: that is one formula everywhere. Keras clips "
        "probabilities to 1e-7 from 0 and 1; on TensorFlow, it takes the logits before a softmax or a sigmoid instead",
    ),
    "learning-rate": Words(
        words="the learning rate is multiplied by a constant",
        advice="keep the learning rate independent of the number of devices; check schedules and scaling rules",
    ),
    "regularization-scale": Words(
        words="penalties are counted the wrong number of times",
        advice="check that model.losses is added once, whatever the number of replicas",
        of_value={
            "0.0": "penalties are not counted",
            "2.0": "penalties are counted twice",
            "0.0, in training alone": "penalties are not counted in training",
            "2.0, in training alone": "penalties are counted twice in training",
        },
    ),
    "schedule-offset": Words(
        words="the optimizer's step counter is off by one",
        advice="check when iterations is incremented, and that it is saved and loaded",
    ),
    "adam-bias-correction": Words(
        words="the optimizer does not correct the bias of its moments",
        advice="check the optimizer's formula: Kingma and Ba 2015, algorithm 1",
    ),
    "adam-epsilon": Words(
        words="the optimizer adds a different epsilon",
        advice="pass epsilon to the optimizer explicitly: Keras's default is 1e-7, torch's is 1e-8 and is placed elsewhere",
    ),
    "weight-decay-scale": Words(
        words="weight decay is applied the wrong number of times",
        advice="check that decay is in the optimizer or in the loss, not in both",
        of_value={"0.0": "weight decay is not applied", "2.0": "weight decay is applied twice"},
    ),
    "clipping-missing": Words(
        words="gradients are not clipped",
        advice="check that the optimizer's clipnorm, clipvalue or global_clipnorm reaches the update",
    ),
    "clipping-per-replica": Words(
        words="gradients are clipped on each replica before they are reduced",
        advice="clip after the reduction; Keras (3.15) clips before it under MirroredStrategy: do not rely on "
        "clipnorm there",
    ),
    "slots-forgotten": Words(
        words="the optimizer forgets its slots between steps",
        advice="check that optimizer variables are carried over from step to step",
    ),
    "tensor-untrained": Words(
        words="some tensors are never updated",
        advice="check which variables the optimizer was built with",
    ),
    "initial-state": Words(
        words="a tensor does not start at its stored value",
        advice="load the initial weights after the model is built, by name",
    ),
    "batch-order": Words(
        words="the first two batches are swapped",
        advice="fix the order of batches: shuffle=False, one worker, and no interleaving",
    ),
    "rows-reversed": Words(
        words="rows are in reversed order in each batch",
        advice="fix the order of rows: with per-replica statistics it decides which rows share a replica",
    ),
    "batch-repeated": Words(
        words="the first batch is trained on twice",
        advice="check the iterator: a peeked batch may be put back",
    ),
    "gradients-accumulated": Words(
        words="each step adds its gradients to those of all steps before it",
        advice="clear gradients in the training step: on torch, call self.zero_grad() before loss.backward()",
    ),
    "batch-dropped": Words(
        words="the last batch is dropped",
        advice="check drop_remainder and the number of steps",
    ),
    "trainable-at-once": Words(
        words="what a phase freezes is frozen at once, though the model is not compiled again",
        advice="compile after every change of trainable: without, each backend reads it at a different time",
    ),
    "predict-training-mode": Words(
        words="predictions are made in training mode, with the statistics of each batch",
        advice="call the model with training=False",
    ),
    "predict-wrong-replica": Words(
        words="predictions use other replicas' moving statistics than declared",
        advice="check which replica's variables the prediction reads",
    ),
    "dtype-demoted": Words(
        words="it computes in a narrower format where float64 was asked for",
        advice="check the dtype policy of that layer, and casts inside it (keras#23223)",
        link="https://github.com/keras-team/keras/issues/23223",
    ),
}
