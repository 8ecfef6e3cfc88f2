"""How long `parity check` takes for MobileNetV2, and how much it leaves on disk: python benchmarks/check_file.py FOLDER

MobileNetV2 has random weights and moving statistics of its own. The environments must be made already. Prints seconds,
processor seconds of all processes, and bytes on disk in multiples of the file."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from suite.commands import main as parity
from suite.engine import provision
from suite.plan.environments import environments
from suite.plan.locations import ROOT, environments_folder

MAKE = """
import sys
import keras, numpy as np

model, random = keras.applications.MobileNetV2(weights=None), np.random.default_rng(0)
for layer in model.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.moving_mean.assign(random.normal(0.0, 0.1, layer.moving_mean.shape))
        layer.moving_variance.assign(random.uniform(0.5, 1.5, layer.moving_variance.shape))
model.save(sys.argv[1])
"""


def main(folder: Path) -> int:
    """The exit code of the check."""
    folder.mkdir(parents=True, exist_ok=True)
    file, run = folder / "mobilenet.keras", folder / "run"
    if not file.exists():
        python = provision.provision(environments(), folder=environments_folder(), device="cpu")["torch"].python
        variables = {**os.environ, "KERAS_BACKEND": "torch"}
        subprocess.run([python, "-c", MAKE, str(file)], env=variables, cwd=ROOT, check=True)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    code = parity(["check", str(file), "--device", "cpu", "--out", str(run), "--rerun", "all"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    left = sum(one.stat().st_size for one in run.rglob("*") if one.is_file())
    print(f"{time.monotonic() - began:.1f} s on {os.cpu_count()} processors with a load of {os.getloadavg()[0]:.1f}")
    print(f"{processor:.1f} s of processor time in workers")
    print(f"{left / file.stat().st_size:.2f} times the file on disk, beside it")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
