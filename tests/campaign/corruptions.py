"""Corruptions of a finished run folder: every one is read, and judged where reading does not say that it is damaged.

Reading takes milliseconds and judging half a second. A corruption that the readers refuse makes its artifact missing, of
whatever kind it is. So of these, the first of each kind in each place is judged, and then one in `SHARE`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.commands import main
from suite.records import BUG, DamagedArtifact, Manifest, ParityError, Plan, Session
from tests.campaign import ground as grounds
from tests.campaign.damage import COSTLY, KINDS, Folder
from tests.campaign.ground import Ground
from tests.campaign.limits import limited

SHARE = 400
FORGED_SHARE = 8  # of those that were sealed again: only how they are judged shows whether something crashes
OFTEN = 5  # how much more often what takes milliseconds is drawn than what must be judged
FORGED = "forged with its seal"  # which nothing can tell: docs/security.md
Read = tuple[Manifest, dict[str, dict[str, np.ndarray]]]


@dataclass(frozen=True, kw_only=True)
class Clean:
    """What a run folder says before anything happens to it."""

    ground: Ground
    plan: Plan
    session: Session
    artifacts: dict[str, Read]


def _read(root: Path, place: str) -> Read:
    """Everything that an artifact holds. Raises DamagedArtifact."""
    artifact = Artifact(root, place)
    manifest = artifact.manifest()
    if manifest is None:
        raise DamagedArtifact(artifact.unreadable() or f"{place} is not there")
    if damage := artifact.damage(manifest):
        raise DamagedArtifact(damage)
    parts = [file.removesuffix(names.file_of("")) for file in manifest.files if file.endswith(names.file_of(""))]
    return manifest, {part: {name: np.array(one) for name, one in artifact.arrays(part).items()} for part in parts}


def _same(first: Read, second: Read) -> bool:
    if first[0] != second[0] or first[1].keys() != second[1].keys():
        return False
    return all(_equal(first[1][part], second[1][part]) for part in first[1])


def _equal(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype
        and first[name].shape == second[name].shape
        and first[name].tobytes() == second[name].tobytes()
        for name in first
    )


def _refused(clean: Clean, root: Path, touched: list[str]) -> bool:
    """Whether what was touched is refused, or reads as it was; False if it reads as something else."""
    if not touched[0].startswith((names.INPUTS, names.PROBES, names.RUNS)):
        store = Store(root)
        try:
            plan = store.read_plan()
            return bool(plan == clean.plan and store.read_session(plan) == clean.session)
        except DamagedArtifact:
            return True
    below = [place for place in clean.artifacts if any(f"{place}/".startswith(f"{name}/") for name in touched)]
    around = [place for place in clean.artifacts if any(name.startswith(f"{place}/") for name in touched)]
    return all(_refused_or_same(clean, root, place) for place in dict.fromkeys([*below, *around]))


def _refused_or_same(clean: Clean, root: Path, place: str) -> bool:
    try:
        return _same(clean.artifacts[place], _read(root, place))
    except DamagedArtifact:
        return True


def _judged(clean: Clean, root: Path, *, believed: bool) -> list[str]:
    """What is wrong with how the folder is judged. `believed`: its verdicts may be what somebody forged."""
    try:
        results = grounds.judged(root)
    except ParityError as error:
        return [] if error.exit_code == 2 else [f"it ends with {error.exit_code}: {error}"]
    if believed:
        return []
    return grounds.changed(clean.ground.verdicts, grounds.verdicts(results), results.exit_code, clean.ground.code)


def _reported(root: Path) -> list[str]:
    code = main(["report", "--out", str(root)])
    return [f"`parity report` ends with {code}"] if code == BUG else []


class _Attack:
    """Corruptions of copies of some grounds, one after the other."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.drawing = random.Random(seed)
        self.judged: set[tuple[str, ...]] = set()
        self._folder = folder
        self._prepared: dict[str, tuple[Clean, Folder]] = {}

    def prepared(self, kind: str) -> tuple[Clean, Folder]:
        if kind not in self._prepared:
            ground = grounds.ground(self._folder / "grounds", kind)
            other = grounds.ground(self._folder / "others", kind, steps="4")
            copy, outside = self._folder / "copies" / kind, self._folder / "outside" / kind
            shutil.copytree(ground.run, copy)
            outside.mkdir(parents=True)
            store = Store(copy)
            plan = store.read_plan()
            folder = Folder(copy, other.run, outside)
            artifacts = {place: _read(copy, place) for place in folder.artifacts}
            clean = Clean(ground=ground, plan=plan, session=store.read_session(plan), artifacts=artifacts)
            self._prepared[kind] = clean, folder
        return self._prepared[kind]

    def attack(self, kind: str, damage: str) -> tuple[str, list[str]]:
        """What was damaged, and what went wrong."""
        clean, folder = self.prepared(kind)
        touched = KINDS[damage](self.drawing, folder)
        try:
            with limited():
                wrong = self._seen(clean, folder, damage, touched)
        except Exception as error:  # whatever it is, it is what the campaign looks for
            wrong = [f"{type(error).__name__}: {error}"]
        folder.mend(*touched)
        return f"{kind}, {damage}, {touched}", wrong

    def _seen(self, clean: Clean, folder: Folder, damage: str, touched: list[str]) -> list[str]:
        refused, share = _refused(clean, folder.root, touched), SHARE
        if damage == FORGED:
            refused, share = True, FORGED_SHARE
        key = (damage, *touched[0].split("/")[:1], touched[0].rpartition("/")[2])
        if refused and key in self.judged and self.drawing.random() * share > 1:
            return []
        self.judged.add(key)
        wrong = _judged(clean, folder.root, believed=damage == FORGED)
        return wrong + (_reported(folder.root) if self.drawing.random() < 0.02 else [])


def campaign(folder: Path, seed: int, count: int) -> Iterator[tuple[str, str, list[str]]]:
    """The kind of each corruption, what it was, and what went wrong."""
    attack = _Attack(folder, seed)
    for _ in range(count):
        damage = attack.drawing.choices(list(KINDS), [1 if kind in COSTLY else OFTEN for kind in KINDS])[0]
        what, wrong = attack.attack(attack.drawing.choice(list(grounds.KINDS)), damage)
        yield damage, what, wrong
