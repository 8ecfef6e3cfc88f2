"""What no definition of a layer covers: weights that are not what the layer's formula says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.referee.definition import Undefined


def refuse_other_weights(config: Mapping[str, Any]) -> None:
    """Refuses adapted and quantized weights.

    Raises:
        Undefined: the layer has low-rank adapters (LoRA), or quantized weights.
    """
    if config.get("lora_rank"):
        raise Undefined("it has low-rank adapters (LoRA), which no definition covers")
    if config.get("quantization_config") or "Quantized" in str(config.get("dtype")) or "_from_" in str(config.get("dtype")):
        raise Undefined("it has quantized weights, which no definition covers")
