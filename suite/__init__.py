"""Do Keras models with batch normalization give the same results on every backend, on one device and on many?

What the author of a scenario uses is `Scenario`, `Phase` and `Data`; everything else is private to the suite.
"""

from __future__ import annotations

from suite.records import Data, Phase, Scenario

__all__ = ["Data", "Phase", "Scenario"]
