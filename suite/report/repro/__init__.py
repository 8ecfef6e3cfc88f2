"""Writes a stand-alone script of plain Keras that shows a finding, its arrays, and a text for an upstream bug report."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from suite.artifacts import names, places
from suite.artifacts.rows import PREDICT, WEIGHT, X, Y, count
from suite.artifacts.store import Store
from suite.artifacts.writing import write_text
from suite.plan import batches, discover
from suite.plan.locations import SCENARIOS
from suite.plan.validation import is_name
from suite.records import ConfigurationError, DamagedArtifact, Finding, Results, ScenarioRow, Source, showing
from suite.report.repro import case, script

SCRIPT, ARRAYS, REPORT = "repro.py", "repro.npz", "report.md"
PREDICTED = 256  # rows to predict on: enough for every replica to see its part of several batches


def write(results: Results, run_folder: Path, wanted: str, out: Path | None, folders: Sequence[Path] = ()) -> Path:
    """Writes the three files and returns the script's path. `run_folder` holds the batches and initial weights that
    were used. `folders`: where the scenario may be, beside the built-in ones; a file is executed only if it is there, and is
    the one that ran.

    Raises:
        ConfigurationError: there is no such finding, or it cannot be shown in plain Keras.
    """
    results = showing.clean(results)
    store = Store(run_folder)
    finding, scenario = case.find(results, wanted)
    chosen = case.choose(results, finding, scenario, _sizes(store, results), _steps(store, results, finding))
    name = chosen.member.scenario
    row = next((row for row in results.scenarios if row.name == name), None)
    if row is None:
        raise ConfigurationError(f"results.json does not say where the scenario {name[:80]!r} is from: was it edited?")
    module = _module(row, folders)
    found = discover.load_scenario(Source(kind="file", location=str(module)))
    inputs = _inputs(store, name)
    planned = batches.schedule(found, count(inputs.data), results.plan.options.steps)
    if planned.uneven == 0:
        raise ConfigurationError(f"{name} has no full batch, and a script shows full batches only: lower its batch")
    chosen = replace(chosen, steps=min(chosen.steps, planned.uneven or chosen.steps))
    try:
        arrays = _arrays(inputs, found.batch, np.concatenate(planned.batches[: chosen.steps]))
    except (LookupError, ValueError) as error:
        raise ConfigurationError(
            f"the batches and weights of {name} are not those of its runs ({error}): run it again"
        ) from None
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
    folder = out or Path("repro") / _name(finding.fingerprint or name)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    places.write(folder / ARRAYS, packed.getvalue())
    write_text(folder / SCRIPT, written.script)
    write_text(folder / REPORT, written.report)
    return folder / SCRIPT


def _name(name: str) -> str:
    """The same, if it is the name of one folder."""
    if not is_name(name):
        raise ConfigurationError(f"the finding is called {name[:80]!r}, which is no name of a folder: give one with --out")
    return name


def _module(row: ScenarioRow, folders: Sequence[Path]) -> Path:
    """The file that defines a scenario. A results.json may name any file: it is looked for by its name, in the folders of
    scenarios only, and must be the one that ran.

    Raises:
        ConfigurationError: it is in none of them, or differs.
    """
    name = PurePath(row.source.replace("\\", "/")).name
    places_of_it = (
        [folder / name for folder in (SCENARIOS, SCENARIOS / "selftest", *folders)] if name.endswith(".py") else []
    )
    there = [path.resolve() for path in places_of_it if path.is_file()]
    for path in there:
        if discover.digest_of(Source(kind="file", location=str(path))) == row.digest:
            return path
    if there:
        raise ConfigurationError(
            f"{there[0]} is not the scenario that ran (its sha256 differs): give the folder of that with --scenario-path, "
            "or run the comparison again"
        )
    raise ConfigurationError(
        f"{row.source} is in no folder of scenarios here: give its folder with --scenario-path, where it is a file as it ran"
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


def _steps(store: Store, results: Results, finding: Finding) -> dict[str, int]:
    """Scenario of the finding -> the steps that a script may show: of epochs, those before the first batch that is not
    full."""
    asked = results.plan.options.steps
    found = {row.name: asked or row.steps for row in results.scenarios}
    shown = {member.scenario for member in finding.members}
    for row in results.scenarios:
        if row.epochs and row.name in shown:
            whole, rest = divmod(count(_inputs(store, row.name).data), row.batch)
            steps = whole if rest else whole * row.epochs
            found[row.name] = min(asked or steps, steps)
    return found


def _arrays(inputs: script.Inputs, batch: int, order: np.ndarray) -> dict[str, np.ndarray]:
    """The rows in the order of training, some to predict on, and the initial weights in the model's order."""
    total = count(inputs.data, PREDICT)
    shown = max(batch, min(total, PREDICTED)) // batch * batch
    taken = {X: order, Y: order, WEIGHT: order, PREDICT: np.arange(shown)}  # nothing is validated or evaluated
    parts = {name: name.partition("/")[0] for name in inputs.data}
    arrays = {name: np.asarray(inputs.data[name][taken[part]]) for name, part in parts.items() if part in taken}
    return arrays | {
        f"start {index:03} {name}": np.asarray(inputs.initial[name])
        for index, name in enumerate(script.weights(inputs.manifest))
    }
