"""What a finding says of a cause: the claim, the experiment behind it, and the advice."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT64_RUNS = "the float64 runs of both sides also differ, so the difference is not rounding"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a finding says of its causes."""

    claim: str
    experiment: str
    advice: str = ""
    link: str = ""


def verb(what: str, singular: str, plural: str) -> str:
    """The form that agrees with a counted noun: "1 pair" or "8 pairs"."""
    return singular if what.startswith("1 ") and " and " not in what else plural
