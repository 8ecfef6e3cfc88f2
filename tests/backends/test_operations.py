"""Functions of `keras.ops` on the real backends, against their definitions: a wrong definition would be a false alarm on all
of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from suite.engine import provision
from suite.explain import definitions
from suite.plan.environments import environments
from suite.plan.locations import ROOT
from suite.records import OPERATION, RecordedCall
from suite.referee.defects.matching import known
from suite.referee.defects.records import Sighting
from suite.referee.layers import operations
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

SCRIPT = Path(__file__).parent / "steps" / "operations_of_one_backend.py"
WITHOUT_GRADIENT = ("floor_divide", "slice_update")  # on PyTorch, and on TensorFlow
Arrays = dict[str, dict[str, np.ndarray]]


def recorded(backend: str, file: Path) -> list[tuple[RecordedCall, Arrays]]:
    ready = provision.provision(environments(), folder=ROOT / ".environments", device="cpu")[backend]
    variables = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    counts = {name: len(rule.given) for name, rule in operations.RULES.items()}
    command = [ready.python, str(SCRIPT), str(file)]
    subprocess.run(command, env=variables, input=json.dumps(counts), text=True, check=True)
    calls: dict[str, RecordedCall] = {}
    arrays: dict[str, Arrays] = {}
    with np.load(file) as found:
        for key, value in found.items():
            name, what, *place = key.split("|")
            if what == "arguments":
                of = name.partition("#")[0]
                calls[name] = RecordedCall(state="0", kind=OPERATION, name=name, of=of, arguments=str(value))
            elif what == "reason":
                assert str(value) == "" or name.startswith(WITHOUT_GRADIENT), name
            else:
                arrays.setdefault(name, {}).setdefault(what, {})[place[0]] = value
    return [(call, arrays[name]) for name, call in calls.items()]


@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_every_operation_is_its_definition_but_for_known_defects(backend: str, tmp_path: Path) -> None:
    calls = recorded(backend, tmp_path / "calls.npz")
    assert {call.of for call, _ in calls} == operations.RULES.keys()
    off = {}
    for call, arrays in calls:
        measured, _ = definitions._measured(call, arrays)
        for one in definitions._departures(backend, call, measured):
            sighting = Sighting(
                kind=OPERATION, name=call.of, backend=backend, stage=one.stage, config=json.loads(call.arguments)
            )
            if not one.narrow and known(sighting) is None:
                off[call.name] = (one.stage, one.size)
    assert off == {}
