"""Artifacts of cells to measurements: the numbers that the answers are decided from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.compare import PREDICTIONS, STATISTICS, TRAINED, WEIGHTS, Snapshot, metrics
from suite.explain.claims.design import BATCH_NORMALIZED, COPIES, NORMALIZATIONS, Cell, Design, Variant, configuration
from suite.records import QUANTITIES, Manifest, Measurement, Outcome, Plan, Run, Status


@dataclass(frozen=True, kw_only=True)
class Side:
    """A cell with its artifact."""

    cell: Cell
    run: Run
    artifact: Artifact
    manifest: Manifest

    def at(self, step: int | None = None) -> Snapshot:
        return compare.trained(self.artifact, self.manifest, self.manifest.steps[-1] if step is None else step)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured, by what it isolates. `device`: "cpu" or "gpu". `drift`: see `suite.records.Claims`.

    `repeated`: the same cell again, in one process and in another. `devices`: one against several, one a normalization.
    `order`, `seeds`: fixed against not. `backends`: environments on one device, float64; `kernels`: float32, after one step.
    `saved`: the live model against its file, loaded again. `unsaved`: each later replica's statistics against the file.
    `shared`: statistics that are declared global, across environments and devices; `replicas`: each replica's, across
    environments whose strategies give replicas their own.
    """

    device: str
    devices_count: int
    drift: float
    repeated: tuple[Measurement, ...] = ()
    devices: tuple[Measurement, ...] = ()
    order: tuple[Measurement, ...] = ()
    seeds: tuple[Measurement, ...] = ()
    backends: tuple[Measurement, ...] = ()
    kernels: tuple[Measurement, ...] = ()
    saved: tuple[Measurement, ...] = ()
    unsaved: tuple[Measurement, ...] = ()
    shared: tuple[Measurement, ...] = ()
    replicas: tuple[Measurement, ...] = ()


class CellFolder:
    """A run folder seen by cells. `ended`: id of a run that did not complete -> how it ended."""

    def __init__(self, store: Store, plan: Plan, design: Design, ended: Mapping[str, Outcome], outputs: str) -> None:
        self.store, self.plan, self.design, self.outputs = store, plan, design, outputs
        self._ended = ended
        self._refused = {run: reason for run, _, reason in plan.refused}
        self._found: dict[Cell, Side | str] = {}

    def side(self, cell: Cell) -> Side | str:
        """The cell's artifact, or why there is none."""
        if cell not in self._found:
            self._found[cell] = self._look(cell)
        return self._found[cell]

    def _look(self, cell: Cell) -> Side | str:
        found = configuration(self.plan, self.design, cell)
        if found is None:
            return f"no strategy drives {cell.environment} over {cell.devices} devices"
        run = Run(configuration=found, variation=cell.variation, precision=cell.precision, index=cell.index)
        if run in self._refused:
            return self._refused[run]
        artifact = self.store.run(run)
        manifest = artifact.manifest()
        if unreadable := artifact.unreadable():
            return unreadable
        if manifest is None or manifest.status is not Status.COMPLETE:
            ended = self._ended.get(run.id)
            reason = ended.reason if ended and ended.reason else "it did not finish"
            return reason.partition(": ")[2] if reason.startswith("needs ") else reason
        return artifact.damage(manifest) or Side(cell=cell, run=run, artifact=artifact, manifest=manifest)

    def missing(self) -> list[tuple[str, str]]:
        """(cell, reason) of every cell without a result."""
        found = ((cell, self.side(cell)) for cell in self.design.cells())
        return [
            (
                f"{self.design.name(cell.variant)} on {cell.environment} x{cell.devices}, {cell.variation} in "
                f"{cell.precision}",
                side,
            )
            for cell, side in found
            if isinstance(side, str)
        ]

    def float64(self, environment: str, devices: int, **levels: str) -> Side | None:
        """The float64 run of a variant; None if there is none."""
        found = self.side(
            Cell(variant=Variant(**levels), environment=environment, devices=devices)  # type: ignore[arg-type]
        )
        return None if isinstance(found, str) else found


def measured(a: Side, b: Side, outputs: str, *, step: int | None = None, words: str = "") -> Measurement:
    """Two cells at their last step, or after `step` steps."""
    return between(a, b, a.at(step), b.at(step), outputs, words=words)


def between(a: Side, b: Side, first: Snapshot, second: Snapshot, outputs: str, *, words: str = "") -> Measurement:
    statistics = compare.measure(STATISTICS, first, second, None, outputs)
    predictions = compare.measure(PREDICTIONS, first, second, None, outputs)
    names = dict.fromkeys((a.cell.environment, b.cell.environment))
    return Measurement(
        environments=" and ".join(names),
        devices=max(a.cell.devices, b.cell.devices),
        normalization=a.cell.variant.normalization,
        precision=a.cell.precision,
        a=a.run.id,
        b=b.run.id,
        bits=not differing(first, second),
        weights=trained(first, second),
        statistics=max((statistics[name] for name in ("mean", "var") if name in statistics), default=None),
        predictions=next((predictions[name] for name in ("pmax", "values") if name in predictions), None),
        words=words or ", ".join(differing(first, second)),
    )


def differing(a: Snapshot, b: Snapshot) -> list[str]:
    """The quantities that are not bit-equal, where both sides have them."""
    found = []
    for quantity in QUANTITIES:
        values, others = a.arrays(quantity), b.arrays(quantity)
        if not values or not others:
            continue
        if values.keys() != others.keys() or not all(metrics.bits(value, others[name]) for name, value in values.items()):
            found.append(quantity)
    return found


def trained(a: Snapshot, b: Snapshot) -> float | None:
    """Share of the distance travelled, over the trained tensors that both have: a model without batch normalization has
    fewer."""
    groups = [{one.name for one in side.manifest.tensors if one.group in TRAINED} for side in (a, b)]
    values, others = a.arrays(WEIGHTS) or {}, b.arrays(WEIGHTS) or {}
    start = a.artifact.arrays(names.step(0))
    shared = sorted(groups[0] & groups[1] & values.keys() & others.keys() & start.keys())
    if not shared:
        return None
    return metrics.train(*({name: arrays[name] for name in shared} for arrays in (values, others, start)))


# ---------------------------------------------------------------- what each claim needs


def gather(folder: CellFolder, device: str) -> Measured:
    """Everything that the answers are decided from."""
    return Measured(
        device=device,
        devices_count=folder.design.devices,
        drift=_drift(folder),
        repeated=tuple(_repeated(folder)),
        devices=tuple(_devices(folder)),
        order=tuple(_factor(folder, order="reshuffled")),
        seeds=tuple(_factor(folder, seeds="free")),
        backends=tuple(_backends(folder, "float64", None)),
        kernels=tuple(_backends(folder, "float32", 1)),
        saved=tuple(_saved(folder)),
        unsaved=tuple(_unsaved(folder)),
        shared=tuple(_shared(folder)),
        replicas=tuple(_replicas(folder)),
    )


def _drift(folder: CellFolder) -> float:
    """The float64 runs' own rounding; infinite if it was not measured."""
    found = []
    for devices in (1, folder.design.devices):
        cells = [
            Cell(variant=Variant(), environment=folder.design.environment, devices=devices, variation=variation)
            for variation in ("plain", "permuted")
        ]
        a, b = (folder.side(cell) for cell in cells)
        if isinstance(a, Side) and isinstance(b, Side):
            apart = measured(a, b, folder.outputs, step=_common(a, b)).largest
            # Random layers keep their rows in place: their weights are moved by a unit of float32 instead, 2^29 of
            # float64's.
            found.append(apart * 2.0**-29 if a.manifest.random_layers else apart)
    return max(found, default=float("inf"))


def _common(a: Side, b: Side) -> int:
    return max(set(a.manifest.predicted) & set(b.manifest.predicted))


def _repeated(folder: CellFolder) -> Iterator[Measurement]:
    for environment in folder.design.others:
        for devices in (1, folder.design.devices):
            for normalization in ("per replica", "none"):
                cells = [
                    Cell(
                        variant=Variant(normalization=normalization, copy=copy),
                        environment=environment,
                        devices=devices,
                        variation=variation,
                        precision="float32",
                    )
                    for copy in range(1, COPIES + 1)
                    for variation in ("plain", "repeat")
                ]
                sides = [side for side in map(folder.side, cells) if isinstance(side, Side)]
                for again in sides[1:]:
                    yield _with_replicas(measured(sides[0], again, folder.outputs), sides[0], again)


def _with_replicas(found: Measurement, a: Side, b: Side) -> Measurement:
    """Also bit-equal replica by replica, where both sides kept them."""
    for index in range(a.manifest.replicas):
        if not all(names.has(side.manifest, names.replica(index)) for side in (a, b)):
            continue
        values, others = (side.artifact.arrays(names.replica(index)) for side in (a, b))
        if not all(metrics.bits(value, others[name]) for name, value in values.items()):
            found = replace(found, bits=False, words=", ".join(filter(None, (found.words, f"state of replica {index}"))))
    return found


def _devices(folder: CellFolder) -> Iterator[Measurement]:
    for environment in folder.design.others:
        for normalization in NORMALIZATIONS:
            one = "per replica" if normalization == "synchronized" else normalization  # on one device they are the same
            sides = (
                folder.float64(environment, 1, normalization=one),
                folder.float64(environment, folder.design.devices, normalization=normalization),
            )
            if sides[0] and sides[1]:
                yield measured(sides[1], sides[0], folder.outputs)


def _factor(folder: CellFolder, **changed: str) -> Iterator[Measurement]:
    for devices in (1, folder.design.devices):
        for normalization in NORMALIZATIONS:
            a = folder.float64(folder.design.environment, devices, normalization=normalization)
            b = folder.float64(folder.design.environment, devices, normalization=normalization, **changed)
            if a and b:
                yield measured(a, b, folder.outputs)


def _backends(folder: CellFolder, precision: str, step: int | None) -> Iterator[Measurement]:
    for normalization in ("per replica", "none"):
        cells = [
            Cell(variant=Variant(normalization=normalization), environment=environment, devices=1, precision=precision)
            for environment in folder.design.others
        ]
        sides = [side for side in map(folder.side, cells) if isinstance(side, Side)]
        for a, b in combinations(sides, 2):
            yield measured(a, b, folder.outputs, step=step)


def _float64_runs(folder: CellFolder) -> Iterator[Side]:
    """Float64 runs with batch normalization in every environment, on one device and several."""
    for environment in folder.design.others:
        for normalization in BATCH_NORMALIZED:
            for devices in (1, folder.design.devices):
                found = folder.float64(environment, devices, normalization=normalization)
                if found and (devices > 1 or normalization == "per replica"):
                    yield found


def _saved(folder: CellFolder) -> Iterator[Measurement]:
    for side in _float64_runs(folder):
        for form in (names.KERAS_FILE, names.WEIGHTS_FILE):
            loaded = _loaded(folder, side, form)
            if loaded is None:
                continue
            live = side.at()
            slots = live.slots if form == names.KERAS_FILE else ""  # weights alone come without the optimizer
            first, second = replace(live, slots=slots, losses=0), replace(loaded, slots=loaded.slots if slots else "")
            lost = ", ".join(quantity for quantity in differing(first, second) if quantity != PREDICTIONS)
            yield _of_file(between(side, side, first, second, folder.outputs), form, lost)


def _of_file(found: Measurement, form: str, lost: str) -> Measurement:
    """`bits` and `words` of the state; predictions by their distance: on several devices they are made in other portions."""
    return replace(found, b=f"{form} loaded again", bits=not lost, words=lost)


def _loaded(folder: CellFolder, side: Side, form: str) -> Snapshot | None:
    artifact = folder.store.reload(side.run, side.cell.environment, form)
    manifest = artifact.manifest()
    if manifest is None or manifest.status is not Status.COMPLETE or artifact.damage(manifest):
        return None
    return compare.reloaded(artifact, manifest, side.manifest)


def _unsaved(folder: CellFolder) -> Iterator[Measurement]:
    for side in _float64_runs(folder):
        loaded = _loaded(folder, side, names.KERAS_FILE)
        for index in range(1, side.manifest.replicas) if loaded else ():
            own = compare.replica(side.artifact, side.manifest, index)
            words = f"replica {index}"
            yield _statistics_only(between(side, side, own, loaded, folder.outputs, words=words))  # type: ignore[arg-type]


def _statistics_only(found: Measurement) -> Measurement:
    return replace(found, weights=None, predictions=None)


def _own(side: Side) -> bool:
    """Whether the replicas of a run have different moving statistics."""
    first, *others = (compare.replica(side.artifact, side.manifest, index) for index in range(side.manifest.replicas))
    return any(STATISTICS in differing(first, other) for other in others)


def _shared(folder: CellFolder) -> Iterator[Measurement]:
    """Against the first environment on one device: every other one, and several where replicas share statistics, or
    should."""
    sides = list(_float64_runs(folder))
    for other in sides[1:]:
        if other.cell.variant.normalization == "synchronized" or not _own(other):
            yield replace(measured(other, sides[0], folder.outputs), environments=other.cell.environment)


def _replicas(folder: CellFolder) -> Iterator[Measurement]:
    """Replica by replica, across environments whose replicas have statistics of their own."""
    sides = [side for side in _float64_runs(folder) if side.cell.variant.normalization == "per replica" and _own(side)]
    for a, b in combinations(sides, 2):
        for index in range(min(a.manifest.replicas, b.manifest.replicas)):
            snapshots = [compare.replica(side.artifact, side.manifest, index) for side in (a, b)]
            yield between(a, b, snapshots[0], snapshots[1], folder.outputs, words=f"replica {index}")
