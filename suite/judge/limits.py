"""Every number that decides, with the reason why it is that number. Reports print them."""

from __future__ import annotations

from suite.compare.run_folder import LINEAR
from suite.judge.equivalence import ENVELOPE_FACTOR, OTHER_SEMANTICS, SAME_SEMANTICS
from suite.records import JUDGED_STEP, Limit

NOISE_FACTOR = 3.0
UNSTABLE_RATIO = 10.0
UNSTABLE_FLOORS = 100.0
UNSTABLE_STATES = 2
UNSTABLE_BELOW = 0.2
# What the forward pass computes, and the rounding of equal kernels there. Later stages say nothing of kernels: Adam
# turns the rounding of a nearly zero gradient into a full step, and a gradient's tensors can be nearly zero themselves.
STEP_FLOORS = {"forward": 5e-7, "batch statistics": 3e-7, "loss": 2e-7}
AMPLIFIED = 100.0
COMPOSED = 2.0
STEP_ENVELOPES = 100.0
NEARLY = 10.0
EXPLAINED = 10.0
UNMEASURED = 0.05
FAR_BEYOND = 1e4

LIMITS = (
    Limit(
        name="the parts of a difference explain the whole up to this many times their sum",
        value=COMPOSED,
        reason="distances obey the triangle inequality up to their denominators, which are norms of nearly equal models",
    ),
    Limit(
        name="float64 runs are equal below",
        value=SAME_SEMANTICS,
        reason="float64 runs with equal semantics stayed below 8e-12 over 200 steps, between any two backends",
    ),
    Limit(
        name="float64 runs compute different things from",
        value=OTHER_SEMANTICS,
        reason="injected semantic faults showed at least 6e-6 after one step; between the two it is a constant",
    ),
    Limit(
        name="the float64 probe of an environment is passed up to",
        value=LINEAR,
        reason="its response to a change of 1e-10 is 1e-5 from linear in float64, and at least 1 where anything "
        "rounds to float32",
    ),
    Limit(
        name="rounding is up to this many envelopes",
        value=ENVELOPE_FACTOR,
        reason="no false alarm in 672 float32 comparisons; the largest ratio was 1.49",
    ),
    Limit(
        name="free runs are judged up to step",
        value=JUDGED_STEP,
        reason="later, one flipped ReLU decides how far two runs are apart",
    ),
    Limit(
        name="noise is up to this many repeat differences",
        value=NOISE_FACTOR,
        reason="the largest of a few repeats underestimates the largest of many",
    ),
    Limit(
        name="a kernel is unstable when a float32 step of its side is this many times farther from float64",
        value=UNSTABLE_RATIO,
        reason="rounding of equal kernels differs by less than a decade (1.7 times in steps of mobilenet-v2)",
    ),
    Limit(
        name="where no single float32 step is far from float64, rounding is up to this many envelopes",
        value=NEARLY,
        reason="constants that a backend rounds, and what is computed row by row, are the same in every rerun: up to 7.3 "
        "envelopes of the loss in a model whose steps are alike",
    ),
    Limit(
        name="without float64 runs, single float32 steps of two sides differ from this many floors",
        value=STEP_ENVELOPES,
        reason="equal kernels of deep models came to 10 floors; the smallest injected fault of a forward pass to 200",
    ),
    Limit(
        name="without float64 runs, what no rerun measures differs from this share of itself",
        value=UNMEASURED,
        reason="a prediction that rounding moves across a limit is one row of many; chosen, not measured",
    ),
    Limit(
        name="and if that is so many times farther than what it is computed from",
        value=FAR_BEYOND,
        reason="where predictions themselves are as far apart, a metric may follow them; chosen, not measured",
    ),
    Limit(
        name="operands of products are rounded where the definition with rounded operands is this many times nearer",
        value=EXPLAINED,
        reason="rounded operands leave float32 rounding of the sums: 1e-7, where TF32 moves a layer's output by 2e-4",
    ),
    Limit(
        name="rounding is called amplified from this many times its size at the judged step",
        value=AMPLIFIED,
        reason="one flipped ReLU multiplies it by 1000 at once; smooth growth does not reach 100",
    ),
    Limit(
        name="and farther than this many floors",
        value=UNSTABLE_FLOORS,
        reason="below, either side may be the farther one by chance",
    ),
    Limit(
        name="and so from at least this many common states",
        value=UNSTABLE_STATES,
        reason="one state may be an accident of its numbers; a kernel that is unstable only later shows in the "
        "later states alone",
    ),
    Limit(
        name="and, but for the statistics of a batch, where its outputs are off by less than this share of themselves",
        value=UNSTABLE_BELOW,
        reason="what is as different as that was not rounded: an optimizer skipped the step, or a layer drew another number",
    ),
)
