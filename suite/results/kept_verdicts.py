"""What was judged of a scenario, kept in the run folder, so that what it was judged by need not be.

Verdicts count as long as nothing has changed that they rest on: the runs that were asked for, what they had to be made from,
what they left, and the code that judges. Then a command with a different scenario judges this one without its large parts.
Otherwise nothing is judged by the parts that are left (`RunFolder`), and `parity compare` makes the others again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec

from suite.artifacts import names, places, reading
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.artifacts.validation import wrong_in_run
from suite.artifacts.writing import digest_of, write_text
from suite.compare.run_folder import RunFolder
from suite.plan.digests import digest_of_code
from suite.records import DamagedArtifact, KeptVerdicts, Manifest, Plan, Results, Session, Status

JUDGING = ("records", "artifacts", "plan", "compare", "judge", "referee", "explain", "results")  # packages that decide
SEAL = 32  # bytes of a sha256


def judged(folder: RunFolder, results: Results, scenario: str) -> KeptVerdicts | None:
    """What was judged of a scenario. None if it could not be read again as it is."""
    kept = KeptVerdicts(
        scenario=scenario,
        digest=_digest(folder, scenario),
        further=tuple(run for run in folder.session.further if run.configuration.scenario == scenario),
        pairs=tuple(one for one in results.pairs if one.scenario == scenario),
        checks=tuple(one for one in results.checks if one.scenario == scenario),
        diagnoses=tuple(one for one in results.diagnoses if one.scenario == scenario),
        quality=tuple(one for one in results.quality if one.scenario == scenario),
    )
    content = _encoded(kept)
    try:
        again = _encoded(msgspec.msgpack.decode(content, type=KeptVerdicts))
    except reading.UNREADABLE:
        return None
    return kept if again == content else None


def keep(store: Store, kept: KeptVerdicts) -> None:
    """Writes it."""
    content = _encoded(kept)
    write_text(store.folder / names.verdicts_of(kept.scenario), hashlib.sha256(content).digest() + content)


def read(store: Store, plan: Plan) -> dict[str, KeptVerdicts]:
    """By scenario of the plan: what was judged, whether it still counts or not."""
    refused = {run for run, _, _ in plan.refused}
    environments = {run.configuration.environment for run in plan.runs if run not in refused}
    found = {}
    for scenario in dict.fromkeys(run.configuration.scenario for run in plan.runs):
        try:
            kept = _read(store, scenario)
        except DamagedArtifact:  # or there is none: then it does not count
            continue
        if all(run.configuration.environment in environments and not wrong_in_run(run) for run in kept.further):
            found[scenario] = kept
    return found


def counting(store: Store, plan: Plan, session: Session) -> dict[str, KeptVerdicts]:
    """By scenario: what was judged, where nothing has changed that it rests on. `session`: with the further runs of what
    `read` gives."""
    found = read(store, plan)
    folder = RunFolder(store, plan, session, found)
    return {
        scenario: kept
        for scenario, kept in found.items()
        if _digest(folder, scenario) == kept.digest and not _damaged(folder, scenario)
    }


def _read(store: Store, scenario: str) -> KeptVerdicts:
    path = places.safe(store.folder, names.verdicts_of(scenario))
    content = places.content(path, limit=reading.RECORD_BYTES)
    seal, content = content[:SEAL], content[SEAL:]
    if hashlib.sha256(content).digest() != seal:
        raise DamagedArtifact(f"{path} was changed after it was written: delete it, and run again")
    try:
        kept = msgspec.msgpack.decode(content, type=KeptVerdicts)
    except reading.UNREADABLE as error:
        raise DamagedArtifact(f"{path} holds no verdicts ({reading.said(error)}): delete it, and run again") from error
    if kept.scenario != scenario or any(run.configuration.scenario != scenario for run in kept.further):
        raise DamagedArtifact(f"{path} is of {kept.scenario[:80]!r}: delete it, and run again")
    return kept


def _encoded(kept: KeptVerdicts) -> bytes:
    """MessagePack, which has infinity and NaN, and every digit. The order of names stays: the report words the worst metric
    first."""
    return msgspec.msgpack.encode(kept, enc_hook=_number)


def _number(value: Any) -> Any:
    """A number of NumPy as one of Python."""
    return value.item()


# ---------------------------------------------------------------- what verdicts rest on


def _digest(folder: RunFolder, scenario: str) -> str:
    """Of everything that the verdicts of a scenario rest on. What was dropped counts by its sha256, as it does while it is
    there."""
    plan, session = folder.plan, folder.session
    runs = [run for run in folder.runs if run.configuration.scenario == scenario]
    seals = {artifact.where: _sealed(artifact.manifest()) for artifact in _artifacts(folder, scenario)}
    declared = {run.configuration.id: session.declared.get(run.configuration.id) for run in runs}
    return digest_of(
        _code(),
        runs,
        [refused for refused in plan.refused if refused[0].configuration.scenario == scenario],
        replace(plan.options, gate=""),
        session.environments,
        [row for row in session.scenarios if row.name == scenario],
        declared,
        {place: session.digests.get(place) for place in seals},
        seals,
    )


@cache
def _code() -> str:
    """Of the code that decides: what only runs, shows or asks may change."""
    return digest_of_code(JUDGING)


def _artifacts(folder: RunFolder, scenario: str) -> Iterator[Artifact]:
    """Everything that its verdicts were judged by, and its inputs."""
    yield folder.store.inputs(scenario)
    yield from (folder.store.probe(one.environment.name) for one in folder.session.environments)
    yield from (artifact for _, artifact in folder.artifacts(scenario))


def _sealed(manifest: Manifest | None) -> str:
    return reading.seal(replace(manifest, dropped=())) if manifest else ""


def _damaged(folder: RunFolder, scenario: str) -> bool:
    """Whether something is wrong with what is left."""
    for artifact in _artifacts(folder, scenario):
        manifest = artifact.manifest()
        if manifest is None and artifact.unreadable():
            return True
        if manifest is not None and manifest.status is Status.COMPLETE and artifact.damage(manifest):
            return True
    return False
