"""The comparisons that a campaign attacks, with what each comes to without any fault: small ones of the NumPy backend, and
one of the real backends."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from suite.artifacts.reading import record as read_record
from suite.artifacts.store import Store
from suite.commands import main
from suite.records import Job, Results, Verdict
from suite.report import results_json
from suite.results.study import Study
from tests.conftest import Parity

STEPS = "3"  # of training: enough for every kind of run and check
UNKNOWN = (Verdict.INCONCLUSIVE, Verdict.NOT_RUN)  # what a verdict becomes for want of evidence
Verdicts = Mapping[str, Verdict]  # by the id of a pair or check


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is compared. `environments`: name -> variables; the first one makes data and initial weights. `limit`: seconds
    for a command. `timeout`: seconds for a job, where one is to reach its limit."""

    environments: Mapping[str, Mapping[str, str]]
    devices: str = "1"
    synchronized: bool = True
    real: bool = False
    limit: float = 120.0
    timeout: int = 4


KINDS: Mapping[str, Kind] = {
    "agreeing": Kind(environments={"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}}),
    "different": Kind(environments={"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "swapped"}}),
    "by design": Kind(environments={"fake-a": {}}, devices="1,2", synchronized=False),
}
BACKENDS = ("torch", "jax", "tensorflow")
ON_BACKENDS: Mapping[str, Kind] = {
    "three backends": Kind(environments={name: {} for name in BACKENDS}, real=True, limit=600.0, timeout=60),
    **{
        f"{name} on devices": Kind(environments={name: {}}, devices="1,2", real=True, limit=600.0, timeout=60)
        for name in BACKENDS
    },
}
EVERY_KIND = {**KINDS, **ON_BACKENDS}
REAL_SCENARIO = '''
"""A small network with batch normalization."""
from suite import Data, Scenario


def model():
    import keras

    layers = [keras.Input((8,)), keras.layers.Dense(16, name="hidden"), keras.layers.BatchNormalization(name="norm")]
    return keras.Sequential([*layers, keras.layers.Dense(4, activation="softmax", name="classes")])


def data():
    import numpy as np

    random = np.random.default_rng(7)
    y = random.integers(0, 4, 256).astype(np.int32)
    return Data(x=(random.normal(size=(4, 8))[y] + random.normal(size=(256, 8))).astype(np.float32), y=y)


def optimizer():
    import keras

    return keras.optimizers.SGD(0.1)


SCENARIO = Scenario(
    name="clusters", description="random clusters", model=model, data=data, optimizer=optimizer,
    loss="sparse_categorical_crossentropy", batch=32, steps=25,
)
'''


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A finished comparison. `folder` holds its scenario, its environments and its run folder, `run`."""

    kind: str
    folder: Path
    code: int
    verdicts: Verdicts
    jobs: tuple[str, ...]

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def copy(self, folder: Path, *, finished: bool) -> Path:
        """The same in a new folder: finished, or before anything ran."""
        shutil.copytree(self.folder, folder, ignore=None if finished else shutil.ignore_patterns("run"))
        return folder


def arguments(folder: Path, kind: str, *extra: str, steps: str = STEPS) -> list[str]:
    """The command line that compares in this folder."""
    chosen = EVERY_KIND[kind]
    files = ["--scenario-path", str(folder / "scenarios")]
    files += [] if chosen.real else ["--environments", str(folder / "environments.toml")]
    named = [word for name in chosen.environments for word in ("--environment", name)]
    reference = next(iter(chosen.environments))
    where = ["--reference", reference, "--out", str(folder / "run"), "--devices", chosen.devices, "--steps", steps]
    return ["compare", *files, "--scenario", "clusters", *named, *where, "--jobs", "2", *extra]


def made(folder: Path, kind: str, steps: str = STEPS) -> Ground:
    """Runs the comparison in a new folder."""
    folder.mkdir(parents=True)
    chosen, parity = EVERY_KIND[kind], Parity(folder)
    if chosen.real:
        (folder / "scenarios" / "clusters.py").write_text(REAL_SCENARIO)
    else:
        parity.scenario("clusters", synchronized=chosen.synchronized)
        parity.environments(chosen.environments)
    code = main(arguments(folder, kind, steps=steps))
    jobs = sorted(read_record(file, Job).id for file in (folder / "run" / "jobs").glob("*.json"))
    return Ground(kind=kind, folder=folder, code=code, verdicts=verdicts(written(folder / "run")), jobs=tuple(jobs))


@functools.cache
def ground(folder: Path, kind: str, steps: str = STEPS) -> Ground:
    """Made once for each folder."""
    return made(folder / kind.replace(" ", "-"), kind, steps)


def written(run: Path) -> Results:
    return results_json.read(run / "results.json")


def judged(run: Path) -> Results:
    """The run folder, judged again in this process: as `parity report` does, without writing a report."""
    store = Store(run)
    plan = store.read_plan()
    return Study(store, plan, store.read_session(plan)).results()


def verdicts(results: Results) -> Verdicts:
    return {member.id: member.verdict for member in results.members}


def changed(clean: Verdicts, now: Verdicts, code: int, expected: int) -> list[str]:
    """What must not be, as sentences: a verdict that is not the clean one's without exit code 2, or that is neither that nor
    unknown, or a member that is gone."""
    wrong = [f"{name} is gone" for name in clean.keys() - now.keys()] if code != 2 else []
    if code not in (2, expected):
        wrong.append(f"the exit code is {code}, wanted {expected} or 2")
    for name, verdict in now.items():
        before = clean.get(name)
        if verdict is before:
            continue
        if code != 2:
            wrong.append(f"{name} is {verdict.value}, was {before and before.value}, and the exit code is {code}")
        elif before is not None and verdict not in UNKNOWN:
            wrong.append(f"{name} is {verdict.value}, was {before.value}")
    return wrong
