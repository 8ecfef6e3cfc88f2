"""Every fault that is injected: what it is, where it acts, and what must be said of it. `suite/selftest/injection`
makes them."""

from __future__ import annotations

from dataclasses import dataclass

from suite.records import Code

UNKNOWN = Code.UNKNOWN  # of a fault that no hypothesis describes: it must be detected and located, and given no false name

ADAM, SGD, CLIP, SYNC = "injected-adam", "injected-sgd", "injected-clip", "injected-sync"
CNN, SEQUENCE, CONFIDENT = "injected-cnn", "injected-sequence", "injected-confident"
EVERYWHERE = ("single", "tf_mirrored", "jax_data_parallel", "torch_ddp")
APART = ("tf_mirrored", "torch_ddp")  # each replica is on its own but for what it is told
SEVERAL = ("tf_mirrored", "jax_data_parallel", "torch_ddp")
STATISTICS = "*statistics"  # of the batch, as far as a probe sees them in what moves, or moving


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`cause`: the name of the hypothesis that must be named, or UNKNOWN. `stage`: where the difference begins, a pattern of
    records.STAGES and LATER_STAGES; `tensor`: a pattern of the first tensor's name (both as fnmatch). `scenario`: the
    built-in one that it is injected in; "" for a fault of models drawn at random, whose tensor is known there only."""

    name: str
    words: str
    stage: str
    tensor: str = "*"
    cause: str = UNKNOWN
    scenario: str = ADAM
    strategies: tuple[str, ...] = EVERYWHERE


BATCH_NORM = (
    Fault(
        name="bn-epsilon-small",
        words="epsilon is 128 times smaller than the layer's",
        cause="bn-epsilon",
        stage="forward",
        tensor="norm",
    ),
    Fault(
        name="bn-epsilon-slightly",
        words="epsilon is an eighth larger than the layer's",
        cause="bn-epsilon",
        stage="forward",
        tensor="norm",
    ),
    Fault(
        name="bn-epsilon-in-prediction",
        words="predictions use an epsilon 32 times larger, training does not",
        stage="prediction",
    ),
    Fault(
        name="bn-momentum",
        words="moving statistics move with momentum 0.875",
        cause="bn-momentum",
        stage="moving statistics",
        tensor="norm/*",
    ),
    Fault(
        name="bn-momentum-complement",
        words="momentum is taken for its complement, as torch names it",
        cause="bn-momentum",
        stage="moving statistics",
        tensor="norm/*",
    ),
    Fault(
        name="bn-bessel-moving",
        words="the moving variance is unbiased, the normalizing one is not",
        cause="bn-bessel-moving",
        stage=STATISTICS,
        tensor="norm/moving_variance",
    ),
    Fault(
        name="bn-bessel", words="batch variances are unbiased", cause="bn-bessel", stage="batch statistics", tensor="norm/*"
    ),
    Fault(
        name="bn-uncentred-variance",
        words="the variance is taken around zero",
        stage="forward",
        tensor="norm",
    ),
    Fault(
        name="bn-axis",
        words="the first axis after the rows is normalized, not the last",
        stage="batch statistics",
        tensor="norm/*",
        scenario=CNN,
    ),
    Fault(
        name="bn-moving-skipped",
        words="moving statistics never move",
        cause="bn-moving-skipped",
        stage=STATISTICS,
        tensor="norm/*",
    ),
    Fault(
        name="bn-moving-twice",
        words="moving statistics move twice in a step",
        cause="bn-moving-twice",
        stage="moving statistics",
        tensor="norm/*",
    ),
    Fault(
        name="bn-inference-in-training",
        words="training normalizes with the moving statistics",
        cause="bn-inference-in-training",
        stage="forward",
        tensor="norm",
    ),
    Fault(
        name="bn-frozen-moves",
        words="a frozen layer normalizes with batch statistics and moves",
        cause="bn-frozen-moves",
        stage="forward",
        tensor="norm",
        scenario="frozen-bn",
    ),
    Fault(
        name="bn-no-statistics-gradient",
        words="no gradient flows through the batch statistics",
        cause="bn-no-statistics-gradient",
        stage="gradient",
        tensor="hidden/*",
    ),
    Fault(
        name="bn-mask-ignored",
        words="padding counts in the batch statistics",
        cause="bn-mask-ignored",
        stage="batch statistics",
        tensor="norm/*",
        scenario="masked-bn",
    ),
    Fault(
        name="predict-training-mode",
        words="predictions are normalized with the statistics of each batch",
        cause="predict-training-mode",
        stage="prediction",
    ),
)

REPLICAS = (
    Fault(
        name="predict-first-replica",
        words="every replica predicts with the first one's moving statistics",
        cause="predict-wrong-replica",
        stage="prediction",
        strategies=APART,
    ),
    Fault(
        name="predict-averaged",
        words="every replica predicts with averaged moving statistics",
        cause="predict-wrong-replica",
        stage="prediction",
        strategies=APART,
    ),
    Fault(
        name="moving-averaged",
        words="moving statistics are averaged over replicas after each step",
        cause="semantics",
        stage=STATISTICS,
        tensor="norm/*",
        strategies=APART,
    ),
    Fault(
        name="moving-first-replica",
        words="every replica's moving statistics are the first one's",
        cause="semantics",
        stage=STATISTICS,
        tensor="norm/*",
        strategies=APART,
    ),
    Fault(
        name="statistics-of-other-replica",
        words="each replica normalizes with the other one's batch statistics",
        stage="forward",
        tensor="norm",
        strategies=APART,
    ),
    Fault(
        name="statistics-per-replica",
        words="JAX normalizes each device's rows with their own statistics",
        cause="semantics",
        stage="batch statistics",
        tensor="norm/*",
        strategies=("jax_data_parallel",),
    ),
    Fault(
        name="statistics-unsynchronized",
        words="statistics are not synchronized though the scenario asks for it",
        cause="semantics",
        stage="batch statistics",
        tensor="norm/*",
        scenario=SYNC,
        strategies=SEVERAL,
    ),
    Fault(
        name="statistics-synchronized",
        words="statistics are synchronized though nobody asks for it",
        cause="semantics",
        stage="batch statistics",
        tensor="norm/*",
        strategies=APART,
    ),
    Fault(
        name="gradients-summed",
        words="gradients are summed over replicas, not averaged",
        cause="gradients-summed",
        stage="gradient",
        scenario=SGD,
        strategies=APART,
    ),
    Fault(
        name="gradients-first",
        words="every replica applies the first one's gradients",
        cause="gradients-unreduced",
        stage="gradient",
        strategies=APART,
    ),
    Fault(
        name="gradients-unreduced",
        words="every replica applies its own gradients",
        cause="gradients-unreduced",
        stage="gradient",
        strategies=("torch_ddp",),
    ),
    Fault(
        name="gradients-local",
        words="replicas average all gradients but one",
        cause="gradients-local",
        stage="gradient",
        strategies=("torch_ddp",),
    ),
    Fault(
        name="gradients-uneven",
        words="the first replica's gradients count three times as much as the second's",
        stage="gradient",
        strategies=APART,
    ),
    Fault(
        name="clipping-per-replica",
        words="gradients are clipped on each replica before they are averaged",
        cause="clipping-per-replica",
        stage="gradient",
        scenario=CLIP,
        strategies=("torch_ddp",),
    ),
)

ROWS = (
    Fault(
        name="shard-repeated",
        words="every replica trains on the first one's rows",
        cause="shard-repeated",
        stage="forward",
        strategies=SEVERAL,
    ),
    Fault(
        name="shards-strided",
        words="replicas take every second row, not contiguous shards",
        cause="shards-strided",
        stage="forward",
        strategies=APART,
    ),
    Fault(
        name="rows-reversed",
        words="rows come in reversed order in each batch, so that replicas swap their shards",
        cause="rows-reversed",
        stage="forward",
        strategies=APART,
    ),
    Fault(name="batch-order", words="the first two batches are swapped", cause="batch-order", stage="trajectory"),
    Fault(name="batch-repeated", words="the first batch is trained on twice", cause="batch-repeated", stage="trajectory"),
    Fault(name="batch-dropped", words="the last batch is dropped", cause="batch-dropped", stage="trajectory"),
    Fault(name="labels-shifted", words="targets are one row late", stage="loss"),
)

LOSSES = (
    Fault(
        name="loss-summed",
        words="the loss is the sum over rows, not their mean",
        cause="gradient-scale",
        stage="loss",
        scenario=SGD,
    ),
    Fault(
        name="loss-times-replicas",
        words="the loss is multiplied by the number of replicas",
        cause="gradient-scale",
        stage="loss",
        scenario=SGD,
        strategies=SEVERAL,
    ),
    Fault(
        name="loss-from-logits",
        words="probabilities near 0 and 1 are not clipped in the loss",
        cause="loss-from-logits",
        stage="loss",
        scenario=CONFIDENT,
        strategies=("jax_data_parallel", "torch_ddp"),
    ),
    Fault(name="label-smoothing", words="labels are smoothed by 1/32", stage="loss"),
    Fault(
        name="loss-over-global-batch",
        words="replicas' masked losses count by their real steps, not alike",
        cause="semantics",
        stage="loss",
        scenario=SEQUENCE,
        strategies=APART,
    ),
    Fault(
        name="loss-mean-of-means",
        words="JAX averages the devices' masked means",
        cause="semantics",
        stage="loss",
        scenario=SEQUENCE,
        strategies=("jax_data_parallel",),
    ),
    Fault(
        name="regularization-forgotten",
        words="penalties are not in the loss",
        cause="regularization-scale",
        stage="loss",
    ),
    Fault(
        name="regularization-twice",
        words="penalties are in the loss twice",
        cause="regularization-scale",
        stage="loss",
    ),
    Fault(
        name="gradient-scaled",
        words="every gradient is 1/64 larger",
        cause="gradient-scale",
        stage="gradient",
        scenario=SGD,
    ),
    Fault(
        name="gradient-of-one-tensor",
        words="the gradient of one kernel is 1/16 larger",
        stage="gradient",
        tensor="hidden/kernel",
    ),
)

UPDATES = (
    Fault(name="learning-rate", words="Adam's learning rate is 1/1024 larger", cause="learning-rate", stage="update"),
    Fault(
        name="learning-rate-of-momentum",
        words="the learning rate of SGD with momentum is 1/1024 larger",
        cause="learning-rate",
        stage="update",
        scenario=SGD,
    ),
    Fault(
        name="schedule-offset",
        words="the schedule is one step ahead",
        cause="schedule-offset",
        stage="update",
        scenario=SGD,
    ),
    Fault(name="adam-epsilon", words="Adam's epsilon is eight times smaller", cause="adam-epsilon", stage="update"),
    Fault(name="adam-beta-2", words="Adam forgets squared gradients eight times faster", stage="update"),
    Fault(
        name="adam-bias-correction",
        words="Adam does not correct the bias of its moments",
        cause="adam-bias-correction",
        stage="update",
    ),
    Fault(name="nesterov", words="momentum is Nesterov's", stage="update", scenario=SGD),
    Fault(
        name="slots-forgotten",
        words="the optimizer forgets its momentum between steps",
        cause="slots-forgotten",
        stage="update",
        scenario=SGD,
    ),
    Fault(
        name="weight-decay-twice",
        words="weight decay is twice what was asked for",
        cause="weight-decay-scale",
        stage="update",
        scenario=SGD,
    ),
    Fault(
        name="weight-decay-missing",
        words="weight decay is not applied",
        cause="weight-decay-scale",
        stage="update",
        scenario=SGD,
    ),
    Fault(
        name="clipping-missing",
        words="gradients are not clipped",
        cause="clipping-missing",
        stage="update",
        scenario=CLIP,
        strategies=("single", "jax_data_parallel", "torch_ddp"),
    ),
    Fault(
        name="gamma-untrained",
        words="gamma is never updated",
        cause="tensor-untrained",
        stage="update",
        tensor="norm/gamma",
    ),
    Fault(
        name="output-bias-untrained",
        words="the last layer's bias is never updated",
        cause="tensor-untrained",
        stage="update",
        tensor="output/bias",
    ),
)

LAYERS = (
    Fault(
        name="dtype-demoted",
        words="one layer's output passes through the next lower precision",
        cause="dtype-demoted",
        stage="forward",
        tensor="hidden",
    ),
    Fault(
        name="padding-off-by-one",
        words="a convolution sees its input one row off",
        stage="forward",
        tensor="conv",
        scenario=CNN,
    ),
    Fault(name="bias-twice", words="one layer adds its bias twice", stage="forward", tensor="middle"),
    Fault(name="activation-leaky", words="ReLU lets 1/64 of negative values through", stage="forward", tensor="hidden"),
    Fault(
        name="dropout-in-prediction",
        words="dropout is active in predict",
        stage="prediction",
        scenario="dropout-bn",
    ),
    Fault(name="predictions-reversed", words="predict returns its rows in reversed order", stage="prediction"),
)

STATE = (
    Fault(
        name="initial-tensor-wrong",
        words="one kernel starts with its rows in reversed order",
        cause="initial-state",
        stage="initial state",
        tensor="middle/kernel",
    ),
    Fault(
        name="initial-tensor-zero",
        words="one kernel starts at zero",
        cause="initial-state",
        stage="initial state",
        tensor="middle/kernel",
    ),
    Fault(
        name="save-swapped",
        words="the file holds two layers' weights swapped",
        cause="save-swapped",
        stage="save",
        tensor="[mi][in][dn]*",
    ),
    Fault(
        name="variance-not-saved",
        words="the file holds the initial moving variance",
        cause=Code.NOT_SAVED,
        stage="save",
        tensor="norm/moving_variance",
    ),
    Fault(name="save-stale", words="the file holds the weights of half the training", cause="save-stale", stage="save"),
    Fault(
        name="save-last-replica",
        words="the file holds the last replica's moving statistics",
        cause="save-wrong-replica",
        stage="save",
        tensor="norm/*",
        strategies=APART,
    ),
    Fault(
        name="slots-not-saved",
        words="the file holds no optimizer slots",
        cause="slots-not-saved",
        stage="save",
        tensor="*/[mv]*",
    ),
)

# Faults of one named layer, for models drawn at random.
ONE_LAYER = tuple(
    Fault(name=name, words=words, stage=stage, scenario="")
    for name, words, stage in (
        ("layer-constant", "a constant of one layer is another one: epsilon, a slope, a rate, a scale", "forward"),
        ("bias-skipped", "one layer does not add its bias", "forward"),
        ("bias-again", "one layer adds its bias once more, after its activation", "forward"),
        ("kernel-transposed", "a square kernel has its rows and columns swapped", "forward"),
        ("kernel-flipped", "a convolution reads its window from the end", "forward"),
        ("input-shifted", "one layer sees its input one place off", "forward"),
        ("sequence-reversed", "a recurrent layer reads its sequence from the end", "forward"),
        ("axis-swapped", "one layer normalizes along the first axis after the rows, not the last", "forward"),
        ("gradient-cut", "one layer passes no gradient on to those before it", "gradient"),
        ("sum-averaged", "an addition of two inputs is divided by two", "forward"),
        ("token-off-by-one", "each token gets the embedding of the next one", "forward"),
        ("pooling-largest", "the largest in a window is taken, not the average", "forward"),
    )
)

FAULTS: tuple[Fault, ...] = (*BATCH_NORM, *REPLICAS, *ROWS, *LOSSES, *UPDATES, *LAYERS, *STATE)
BY_NAME = {fault.name: fault for fault in (*FAULTS, *ONE_LAYER)}

# Injected in the same way, and no faults: nothing may be said of them.
VARIANTS: tuple[Fault, ...] = (
    Fault(name="variant-layer", words="another class computes the same batch normalization", stage=""),
    Fault(name="variant-functional", words="the same layers in a functional model", stage="", strategies=("single",)),
    Fault(name="variant-threads", words="two threads", stage="", strategies=("single", "torch_ddp")),
)
