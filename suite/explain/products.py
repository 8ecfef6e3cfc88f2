"""Do products of float32 numbers round their operands? TF32 keeps 10 bits of the fraction, bfloat16 7; float32 has 23.

Two experiments show it. One recorded call of a layer, on the inputs that it gets in a float32 training step, equals its
definition with rounded operands, and not its definition. Or, where the layer's algorithm transforms its operands first: the
same environment with the precision "exact" is as near to float64 as float32 rounds, and this one is not.

TF32: NVIDIA, "Ampere Architecture In-Depth", 2020. How hardware and libraries round operands is documented nowhere: every
way is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from suite.artifacts.artifact import Artifact, Complete
from suite.compare.run_folder import RunFolder
from suite.explain import definitions, float32_steps, recorded_calls
from suite.explain.backends import Backends
from suite.judge import envelopes, kernels
from suite.judge.limits import EXPLAINED, STEP_FLOORS, UNSTABLE_FLOORS
from suite.plan import variants
from suite.records import (
    DEFAULT,
    EXACT,
    FLOAT32,
    LAYERWISE,
    OPERATION,
    Comparison,
    Configuration,
    DamagedArtifact,
    Environment,
    Place,
    Products,
    Run,
)
from suite.referee import layers
from suite.referee.definition import Call

BITS = {"tf32": 10, "bfloat16": 7}
FRACTION = 23
WAYS = ("nearest, ties to even", "nearest, ties away from zero", "cut")
# Layers that are one product of their input and this weight; the others multiply what they have computed before.
OPERANDS: Mapping[str, str] = dict.fromkeys(
    (
        "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "Conv1DTranspose",
        "Conv2DTranspose", "Conv3DTranspose",
    ),
    "kernel",
)  # fmt: skip
# These multiply what they have computed before: rounded operands move them by more, and emulate none of that. They neither
# show a format nor stand against one, up to a size that no rounding of operands reaches.
SEVERAL = frozenset(
    (
        "MultiHeadAttention", "GroupedQueryAttention", "GroupQueryAttention", "Attention", "AdditiveAttention", "SimpleRNN",
        "LSTM", "GRU", "RNN", "SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells", "ConvLSTM1D", "ConvLSTM2D",
        "ConvLSTM3D", "ConvLSTMCell", "Bidirectional", "TimeDistributed", "SeparableConv1D", "SeparableConv2D",
        "SpectralNormalization", "Dot", "ReversibleEmbedding",
    )
)  # fmt: skip
SEVERAL_AT_MOST = 2.0**-6
FAR = UNSTABLE_FLOORS * STEP_FLOORS["forward"]  # of a call from its definition: more than float32 rounds
BETWEEN = 2.0**-10  # relative: rounded operands of TF32 leave about 2^-12, those of bfloat16 2^-9


class Precision:
    """What is known of the products of every environment. `backends`: by scenario."""

    def __init__(self, folder: RunFolder, backends: Mapping[str, Backends]) -> None:
        self._folder, self._backends = folder, backends
        self._found: dict[tuple[str, str], Products | None] = {}

    def of(self, configuration: Configuration) -> Products | None:
        """Of the configuration's environment, in its scenario; None if nothing shows that operands are rounded."""
        key = configuration.scenario, configuration.environment
        if key not in self._found:
            self._found[key] = self._searched(*key)
        return self._found[key]

    def further(self, pairs: Mapping[tuple[Configuration, Configuration], Comparison | str]) -> list[Run]:
        """The recorded float32 steps that would show it, where float32 steps are far from float64, or where random layers
        have none and the runs are apart."""
        wanted = []
        for sides, found in pairs.items():
            if isinstance(found, str) or found.random_streams:
                continue
            for side, one in enumerate(sides):
                run = self._layerwise(one.scenario, one.environment)
                if run is not None and not self._folder.asked(run) and self._is_far(found, side, one):
                    wanted.append(run)
        return list(dict.fromkeys(wanted))

    def _is_far(self, found: Comparison, side: int, configuration: Configuration) -> bool:
        if found.no_float64:
            return bool(found.apart_in_steps)
        subject = self._folder.subject(configuration)
        if isinstance(subject, str) or not subject.plain[1].random_layers:
            return kernels.is_far(found, side)
        return any(envelopes.beyond(one, kernels.scale(found)) for one in found.distances)

    def _layerwise(self, scenario: str, environment: str) -> Run | None:
        alone = self._backends[scenario].alone.get(environment)
        return Run(configuration=alone, variation=LAYERWISE) if alone else None

    def _searched(self, scenario: str, environment: str) -> Products | None:
        run = self._layerwise(scenario, environment)
        there = self._environment(environment)
        found = None
        if run is not None and self._folder.asked(run):
            found = recorded(self._folder, run)
        found = found or self._by_setting(scenario, there)
        declared = there is not None and there.precision == DEFAULT and there.device == "gpu"
        return replace(found, environment=environment, declared=declared) if found else None

    def _environment(self, name: str) -> Environment | None:
        return next((one.environment for one in self._folder.session.environments if one.environment.name == name), None)

    def _by_setting(self, scenario: str, environment: Environment | None) -> Products | None:
        """The single float32 steps of this environment against those of the same with exact products."""
        if environment is None or environment.precision != DEFAULT:
            return None
        alone = self._backends[scenario].alone
        for one in (ready.environment for ready in self._folder.session.environments):
            if one.precision != EXACT or not variants.differ_in_precision_only(environment, one):
                continue
            if environment.name in alone and one.name in alone:
                return self._set(alone[environment.name], alone[one.name])
        return None

    def _set(self, default: Configuration, exact: Configuration) -> Products | None:
        try:
            steps = float32_steps.errors(self._folder, default, exact)
        except DamagedArtifact:
            return None
        unstable = kernels.unstable(Comparison(distances=(), steps=steps, roundoff=self._roundoff(default)))
        if unstable is None or unstable.side:
            return None
        size, left = unstable.sizes
        return Products(
            format="tf32" if size < BETWEEN else "bfloat16",
            place=unstable.place,
            apart=size,
            left=left,
            by_setting=exact.environment,
        )

    def _roundoff(self, configuration: Configuration) -> float:
        subject = self._folder.subject(configuration)
        return FLOAT32 if isinstance(subject, str) else subject.plain[1].roundoff


def recorded(folder: RunFolder, run: Run) -> Products | None:
    """What the calls of one recorded float32 step show. None if no call is far from its definition, or if one is that
    rounded operands do not explain: then something else is wrong as well."""
    found = folder.further(run)
    if isinstance(found, str) or found[1].roundoff > FLOAT32:
        return None
    artifact, manifest = found
    shown = _shown(artifact.folder, tuple(sorted(manifest.files.items())))
    if not shown or not all(one.format for one in shown):
        return None
    return replace(shown[0], calls=len({one.place.tensor for one in shown}))


@lru_cache(maxsize=64)
def _shown(folder: Path, files: tuple[tuple[str, str], ...]) -> tuple[Products, ...]:
    """What the calls of one artifact show. `files`: what it holds, by digest. Remembered, because definitions are slow."""
    artifact = Artifact(folder)
    manifest = artifact.manifest()
    return tuple(one for one in _measured((artifact, manifest)) if one is not None) if manifest else ()


def _measured(found: Complete) -> Iterator[Products | None]:
    """Every call of a layer that is far from its definition; `format` is empty if rounded operands do not explain it."""
    for call, arrays in recorded_calls.layers(found):
        if call.kind == OPERATION or not call.own or not arrays:
            continue
        try:
            yield _call(recorded_calls.asked(call, arrays), recorded_calls.outputs(arrays), call.name, call.state)
        except Exception:  # a definition that does not cover this call, or fails on it, says nothing of the other calls
            continue


def _call(asked: Call, made: tuple[np.ndarray, ...], name: str, state: str) -> Products | None:
    exact = _distance(made, asked)
    if exact < FAR:
        return None
    if asked.layer in SEVERAL and exact < SEVERAL_AT_MOST:
        return None
    place = Place(stage="forward", tensor=name, state=state, size=exact, ratio=exact / FAR)
    tried = [(_distance(made, one), form) for form, one in _roundings(asked)] if asked.layer in OPERANDS else []
    left, form = min(tried, default=(exact, ""))
    return Products(format=form if left * EXPLAINED <= exact else "", place=place, apart=exact, left=left)


def _distance(made: tuple[np.ndarray, ...], asked: Call) -> float:
    defined = layers.call(asked).outputs
    return max((definitions.apart(one, other) for one, other in zip(made, defined, strict=True)), default=0.0)


def _roundings(asked: Call) -> Iterator[tuple[str, Call]]:
    """The same call with the operands of its product in each format, rounded in each way."""
    kernel = OPERANDS[asked.layer]
    for form, bits in BITS.items():
        for way in WAYS:
            weights = {**asked.weights, kernel: rounded(asked.weights[kernel], bits, way)}
            yield form, replace(asked, inputs=tuple(rounded(one, bits, way) for one in asked.inputs), weights=weights)


def rounded(values: np.ndarray, bits: int, way: str = WAYS[0]) -> np.ndarray:
    """Float32 numbers with so many bits of their fraction, rounded in one of `WAYS`: float64 of the same shape. Numbers that
    are not finite stay."""
    words = np.ascontiguousarray(values, np.float32).view(np.uint32)
    dropped = FRACTION - bits
    half = 1 << (dropped - 1)
    to_even = half - 1 + ((words >> dropped) & 1)
    more = {WAYS[0]: to_even, WAYS[1]: np.full_like(words, half), WAYS[2]: np.zeros_like(words)}[way]
    kept = (np.add(words, more, dtype=np.uint32) >> dropped << dropped).view(np.float32)
    return np.where(np.isfinite(values), kept, values).astype(np.float64)
