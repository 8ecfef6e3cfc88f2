"""What can be wrong with the NumPy backend on purpose: an environment chooses by the variable PARITY_FAKE_DEFECT, one name
or several with commas between."""

from __future__ import annotations

import os

from suite.records import EXACT, Environment

DEFECTS = {
    "epsilon": "batch normalization adds a different epsilon",
    "momentum": "moving statistics move at a different rate",
    "bessel": "the moving variance is unbiased",
    "rate": "the learning rate is a thousandth too large",
    "summed": "gradients of replicas are summed, not averaged",
    "unreduced": "the first replica's gradient is used for all",
    "layer": "the last layer's logits are a thousandth too large, in the oracle too: a defect of the backend",
    "averaged": "moving statistics are averaged over replicas",
    "skipped": "moving statistics are not updated",
    "initial": "one initial tensor is different",
    "order": "two batches are swapped",
    "unsaved": "the moving variance is not saved",
    "swapped": "gamma and beta are swapped in the file",
    "loaded": "gamma is doubled in what is loaded",
    "recompiled": "the file is compiled with another learning rate",
    "restarted": "training goes on from a file with half the learning rate",
    "demoted": "float64 is computed in float32",
    "tf32": "float32 products round their operands to 10 bits, unless the environment's precision is exact",
    "bfloat16": "float32 products round their operands to 7 bits, unless the environment's precision is exact",
    "wide": "float32 normalizes with too large a variance, once training has moved the first weights",
    "narrow": "float32 normalizes with too small a variance, once training has moved the first weights",
    "nan": "a weight becomes NaN",
    "noise": "each run rounds differently, at random, unless the environment's kernels are deterministic",
    "raise": "training raises",
    "hang": "training never ends",
    "killed": "the process is killed",
    "unemulated": "the process of the oracle is killed",
    "crash": "the process crashes in the middle of its second run, once",
    "half": "the process ends in the middle of an artifact",
}


def defect(name: str) -> bool:
    """Whether this process has the defect injected."""
    assert name in DEFECTS
    return name in os.environ.get("PARITY_FAKE_DEFECT", "").split(",")


def operand_bits(environment: Environment) -> int:
    """How many bits of their fraction the operands of float32 products keep; 0 for all."""
    if environment.precision == EXACT:
        return 0
    return next((bits for name, bits in (("tf32", 10), ("bfloat16", 7)) if defect(name)), 0)
