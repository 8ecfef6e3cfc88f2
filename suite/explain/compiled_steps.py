"""Does a training step compute something else once it is compiled?

Keras compiles training steps on TensorFlow and on JAX. A model's Python code runs while they are compiled, and not in each
step: a number that a callback, a layer or the model itself changes later keeps its old value there. The same run with
`run_eagerly=True` shows that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import further_runs
from suite.judge import equivalence
from suite.records import (
    ALTERED,
    EAGER,
    MEASURED,
    Cause,
    Code,
    Comparison,
    Configuration,
    DamagedArtifact,
    Manifest,
    Names,
    Run,
    plain,
)

COMPILING = ("tensorflow", "jax")  # backends
CLOSED = 0.01  # of the distance from the live model: what is left where compiling anew is all of it


def further(folder: RunFolder, configuration: Configuration) -> list[Run]:
    """The runs that would show it, and that were not asked for yet; none where nothing is compiled."""
    if not _compiles(folder, configuration):
        return []
    found = _compared(folder, configuration, plain(configuration, "float64"), _eager(configuration))
    drifts = found is not None and not further_runs.settled(found)
    wanted = [_eager(configuration), *(further_runs.permuted_float64(configuration) if drifts else [])]
    return [run for run in wanted if not folder.asked(run)]


def of_run(folder: RunFolder, configuration: Configuration) -> tuple[Cause, ...]:
    """That this is why a run is not what its strategy declares: run eagerly, it is. Empty if that was not shown."""
    oracle = folder.oracle_of(configuration)
    if oracle is None or not _changes(folder, configuration):
        return ()
    declared = _compared(folder, configuration, _eager(configuration), oracle)
    return (_cause(folder, configuration),) if declared is not None and not equivalence.differ(declared) else ()


def between(folder: RunFolder, a: Configuration, b: Configuration) -> tuple[Cause, ...]:
    """That this is why two environments do not compute the same: run eagerly, they do. One cause for each in which it
    changes something; empty if that was not shown."""
    changing = [one for one in (a, b) if _changes(folder, one)]
    if not changing:
        return ()
    eager = [_eager(one) if _compiles(folder, one) else plain(one, "float64") for one in (a, b)]
    found = _compared(folder, a, *eager)
    alike = found is not None and not equivalence.differ(found)
    return tuple(_cause(folder, one) for one in changing) if alike else ()


def of_resumed(environment: str, run: Complete, loaded: object) -> tuple[Cause, ...]:
    """That this is why training does not go on from a file as in the live model: with its steps compiled anew, the live
    model goes on as the loaded one does. Empty if that was not shown. `loaded`: what came of the file; if it is no snapshot,
    why nothing did."""
    artifact, manifest = run
    if not names.has(manifest, names.RESUMED_ANEW) or not isinstance(loaded, compare.Snapshot):
        return ()
    try:
        anew, live = artifact.arrays(names.RESUMED_ANEW), artifact.arrays(names.RESUMED)
        state = loaded.artifact.arrays(loaded.state)
    except DamagedArtifact:  # which says so where it is compared
        return ()
    common = [name for name in live.keys() & anew.keys() & state.keys() if live[name].dtype.kind == "f"]
    apart, left = (max((metrics.relative_l2(state[one], held[one]) for one in common), default=0.0) for held in (live, anew))
    cause = Cause(code=Code.COMPILED_STEP, subject=environment, detail=_altered(manifest))
    return (cause,) if left < CLOSED * apart else ()


def _eager(configuration: Configuration) -> Run:
    return Run(configuration=configuration, variation=EAGER, precision="float64")


def _compiles(folder: RunFolder, configuration: Configuration) -> bool:
    environments = {one.environment.name: one.environment.backend for one in folder.session.environments}
    return environments.get(configuration.environment) in COMPILING


def _changes(folder: RunFolder, configuration: Configuration) -> bool:
    """Whether the float64 run computes something else than the same run eagerly, by more than float32 rounds: a layer may
    compute in that, and a kernel that is fused rounds elsewhere."""
    if not _compiles(folder, configuration):
        return False
    found = _compared(folder, configuration, plain(configuration, "float64"), _eager(configuration))
    if found is None or not further_runs.settled(found):
        return False
    apart = [equivalence.float64_distance(one) or 0.0 for one in found.distances]
    return max(apart, default=0.0) >= equivalence.OTHER_SEMANTICS


def _compared(folder: RunFolder, configuration: Configuration, first: Run, second: Run) -> Comparison | None:
    """Two float64 runs; None if one of them is not there."""
    subject = folder.subject(configuration)
    whole = _whole([folder.further(first), folder.further(second)])
    if isinstance(subject, str) or len(whole) < 2:
        return None
    try:
        return compare.float64_runs(subject, *whole)
    except (DamagedArtifact, ValueError):
        return None


def _whole(found: Sequence[Complete | str]) -> list[Complete]:
    return [one for one in found if not isinstance(one, str)]


def _cause(folder: RunFolder, configuration: Configuration) -> Cause:
    subject = folder.subject(configuration)
    cause = Cause(code=Code.COMPILED_STEP, subject=configuration.environment)
    return cause if isinstance(subject, str) else replace(cause, detail=_altered(subject.plain[1]))


def _altered(manifest: Manifest) -> Names:
    """The attributes that training sets, as far as they are known."""
    return ((MEASURED, manifest.facts[ALTERED]),) if ALTERED in manifest.facts else ()
