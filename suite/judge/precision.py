"""Products that round their operands: a difference of float32 runs that is no rounding of float32 and no fault."""

from __future__ import annotations

from suite.judge import kernels
from suite.records import Cause, Code, Comparison, Products, Verdict

CODES = {"tf32": Code.TF32_PRODUCTS, "bfloat16": Code.BFLOAT16_PRODUCTS}


def decide(comparison: Comparison, *, beyond: bool) -> tuple[Verdict, tuple[Cause, ...]] | None:
    """Verdict and causes where a side's products explain why float32 runs differ; None where they do not, or none do.

    `beyond`: whether the runs differ by more than measured rounding, or are as far apart as repeats of one side. A side
    whose kernel is unstable without such products is a different matter, and two runs in one environment have the same
    products: these do not tell them apart. It is by design where each such side's environment
    has the default precision, which allows it.
    """
    if comparison.environments[0] == comparison.environments[1] != "":
        return None
    found = [one for one in comparison.products if one is not None]
    unstable = kernels.unstable(comparison)
    explained = comparison.products[unstable.side] is not None if unstable else beyond
    if not found or not explained or comparison.random_streams:
        return None
    if unstable:
        found = [one for one in (comparison.products[unstable.side],) if one is not None]
    verdict = Verdict.BY_DESIGN if all(one.declared for one in found) else Verdict.DIFFERENT
    return verdict, tuple(cause(one) for one in found)


def cause(products: Products) -> Cause:
    """That this environment's products round their operands."""
    setting = (("setting", products.by_setting),) if products.by_setting else ()
    return Cause(
        code=CODES[products.format],
        subject=products.environment,
        detail=setting,
        evidence=(("apart", products.apart), ("left", products.left), ("calls", float(products.calls))),
    )
