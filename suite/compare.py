"""Two artifacts to distances, or the reason why there are none. Measures; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from suite import metrics
from suite.records import (
    JUDGED_STEP,
    QUANTITIES,
    At,
    BatchNorm,
    Comparison,
    Distances,
    Floats,
    Manifest,
    Tensor,
    TensorDistance,
)
from suite.store import Artifact

Arrays = Mapping[str, np.ndarray]
Envelopes = Mapping[tuple[str, int], Floats]

TRAINED = ("K", "G", "H")
WEIGHTS, STATISTICS, OPTIMIZER, LOSS, PREDICTIONS, OTHER = QUANTITIES
GROUPS_OF = {WEIGHTS: ("K", "P", "G", "H"), STATISTICS: ("M", "V"), OTHER: ("O",)}
WORST = 20  # tensors kept for a report


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One artifact at one moment: the names under which its arrays are stored; empty where it has none of a kind."""

    artifact: Artifact
    manifest: Manifest
    state: str
    slots: str = ""
    predictions: str = ""
    losses: int = 0

    def arrays(self, quantity: str) -> Arrays | None:
        """The arrays that the quantity is about, by name; None if this moment has none.

        Raises:
            Damaged: the artifact lists them and they cannot be read.
        """
        if quantity in GROUPS_OF:
            wanted = {tensor.name for tensor in self.manifest.tensors if tensor.group in GROUPS_OF[quantity]}
            state = self._read(self.state)
            return None if state is None else {name: value for name, value in state.items() if name in wanted}
        if quantity == LOSS:
            losses = self._read("losses" if self.losses else "")
            return None if losses is None else {"losses": losses["losses"][: self.losses]}
        stored = self._read(self.slots if quantity == OPTIMIZER else self.predictions)
        return None if stored is None else {name: value for name, value in stored.items() if name != "replica"}

    def _read(self, name: str) -> Arrays | None:
        return self.artifact.arrays(name) if name and f"{name}.safetensors" in self.artifact_files() else None

    def artifact_files(self) -> Mapping[str, str]:
        return self.manifest.files


def trained(artifact: Artifact, manifest: Manifest, step: int) -> Moment:
    """A run after `step` steps."""
    return Moment(
        artifact=artifact,
        manifest=manifest,
        state=f"step-{step}",
        slots=f"optimizer-{step}",
        predictions=f"predictions-{step}",
        losses=step,
    )


def reloaded(artifact: Artifact, manifest: Manifest, described: Manifest) -> Moment:
    """A saved file, loaded again; `described` is the manifest of the run that saved it."""
    whole = replace(manifest, tensors=described.tensors, slots=described.slots, batch_norms=described.batch_norms)
    return Moment(artifact=artifact, manifest=whole, state="step-0", slots="optimizer-0", predictions="predictions-0")


def replica(artifact: Artifact, manifest: Manifest, index: int) -> Moment:
    return Moment(artifact=artifact, manifest=manifest, state=f"replica-{index}")


def emulated_file(artifact: Artifact, manifest: Manifest) -> Moment:
    """What an oracle says that a file holds, and what the model loaded from it predicts."""
    return Moment(artifact=artifact, manifest=manifest, state="saved", predictions="saved-predictions")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A configuration's artifacts: the plain run, its reruns, its twin, its exact run, and the oracle of its declaration,
    where they are complete."""

    plain: tuple[Artifact, Manifest]
    repeats: tuple[tuple[Artifact, Manifest], ...] = ()
    permuted: tuple[tuple[Artifact, Manifest], ...] = ()
    twin: tuple[Artifact, Manifest] | None = None
    twins_permuted: tuple[tuple[Artifact, Manifest], ...] = ()
    exact: tuple[Artifact, Manifest] | None = None
    oracle: tuple[Artifact, Manifest] | None = None
    seeds: tuple[tuple[Artifact, Manifest], ...] = ()
    no_twin: str = ""
    no_oracle: str = ""
    outputs: str = "probabilities"
    cache: dict[str, object] = field(default_factory=dict)


def pair(a: Subject, b: Subject, *, declared: str) -> Comparison:
    """Two configurations of one scenario: every quantity at every stored step, with envelope and twins."""
    steps = [step for step in a.plain[1].steps if step and step in b.plain[1].steps]
    twins = (a.twin, b.twin) if a.twin and b.twin else None
    start = Moment(artifact=a.plain[0], manifest=a.plain[1], state="step-0")
    distances = []
    for quantity in QUANTITIES:
        moments = [(trained(*a.plain, step), trained(*b.plain, step), step) for step in steps]
        doubles = {step: (trained(*twins[0], step), trained(*twins[1], step)) for step in steps} if twins else {}
        envelopes = {step: _wider(envelope(a, quantity, step), envelope(b, quantity, step)) for step in steps}
        widths = {step: _wider(twin_envelope(a, quantity, step), twin_envelope(b, quantity, step)) for step in steps}
        if found := _distances(quantity, moments, doubles, envelopes, start, a.outputs, widths):
            distances.append(found)
    return Comparison(
        distances=tuple(distances),
        declared=declared,
        no_twin=a.no_twin or b.no_twin,
        repeats=_wider(repeat_distance(a), repeat_distance(b)),
        random_streams=_random_streams(a.plain, b.plain),
        exact=(exact_distance(a), exact_distance(b)),
        roundoff=max(a.plain[1].roundoff, b.plain[1].roundoff),
    )


def declared(subject: Subject) -> Comparison:
    """A configuration's float64 twin against the oracle of its declaration: at every step, and each replica at the end.

    The distances between the two are `plain` and `twin` alike: there is no float32 here.
    """
    assert subject.twin and subject.oracle
    twin, oracle = subject.twin, subject.oracle
    start = Moment(artifact=twin[0], manifest=twin[1], state="step-0")
    steps = [step for step in twin[1].steps if step in oracle[1].steps]
    moments = [(_stored(trained(*twin, step), step), _stored(trained(*oracle, step), step), step) for step in steps]
    distances = []
    for quantity in QUANTITIES:
        widths = {step: twin_envelope(subject, quantity, step) for step in steps}
        found = _distances(quantity, moments, {}, {}, start, subject.outputs, widths)
        for index in range(1, twin[1].replicas):
            both = [(replica(*twin, index), replica(*oracle, index), steps[-1])]
            width = {steps[-1]: replica_envelope(subject, quantity, index)}
            other = _distances(quantity, both, {}, {}, start, subject.outputs, width)
            if found and other:
                bits, invalid = found.bits and other.bits, found.invalid or other.invalid
                found = replace(found, at=(*found.at, *other.at), bits=bits, invalid=invalid)
        if found:
            distances.append(replace(found, at=tuple(replace(one, twin=one.plain) for one in found.at)))
    return Comparison(distances=tuple(distances), no_twin=subject.no_twin)


def _stored(moment: Moment, step: int) -> Moment:
    """Without what only some steps have: a twin keeps optimizer and predictions at fewer steps than an oracle."""
    if step in moment.manifest.predicted:
        return moment
    return replace(moment, slots="", predictions="", losses=0)


def view(
    plain: tuple[Moment, Moment], twins: tuple[Moment, Moment] | None, subject: Subject, *, declared: str
) -> Comparison:
    """Two moments of one configuration (live and saved, saved and reloaded, two replicas), with its own envelope."""
    last = subject.plain[1].steps[-1]
    start = Moment(artifact=subject.plain[0], manifest=subject.plain[1], state="step-0")
    judged = min(JUDGED_STEP, last)
    distances = []
    for quantity in QUANTITIES:
        width = envelope(subject, quantity, judged)
        doubles = {judged: twins} if twins else {}
        found = _distances(quantity, [(*plain, judged)], doubles, {judged: width}, start, subject.outputs)
        if found:
            distances.append(found)
    return Comparison(
        distances=tuple(distances),
        declared=declared,
        no_twin=(subject.no_twin or "the twin was not loaded again") if twins is None else "",
        unsaved=_unsaved(start, *plain),
        roundoff=subject.plain[1].roundoff,
    )


HELD = (WEIGHTS, STATISTICS, PREDICTIONS)  # what a file is asked for: other state may not be in it, and is named by itself


def file_distances(loaded: Moment, oracle: tuple[Artifact, Manifest], outputs: str) -> tuple[Distances, ...]:
    """A twin's file, loaded again, against what the oracle says that it holds and predicts."""
    start = Moment(artifact=oracle[0], manifest=oracle[1], state="step-0")
    moments = [(replace(loaded, slots=""), emulated_file(*oracle), 0)]
    found = (_distances(quantity, moments, {}, {}, start, outputs) for quantity in HELD)
    return tuple(replace(one, at=tuple(replace(at, twin=at.plain) for at in one.at)) for one in found if one)


def first_replica_distance(loaded: Moment, live: tuple[Artifact, Manifest], outputs: str) -> float | None:
    """How far a file, loaded again, is from the live model's first replica: its state, and its predictions for the rows that
    this replica computed. Nothing has grown in between, however chaotic the training was. None if they cannot be compared."""
    last = live[1].steps[-1]
    mine = trained(*live, last)
    values = [
        value
        for quantity in (WEIGHTS, STATISTICS)
        for metric, value in measure(quantity, mine, loaded, None, outputs).items()
        if metrics.METRICS[metric].judged
    ]
    stored = live[0].arrays(mine.predictions)
    rows, predicted = stored["replica"] == 0, loaded.arrays(PREDICTIONS)
    if not predicted or predicted.keys() != stored.keys() - {"replica"}:
        return None
    for name, value in predicted.items():
        if mismatch({name: stored[name]}, {name: value}):
            return None
        found = _predictions(stored[name][rows], value[rows], outputs)
        values += [one for metric, one in found.items() if metrics.METRICS[metric].judged]
    return max(values, default=None)


def _unsaved(start: Moment, live: Moment, loaded: Moment) -> tuple[str, ...]:
    """Tensors that training changed and that are bit-equal to the initial ones after loading."""
    names = []
    for quantity in GROUPS_OF:
        begun, now, after = (moment.arrays(quantity) or {} for moment in (start, live, loaded))
        names += [
            name
            for name in sorted(begun.keys() & now.keys() & after.keys())
            if metrics.bits(after[name], begun[name]) and not metrics.bits(now[name], begun[name])
        ]
    return tuple(names)


def _distances(
    quantity: str,
    moments: list[tuple[Moment, Moment, int]],
    doubles: Mapping[int, tuple[Moment, Moment]],
    envelopes: Mapping[int, Floats],
    start: Moment,
    outputs: str,
    widths: Mapping[int, Floats] | None = None,
) -> Distances | None:
    """One quantity over the steps; None if neither side has it at any."""
    at, bits, invalid = [], True, ""
    last: tuple[Moment, Moment] | None = None
    for a, b, step in moments:
        values, others = a.arrays(quantity) or {}, b.arrays(quantity) or {}
        if not values and not others:
            continue
        if invalid := mismatch(values, others):
            break
        last = (a, b)
        bits = bits and all(metrics.bits(value, others[name]) for name, value in values.items())
        plain = measure(quantity, a, b, start, outputs)
        twin = measure(quantity, *doubles[step], None, outputs) if step in doubles else {}
        wide = (widths or {}).get(step, {})
        at.append(At(step=step, plain=plain, envelope=envelopes.get(step, {}), twin=twin, twin_envelope=wide))
    if invalid:
        return Distances(quantity=quantity, bits=False, at=tuple(at), invalid=invalid)
    if last is None:
        return None
    tensors = tensor_distances(quantity, *last, moments[0][:2], start)
    return Distances(
        quantity=quantity,
        bits=bits,
        at=tuple(at),
        tensors=tensors[:WORST],
        layers=_layers(tensors, last[0].manifest),
        histogram=_histogram(quantity, *moments[0][:2]),
    )


def _layers(tensors: Iterable[TensorDistance], manifest: Manifest) -> dict[str, float]:
    """Layer -> distance of its farthest judged tensor, in the model's order; empty where tensors belong to no layer."""
    values = {tensor.name: tensor.value for tensor in tensors if tensor.group != "P"}
    found: dict[str, float] = {}
    for tensor in manifest.tensors:
        if tensor.name in values:
            found[tensor.layer] = max(found.get(tensor.layer, 0.0), values[tensor.name])
    return found


def _histogram(quantity: str, a: Moment, b: Moment) -> tuple[int, ...]:
    """Over all elements, up to the last bin that is not empty."""
    values, others = a.arrays(quantity) or {}, b.arrays(quantity) or {}
    if not values or mismatch(values, others):
        return ()
    whole = np.sum([metrics.ulp_histogram(value, others[name]) for name, value in values.items()], axis=0)
    return tuple(int(count) for count in whole[: int(np.flatnonzero(whole).max(initial=0)) + 1])


def mismatch(a: Arrays | None, b: Arrays | None) -> str:
    """Why two sets of arrays cannot be compared, as a sentence; empty if they can. Pairs by name, never by position."""
    if not a or not b:
        return "one side has nothing to compare"
    if a.keys() != b.keys():
        alone = sorted(a.keys() ^ b.keys())
        return f"{len(alone)} tensors are on one side only, the first is {alone[0]}"
    for name, value in a.items():
        if value.shape != b[name].shape or value.dtype != b[name].dtype:
            return f"{name} is {value.dtype}{value.shape} on one side and {b[name].dtype}{b[name].shape} on the other"
        for side in (value, b[name]):
            if not metrics.finite(side):
                return f"{name} holds NaN or infinity"
    return ""


def measure(quantity: str, a: Moment, b: Moment, start: Moment | None, outputs: str) -> dict[str, float]:
    """Metric id -> distance, for one quantity at one moment. `start` defaults to the initial state of `a`."""
    first, second = a.arrays(quantity), b.arrays(quantity)
    if not first or not second or mismatch(first, second):
        return {}
    if quantity == WEIGHTS:
        groups = {tensor.name: tensor.group for tensor in a.manifest.tensors}
        begun = start or Moment(artifact=a.artifact, manifest=a.manifest, state="step-0")
        chosen = [_only(arrays, groups, TRAINED) for arrays in (first, second, begun.arrays(WEIGHTS) or {})]
        return {"train": metrics.train(*chosen)} if chosen[0] else {}
    if quantity == STATISTICS:
        return _statistics(first, second, a, b)
    if quantity == OPTIMIZER:
        groups = {tensor.name: tensor.group for tensor in a.manifest.slots}
        # Slots of biases before a batch normalization hold the rounding of a zero gradient.
        chosen = [_only(arrays, groups, (*TRAINED, "O")) for arrays in (first, second)]
        return {"slots": metrics.slots(*chosen)} if chosen[0] else {}
    if quantity == OTHER:
        return {"state": metrics.state(first, second)}
    if quantity == LOSS:
        return {"loss": metrics.loss(first["losses"], second["losses"])}
    found = [_predictions(first[name], second[name], outputs) for name in first]
    return {metric: max(one[metric] for one in found) for metric in found[0]}


def _only(arrays: Arrays, groups: Mapping[str, str], wanted: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: value for name, value in arrays.items() if groups.get(name, "K") in wanted}


def _statistics(first: Arrays, second: Arrays, a: Moment, b: Moment) -> dict[str, float]:
    norms = [norm for norm in a.manifest.batch_norms if norm.mean in first]
    if not norms:
        return {}
    whole = [moment.artifact.arrays(moment.state) for moment in (a, b)]
    return {
        "mean": max(_mean(first, second, norm) for norm in norms),
        "var": max(metrics.var(first[norm.variance], second[norm.variance], norm.epsilon) for norm in norms),
        "folded": metrics.folded(whole[0], whole[1], norms),
    }


def _mean(first: Arrays, second: Arrays, norm: BatchNorm) -> float:
    variance = np.maximum(first[norm.variance], second[norm.variance])
    return metrics.mean(first[norm.mean], second[norm.mean], variance, norm.epsilon)


def _predictions(first: np.ndarray, second: np.ndarray, outputs: str) -> dict[str, float]:
    if first.ndim == 1:
        first, second = first[:, None], second[:, None]
    if outputs == "values":
        return {"values": metrics.values(first, second), "max_abs": metrics.max_abs(first, second)}
    if outputs == "logits":
        first, second = metrics.softmax(first), metrics.softmax(second)
    changed, explained = metrics.churn(first, second)
    return {
        "pmax": metrics.pmax(first, second),
        "tv": metrics.tv(first, second),
        "js": metrics.js(first, second),
        "churn": changed,
        "explained": explained,
    }


def tensor_distances(
    quantity: str, a: Moment, b: Moment, first: tuple[Moment, Moment], start: Moment
) -> tuple[TensorDistance, ...]:
    """Every tensor, the one farthest apart first; tensors whose distance means nothing (group P) last."""
    described = {tensor.name: tensor for tensor in (a.manifest.slots if quantity == OPTIMIZER else a.manifest.tensors)}
    values, others, begun = a.arrays(quantity) or {}, b.arrays(quantity) or {}, start.arrays(quantity) or {}
    early = [moment.arrays(quantity) or {} for moment in first]
    travelled = metrics.rms_travelled(values, begun) if quantity == WEIGHTS else 0.0
    rows = []
    for name, value in values.items():
        tensor = described.get(name)
        rows.append(
            TensorDistance(
                name=name,
                group=tensor.group if tensor else "",
                value=_tensor(quantity, name, value, others[name], begun, travelled, a.manifest.batch_norms),
                ulp=metrics.ulp(early[0][name], early[1][name]) if name in early[0] and name in early[1] else 0.0,
                bits=metrics.bits(value, others[name]),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.group == "P", -row.value)))


def _tensor(
    quantity: str, name: str, a: np.ndarray, b: np.ndarray, begun: Arrays, travelled: float, norms: Iterable[BatchNorm]
) -> float:
    if quantity == WEIGHTS and name in begun:
        return metrics.tensor(a, b, begun[name], travelled)
    return metrics.relative_l2(a, b)


# ---------------------------------------------------------------- envelopes: a configuration against its own reruns


def envelope(subject: Subject, quantity: str, step: int) -> dict[str, float]:
    """Metric -> largest distance at `step` between the plain run and its reruns that stored that step."""
    key = f"{quantity}@{step}"
    if key not in subject.cache:
        widths = [
            measure(quantity, trained(*subject.plain, step), trained(*rerun, step), None, subject.outputs)
            for rerun in (*subject.repeats, *subject.permuted)
            if step in rerun[1].steps and (step in rerun[1].predicted or quantity not in (OPTIMIZER, PREDICTIONS))
        ]
        # Repeats of a deterministic run say nothing of rounding: without permuted runs there is no envelope.
        re_rounded = any(step in rerun[1].steps for rerun in subject.permuted)
        subject.cache[key] = _wider(*widths) if re_rounded else {}
    found: dict[str, float] = subject.cache[key]  # type: ignore[assignment]
    return found


def seed_distances(subject: Subject) -> list[dict[str, float]]:
    """Metric -> distance at the judged step, of each two of the plain run and its runs from other initial weights."""
    runs = (subject.plain, *subject.seeds)
    step = min(JUDGED_STEP, subject.plain[1].steps[-1])
    return [
        measure(PREDICTIONS, *moments, None, subject.outputs) | measure(STATISTICS, *moments, None, subject.outputs)
        for one, other in combinations(runs, 2)
        for moments in [(trained(*one, step), trained(*other, step))]
    ]


def twin_envelope(subject: Subject, quantity: str, step: int) -> dict[str, float]:
    """Metric -> largest distance at `step` between the twin and its reruns; empty where they were not asked for."""
    if subject.twin is None or not subject.twins_permuted:
        return {}
    twin = trained(*subject.twin, step)
    return _wider(
        *(measure(quantity, twin, trained(*rerun, step), None, subject.outputs) for rerun in subject.twins_permuted)
    )


def replica_envelope(subject: Subject, quantity: str, index: int) -> dict[str, float]:
    """The same of one replica's state at the end: its statistics may be whitened by a variance of its own."""
    if subject.twin is None:
        return {}
    twin, name = replica(*subject.twin, index), f"replica-{index}.safetensors"
    reruns = [replica(*rerun, index) for rerun in subject.twins_permuted if name in rerun[1].files]
    return _wider(*(measure(quantity, twin, rerun, None, subject.outputs) for rerun in reruns))


def repeat_distance(subject: Subject) -> dict[str, float]:
    """Metric -> largest distance at the last step between the plain run and its repeats; empty if all are bit-equal."""
    if "repeats" not in subject.cache:
        last = subject.plain[1].steps[-1]
        moments = [(trained(*subject.plain, last), trained(*rerun, last)) for rerun in subject.repeats]
        widths = [
            measure(quantity, live, again, None, subject.outputs)
            for quantity in QUANTITIES
            for live, again in moments
            if not _bits(live.arrays(quantity), again.arrays(quantity))
        ]
        subject.cache["repeats"] = _wider(*widths)
    found: dict[str, float] = subject.cache["repeats"]  # type: ignore[assignment]
    return found


def exact_distance(subject: Subject) -> dict[str, float]:
    """Metric -> distance of the plain run after one step from float64 with the scenario's own constants.

    Of what the forward pass computes: an optimizer such as Adam turns rounding of a nearly zero gradient into a full step.
    """
    if subject.exact is None:
        return {}
    found: dict[str, float] = {}
    moments = trained(*subject.plain, 1), trained(*subject.exact, 1)
    values, exact = (moment.arrays(STATISTICS) or {} for moment in moments)
    if values.keys() == exact.keys() and all(metrics.finite(value) for value in values.values()):
        found |= _statistics(values, exact, *moments)
    return found | measure(LOSS, *moments, None, subject.outputs)


def exact_place(subject: Subject) -> tuple[str, float] | None:
    """The moving statistic that is farthest from float64 after one step with the same constants, and how far; None if that was
    not measured. One step from one state: it is the batch's statistic that is off."""
    if subject.exact is None:
        return None
    moments = trained(*subject.plain, 1), trained(*subject.exact, 1)
    values, exact = (moment.arrays(STATISTICS) or {} for moment in moments)
    norms = [norm for norm in subject.plain[1].batch_norms if norm.mean in values.keys() & exact.keys()]
    found = [(norm.mean, _mean(values, exact, norm)) for norm in norms]
    found += [(norm.variance, metrics.var(values[norm.variance], exact[norm.variance], norm.epsilon)) for norm in norms]
    return max(found, key=lambda one: one[1], default=None)


def _bits(a: Arrays | None, b: Arrays | None) -> bool:
    if not a or not b:
        return not a and not b
    return a.keys() == b.keys() and all(metrics.bits(value, b[name]) for name, value in a.items())


def _wider(*widths: Floats) -> dict[str, float]:
    return {
        metric: max(width[metric] for width in widths if metric in width)
        for metric in dict.fromkeys(metric for width in widths for metric in width)
    }


def _random_streams(a: tuple[Artifact, Manifest], b: tuple[Artifact, Manifest]) -> bool:
    if not (a[1].random_layers or b[1].random_layers):
        return False
    drawn = [side[0].arrays("stream") for side in (a, b) if "stream.safetensors" in side[1].files]
    return len(drawn) == 2 and not _bits(drawn[0], drawn[1])


__all__ = ["Moment", "Subject", "Tensor", "pair", "reloaded", "replica", "trained", "view"]
