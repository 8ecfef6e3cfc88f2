"""Every known defect shows in the pinned environments that have it, and in no other: one that has gone is noticed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from suite.engine import provision
from suite.plan.environments import environments
from suite.plan.locations import ROOT
from suite.referee.defects.matching import affects
from suite.referee.defects.table import DEFECTS
from tests.backends.marks import LONG

pytestmark = LONG

RUNNER = Path(__file__).parent / "steps" / "scripts_of_defects.py"
SCRIPTS = ROOT / "docs" / "defects" / "scripts"


@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_every_script_exits_as_its_defect_says(backend: str, tmp_path: Path) -> None:
    ready = provision.provision(environments(), folder=ROOT / ".environments", device="cpu")[backend]
    file = tmp_path / "codes.json"
    variables = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    scripts = [str(SCRIPTS / f"{name}.py") for defect in DEFECTS for name in defect.scripts]
    subprocess.run([ready.python, "-P", str(RUNNER), str(file), *scripts], env=variables, check=True)
    found = json.loads(file.read_text())
    expected = {name: int(affects(defect, backend, ready.packages)) for defect in DEFECTS for name in defect.scripts}
    wrong = {name: code for name, code in found["codes"].items() if code != expected[name]}
    assert wrong == {}, f"Keras {found['keras']}: 1 where a defect is new here, 0 where it has gone"
