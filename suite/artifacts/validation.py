"""What manifests, plans and sessions must say to be believed: names that stay in the run folder, numbers that can be, and
one plan for all of them. Each check returns what is wrong, as a few words; empty if nothing is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from suite.artifacts.places import is_safe
from suite.records import VARIATIONS, Manifest, Plan, Run, Session, Tensor, Verdict

REPLICAS = 4096  # devices of one run: more than any strategy here drives
STEPS = 10**9
SIZE = 2**40  # numbers of one tensor: 4 TB in float32
AXES = 32  # where an axis of a kernel may be: as many as NumPy took for long
DIGEST = re.compile(r"[0-9a-f]{64}")


def wrong_in_manifest(manifest: Manifest, place: str) -> str:
    """`place`: where in the run folder the artifact is; empty if that is not known."""
    checks = (
        (bool(place) and manifest.place != place, f"it is of {manifest.place[:200]!r}"),
        (not 1 <= manifest.replicas <= REPLICAS, f"replicas is {manifest.replicas}"),
        (not all(0 <= step <= STEPS for step in (*manifest.steps, *manifest.predicted)), "a step is no training step"),
        (not 0 < manifest.roundoff < 1, f"roundoff is {manifest.roundoff}"),
        (not all(is_safe(name) and "/" not in name for name in manifest.files), "a file has no name of a file"),
        (not all(map(DIGEST.fullmatch, manifest.files.values())), "a digest is no sha256"),
        (not manifest.files.keys() >= set(manifest.dropped), "a file was dropped that it does not list"),
        (not all(-AXES <= norm.axis < AXES for norm in manifest.batch_norms), "an axis is no axis of a kernel"),
    )
    return next((words for is_wrong, words in checks if is_wrong), "") or _wrong_tensor(manifest)


def _wrong_tensor(manifest: Manifest) -> str:
    for tensor in (*manifest.tensors, *manifest.slots):
        if not all(0 <= axis <= SIZE for axis in tensor.shape) or math.prod(tensor.shape) > SIZE:
            return f"{tensor.name[:200]!r} has the shape {str(tensor.shape)[:200]}"
    return ""


def wrong_shape(tensors: Iterable[Tensor], shapes: dict[str, tuple[int, ...]]) -> str:
    """The first tensor that is not stored as it is described."""
    for tensor in tensors:
        if tensor.name in shapes and shapes[tensor.name] != tensor.shape:
            return f"{tensor.name!r} has the shape {shapes[tensor.name]}, and {tensor.shape} in the manifest"
    return ""


def wrong_in_plan(plan: Plan) -> str:
    runs = [*plan.runs, *(run for run, _, _ in plan.refused)]
    if words := next((words for run in runs if (words := wrong_in_run(run))), ""):
        return words
    if plan.options.gate not in {verdict.value for verdict in Verdict}:
        return f"its gate is {plan.options.gate[:200]!r}"
    return "" if len(set(plan.runs)) == len(plan.runs) else "a run is planned twice"


def wrong_in_run(run: Run) -> str:
    configuration = run.configuration
    names = (configuration.scenario, configuration.environment, configuration.strategy)
    if not is_safe(run.id) or any("/" in name or not name for name in names):
        return f"a run is called {run.id[:200]!r}"
    if run.variation not in VARIATIONS or not 1 <= configuration.devices <= REPLICAS or not 0 <= run.index <= REPLICAS:
        return f"{run.id[:200]} is no run that the suite plans"
    return ""


def wrong_in_session(session: Session, plan: Plan, seal: str) -> str:
    """`seal`: of the plan that the session must be of."""
    if session.plan != seal:
        return "it is of a different plan.json: the command that wrote that was interrupted early"
    environments = {one.environment.name for one in session.environments}
    scenarios = {row.name for row in session.scenarios}
    for run in (*plan.runs, *session.further):
        if words := wrong_in_run(run):
            return words
        configuration = run.configuration
        if configuration.environment not in environments or configuration.scenario not in scenarios:
            return f"it does not know the scenario or environment of {run.id[:200]}"
    return ""
