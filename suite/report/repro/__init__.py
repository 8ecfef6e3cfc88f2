"""Writes a stand-alone script of plain Keras that shows a finding, its arrays, and a text for an upstream bug report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from suite.artifacts import names
from suite.artifacts.rows import PREDICT, count
from suite.artifacts.store import Store
from suite.plan import discover
from suite.plan.locations import SCENARIOS
from suite.records import ConfigurationError, DamagedArtifact, Results, Source
from suite.report.repro import case, script

SCRIPT, ARRAYS, REPORT = "repro.py", "repro.npz", "report.md"
PREDICTED = 256  # rows to predict on: enough for every replica to see its part of several batches


def write(results: Results, run_folder: Path, wanted: str, out: Path | None) -> Path:
    """Writes the three files and returns the script's path. `run_folder` holds the batches and initial weights that
    were used.

    Raises:
        ConfigurationError: there is no such finding, or it cannot be shown in plain Keras.
    """
    store = Store(run_folder)
    finding, scenario = case.find(results, wanted)
    chosen = case.choose(results, finding, scenario, _sizes(store, results))
    name = chosen.member.scenario
    row = next(row for row in results.scenarios if row.name == name)
    module = _module(row.source)
    found = discover.load_scenario(Source(kind="file", location=str(module)))
    inputs = _inputs(store, name)
    steps, batch = chosen.steps, found.batch
    arrays = _arrays(inputs, steps * batch, batch)
    written = script.render(
        results,
        chosen,
        found,
        module,
        inputs.manifest,
        parts=sorted(arrays),
        predicted=count(arrays, PREDICT),
        files=(SCRIPT, ARRAYS),
    )
    folder = out or Path("repro") / (finding.fingerprint or name)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    (folder / SCRIPT).write_text(written.script, encoding="utf-8")
    (folder / REPORT).write_text(written.report, encoding="utf-8")
    return folder / SCRIPT


def _module(source: str) -> Path:
    """The file that defines a scenario; a built-in one of another checkout is the one here."""
    path = Path(source)
    here = SCENARIOS / path.name
    if path.is_file():
        return path
    if path.parent.name == "scenarios" and here.is_file():
        return here
    raise ConfigurationError(
        f"{source} is not a file here: a script is made from a scenario's file, so run this where that file is"
    )


def _inputs(store: Store, scenario: str) -> script.Inputs:
    artifact = store.inputs(scenario)
    manifest = artifact.manifest()
    try:
        if manifest is None:
            raise DamagedArtifact(f"there is no manifest for {scenario}")
        return script.Inputs(data=artifact.arrays(names.DATA), initial=artifact.arrays(names.initial()), manifest=manifest)
    except DamagedArtifact as error:
        raise ConfigurationError(
            f"{store.folder} does not hold the batches and weights of {scenario} ({error}): "
            "give a results.json in its run folder"
        ) from None


def _sizes(store: Store, results: Results) -> dict[str, int]:
    """Scenario -> how many numbers its model has."""
    manifests = {row.name: store.inputs(row.name).manifest() for row in results.scenarios}
    return {
        name: sum(int(np.prod(tensor.shape)) for tensor in manifest.tensors) if manifest else 2**62
        for name, manifest in manifests.items()
    }


def _arrays(inputs: script.Inputs, rows: int, batch: int) -> dict[str, np.ndarray]:
    """The rows in the order of training, some to predict on, and the initial weights in the model's order."""
    order = np.arange(rows) % count(inputs.data)
    total = count(inputs.data, PREDICT)
    shown = max(batch, min(total, PREDICTED)) // batch * batch
    arrays = {
        key: np.asarray(value[:shown] if key.startswith("predict") else value[order]) for key, value in inputs.data.items()
    }
    return arrays | {
        f"start {index:03} {name}": np.asarray(inputs.initial[name])
        for index, name in enumerate(script.weights(inputs.manifest))
    }
