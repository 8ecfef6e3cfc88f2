"""A run folder: its artifacts, its plan, its session and its lock. What is called how is in `suite.artifacts.names`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from suite.artifacts import names, places, reading, validation
from suite.artifacts.artifact import Artifact, Parts
from suite.records import DamagedArtifact, FolderInUse, Job, Plan, Run, Session


class Store:
    """A run folder."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._artifacts: dict[str, Artifact] = {}
        self._parts = Parts()

    def _artifact(self, *parts: str) -> Artifact:
        """Always the same object for one place, so that no file is opened or hashed twice."""
        place = "/".join(parts)
        if place not in self._artifacts:
            self._artifacts[place] = Artifact(self.folder, place, self._parts)
        return self._artifacts[place]

    def inputs(self, scenario: str) -> Artifact:
        """Arrays "data" (x/<input>, y, predict/<input>) and "initial" (variable path -> float32 array)."""
        return self._artifact(names.INPUTS, scenario)

    def probe(self, environment: str) -> Artifact:
        return self._artifact(names.PROBES, environment)

    def run(self, run: Run | str) -> Artifact:
        return self._artifact(names.RUNS, run if isinstance(run, str) else run.id)

    def zoo(self, environment: str, precision: str, chunk: str) -> Artifact:
        """Some cases of the zoo, run together."""
        return self._artifact(names.ZOO, environment, precision, chunk)

    def file(self, environment: str, precision: str, question: str) -> Artifact:
        """What an environment recorded of a saved model."""
        return self._artifact(names.FILES, environment, precision, question)

    def around(self, run: Run, environments: Iterable[str]) -> list[Artifact]:
        """Of a run its own artifact, and of a plain one what was loaded from its files in these environments."""
        loaded = [self.reload(run, name, form) for name in environments for form in names.FORMS]
        return [self.run(run), *(loaded if run.variation == "plain" else ())]

    def reload(self, run: Run | str, environment: str, form: str) -> Artifact:
        saved = run if isinstance(run, str) else run.id
        return self._artifact(names.RUNS, saved, names.RELOAD, environment, form)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A folder that is gone afterwards; if this process dies, when the next command begins."""
        folder = self.folder / names.TEMPORARY
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as made:
            yield Path(made)

    def made_by(self, job: Job) -> list[Artifact]:
        """The artifacts that a job makes."""
        if job.kind == "probe":
            return [self.probe(job.environment.name)]
        if job.kind == "prepare":
            return [self.inputs(job.scenario)]
        if job.kind == "zoo":
            return [self.zoo(job.environment.name, job.precision, job.chunk)]
        if job.file is not None:
            return [self.file(job.environment.name, job.precision, job.file.key)]
        if job.kind == "reload":
            return [self.reload(run, job.environment.name, form) for run in job.runs for form in names.FORMS]
        return [self.run(run) for run in job.runs]

    def read_by(self, job: Job) -> list[Artifact]:
        """The artifacts that a job reads."""
        read = [self.inputs(job.scenario)] if job.scenario and job.kind != "prepare" else []
        if job.trajectory:
            read.append(self.run(job.trajectory))
        if job.kind == "reload":
            read += [self.run(run) for run in job.runs]
        starts = [run.emulates.deviation.initial for run in job.runs if run.emulates is not None]
        return read + [self.run(start) for start in dict.fromkeys(starts) if start != "stored"]

    def write_plan(self, plan: Plan) -> None:
        places.write(self.folder / names.PLAN, reading.sealed(plan))

    @property
    def is_run_folder(self) -> bool:
        """Whether a command has planned something here."""
        return os.path.lexists(self.folder / names.PLAN)

    def read_plan(self) -> Plan:
        """Raises DamagedArtifact if there is none, or if it cannot be believed."""
        path = self.folder / names.PLAN
        plan = reading.unsealed(path, Plan)
        if wrong := validation.wrong_in_plan(plan):
            raise DamagedArtifact(f"{path} is no plan of this suite ({wrong}); delete it and run again")
        return plan

    def write_session(self, session: Session, plan: Plan) -> None:
        """`plan`: the one that it is of."""
        places.write(self.folder / names.SESSION, reading.sealed(replace(session, plan=reading.seal(plan))))

    def read_session(self, plan: Plan) -> Session:
        """Raises DamagedArtifact if there is none, or if it is not of this plan."""
        path = self.folder / names.SESSION
        session = reading.unsealed(path, Session)
        if wrong := validation.wrong_in_session(session, plan, reading.seal(plan)):
            raise DamagedArtifact(f"{path} does not belong to this plan ({wrong}); run the command again")
        return session

    def lock(self) -> Lock:
        return Lock(self.folder / names.LOCK)


class Lock:
    """Keeps a second command out of the same folder while one is at work (an advisory lock: gone with its process)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Makes the folder.

        Raises:
            FolderInUse: another command is at work in it.
        """
        import filelock  # here: the worker imports this module, and its environments lack what only the coordinator needs

        self.path.parent.mkdir(parents=True, exist_ok=True)
        places.vacate(self.path)
        self._lock = filelock.FileLock(self.path)
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise FolderInUse(
                f"{self.path.parent} is in use by another command; wait for it, or choose another folder with --out"
            ) from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()
