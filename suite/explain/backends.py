"""Where do two environments part that do not compute the same on one device, and which of them is off?

One step of both from common states, in float64, shows the first stage and tensor. The side that is off is the one that
departs from the independent definition (`suite.referee`). Without a definition, the report says who agrees with whom, and
that this is no proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from suite import compare
from suite.compare import single_step
from suite.compare.run_folder import RunFolder
from suite.explain import (
    compiled_steps,
    corners,
    definitions,
    diagnoses,
    further_runs,
    halfway,
    known_defects,
    layer_gradients,
    operations,
    predicting,
    rounds,
)
from suite.explain.agreement import Agreement
from suite.explain.definitions import Departure, Held
from suite.explain.hypotheses import WHOLE
from suite.explain.inquiry import Inquiry
from suite.explain.observations import Stages
from suite.judge import composing, equivalence, verdicts
from suite.records import (
    BETWEEN,
    MEMORY_LOST,
    SINGLE_STEP,
    Cause,
    Code,
    DamagedArtifact,
    Place,
    Run,
)

FLOAT32_AT_MOST = 2.0**-20  # a few roundings of float32: what a layer leaves that computes in it in a float64 run
GROWS = 100.0  # what is so many times farther apart than all before it did not come from that
PERTURBED = 3
UNEXPLAINED = (Code.UNKNOWN, Code.ODD_ONE_OUT)
# No hypothesis is tried then.
EXPLAINED = (Code.MEMORY_LOST, Code.DEFINITION, Code.FLOAT32_INSIDE, Code.CORNER, Code.HALFWAY)
NARROW_STAGES = ("forward", "batch statistics", "loss", "gradient")


@dataclass(frozen=True, kw_only=True)
class Parting:
    """Two environments that do not compute the same. `place`: where they part, None if it is not known; `off`: the one that
    is shown to be off, or that differs from all others; "" if neither. `float32_inside`: they part by what float32 rounds,
    in a float64 run, where their float32 steps are within rounding."""

    place: Place | None
    off: str
    causes: tuple[Cause, ...]
    float32_inside: bool = False


class Backends:
    """All environments of one scenario, each against each. `alone`: their configurations on one device, where they have one;
    `trained`: else any."""

    def __init__(self, folder: RunFolder, scenario: str) -> None:
        self.folder, self.scenario = folder, scenario
        self.agreement = Agreement(folder, scenario)
        self.alone, self.trained = self.agreement.alone, self.agreement.trained
        self._held: dict[str, Held] = {}
        self._parted: dict[tuple[str, str], Stages] = {}
        self._layers: dict[tuple[str, str], Place | None] = {}
        self._inquiries: dict[tuple[str, str], Inquiry | None] = {}

    # -- what is asked for

    def further(self) -> list[Run]:
        """The runs that would show where they part and who is off, and that were not asked for yet."""
        # One environment's layers are held against their definitions, even where all agree: all may be wrong.
        wanted = [self.layerwise(name) for name in list(self.alone)[:1]]
        for a, b in self.agreement.in_pairs():
            found = self.agreement.measured(*self.agreement.in_order(a, b))
            if not isinstance(found, str) and not further_runs.settled(found):
                wanted += [run for name in (a, b) for run in further_runs.permuted_float64(self.trained[name])]
        for pair in self.agreement.apart:
            wanted += [*self._steps(*pair), *(self.layerwise(name) for name in pair if name in self.alone)]
            parting = self.parting(*pair)
            if parting.float32_inside:
                wanted += [run for name in pair if name in self.alone for run in self.perturbed(name)]
            if any(cause.code in EXPLAINED for cause in parting.causes):
                continue
            wanted += self._calls_between(pair, parting.place)
            if (inquiry := self._inquiry(*pair)) is not None and not _begins_narrow(inquiry, parting.place):
                wanted += inquiry.further()
        asked = [run for run in dict.fromkeys(wanted) if not self.folder.asked(run)]
        return asked or list(dict.fromkeys(run for pair in self.agreement.apart for run in self._eager(*pair)))

    def _eager(self, a: str, b: str) -> list[Run]:
        """What would show whether the two part because their steps are compiled, where nothing else says why they do."""
        if not {a, b} <= self.alone.keys() or any(cause.code not in UNEXPLAINED for cause in self.parting(a, b).causes):
            return []
        return [run for name in (a, b) for run in compiled_steps.further(self.folder, self.alone[name])]

    def _steps(self, a: str, b: str) -> list[Run]:
        """The single steps of the runs that the two are compared by; none where there is no state to start from."""
        if self.folder.trajectory(self.scenario) is None:
            return []
        return [replace(run, variation=SINGLE_STEP) for run in self.agreement.runs(a, b) if run]

    def layerwise(self, name: str, index: int = 1) -> Run:
        return further_runs.layerwise(self.alone[name], index)

    def _calls(self, name: str) -> list[Run]:
        return [self.layerwise(name, index) for index in (1, BETWEEN)] if name in self.alone else []

    def _calls_between(self, pair: tuple[str, str], place: Place | None) -> list[Run]:
        """The calls of both from the other states, where they part in one from which none were recorded: what shows there
        alone depends on the batch, as a corner does."""
        recorded = [self.held(name).states for name in pair]
        if place is None or place.stage in WHOLE or not all(recorded) or all(place.state in states for states in recorded):
            return []
        return [self.layerwise(name, BETWEEN) for name in pair]

    def calls_at(self, name: str, place: Place | None) -> list[Run]:
        """The calls of one, and those from the other states where its run parts from its oracle in one of these."""
        here = place is None or not self.held(name).states or place.state in self.held(name).states
        return self._calls(name)[: 1 if here else None]

    def perturbed(self, name: str) -> list[Run]:
        """Reruns that show how far what float32 rounds inside grows."""
        return [
            Run(configuration=self.alone[name], variation="perturbed", precision="float64", index=index + 1)
            for index in range(PERTURBED)
        ]

    # -- where they part, and who is off

    def parting(self, a: str, b: str) -> Parting:
        """What is known of two environments that differ, whichever is named first."""
        a, b = self.agreement.in_order(a, b)
        if (forgetting := self._forgetting(a, b)) is not None:
            return Parting(place=None, off=forgetting.subject, causes=(forgetting,))
        place = self.place(a, b) or self._predicting_place(a, b)
        odd = self.agreement.odd_one_out(a, b)
        inside = place is not None and self._float32_inside(a, b, place)
        if inside and (behind := self._departing_behind(a, b)):
            place, inside = behind[0].place, False
        if inside and (later := self._behind_float32(a, b)) is not None:
            place, inside = later, False
        if inside and place is not None:
            cause = Cause(code=Code.FLOAT32_INSIDE, subject=odd, detail=(("layer", place.tensor),))
            return Parting(place=place, off="", causes=(cause,), float32_inside=True)
        if departures := self._departures(a, b, place):
            off = {one.environment for one in departures}
            causes = composing.united([[definitions.cause(one) for one in departures]])
            place = place or departures[0].place
            return Parting(place=place, off=off.pop() if len(off) == 1 else "", causes=causes)
        place = place or self._whole_place(a, b)
        if found := corners.between(self.held(a), self.held(b), place, self.agreement.odd_one_out(a, b)):
            return Parting(place=place, off="", causes=found)
        if found := self._halfway(a, b, place):
            return Parting(place=place, off="", causes=found)
        if (predicted := self._predicting_apart(a, b)) is not None:
            return Parting(place=place, off=predicted.subject, causes=(predicted,))
        if causes := self._hypotheses(a, b, odd, place):
            return Parting(place=place, off=odd, causes=causes)
        if compiled := self._compiled(a, b):
            begins = place if place is not None and place.stage not in WHOLE else None  # where it shows says nothing of why
            return Parting(place=begins, off=compiled[0].subject if len(compiled) == 1 else "", causes=compiled)
        return Parting(place=place, off=odd, causes=(self._unexplained(odd, place),))

    def _halfway(self, a: str, b: str, place: Place | None) -> tuple[Cause, ...]:
        recorded = [self.folder.further(self.layerwise(name)) for name in (a, b) if name in self.alone]
        whole = [one for one in recorded if not isinstance(one, str)]
        return halfway.between(whole[0], whole[1], place) if len(whole) == len((a, b)) else ()

    def _forgetting(self, a: str, b: str) -> Cause | None:
        """That one of them does not keep what layers are to keep from one batch to the next, and the other does."""
        subjects = {name: self.folder.subject(self.trained[name]) for name in (a, b) if name in self.trained}
        facts = {name: one.plain[1].facts.get(MEMORY_LOST, "") for name, one in subjects.items() if not isinstance(one, str)}
        if len(facts) < 2:
            return None
        mine, other = (set(facts[name].split(", ")) - {""} for name in (a, b))
        if bool(mine - other) == bool(other - mine):
            return None
        subject, lost = (a, mine - other) if mine - other else (b, other - mine)
        return Cause(code=Code.MEMORY_LOST, subject=subject, detail=(("layer", ", ".join(sorted(lost))),))

    def _compiled(self, a: str, b: str) -> tuple[Cause, ...]:
        alone = {a, b} <= self.alone.keys()
        return compiled_steps.between(self.folder, self.alone[a], self.alone[b]) if alone else ()

    def _unexplained(self, odd: str, place: Place | None) -> Cause:
        if not odd:
            return Cause(code=Code.UNKNOWN)
        others = sorted(name for name in self.trained if name != odd)
        where = self._detail(odd, others, place) if place else ()
        return Cause(code=Code.ODD_ONE_OUT, subject=odd, detail=(("others", ", ".join(others)), *where))

    def _detail(self, odd: str, others: list[str], place: Place) -> operations.Detail:
        calls = {one: self._calls(one) for one in (odd, *others)}
        found = operations.detail(self.folder, calls, place)
        if dict(found).get("known"):
            return found
        defect = known_defects.of_weight(self.folder, calls, place)
        if place.stage == definitions.EVALUATION and odd in self.alone:
            defect = known_defects.of_metric(self.folder, self.alone[odd], place.tensor)
        return (*found, ("known", defect)) if defect else found

    def place(self, a: str, b: str) -> Place | None:
        """Where one step of each from common states parts; None if that was not run, or shows nothing. What float32 rounds
        is passed over where something wider begins later. In a gradient, it is the layer that computes another one, if
        their recorded calls show it."""
        stages = self._stages(a, b)
        place = single_step.first(stages, equivalence.SAME_SEMANTICS) if stages else None
        if place is not None and place.stage in NARROW_STAGES and place.size <= FLOAT32_AT_MOST:
            early = {state: [one for one in found if one.stage in NARROW_STAGES] for state, found in stages.items()}
            place = single_step.wider(early, FLOAT32_AT_MOST, GROWS, equivalence.SAME_SEMANTICS) or place
        if place is None or place.stage != "gradient" or not {a, b} <= self.alone.keys():
            return place
        return self._layer_apart(a, b) or place

    def _layer_apart(self, a: str, b: str) -> Place | None:
        if (a, b) not in self._layers:
            recorded = [self.folder.further(self.layerwise(name)) for name in (a, b)]
            whole = [one for one in recorded if not isinstance(one, str)]
            if len(whole) < 2:  # later, it may have run
                return None
            self._layers[a, b] = layer_gradients.apart(*whole)
        return self._layers[a, b]

    def _stages(self, a: str, b: str) -> Stages:
        if (a, b) not in self._parted:
            found = [self.folder.further(run) for run in self._steps(a, b)]
            whole = [one for one in found if not isinstance(one, str)]
            stages = single_step.stage_distances(*whole) if len(whole) == 2 else {}
            self._parted[a, b] = {state: distances for state, distances in stages.items() if state.isdigit()}
        return self._parted[a, b]

    def _float32_inside(self, a: str, b: str, place: Place) -> bool:
        """Whether what parts them is a few units of float32's roundoff, while single float32 steps are within rounding: then
        a layer computes in float32 in a float64 run of one side, and that is no difference."""
        stages = self._stages(a, b)
        early = [one.value for found in stages.values() for one in found if one.stage in NARROW_STAGES]
        if place.stage not in NARROW_STAGES or not early or not max(early) <= FLOAT32_AT_MOST:
            return False
        return not any(not one.narrow and one.is_at(place) for one in self._departing(a, b))

    def _behind_float32(self, a: str, b: str) -> Place | None:
        """Where something begins that is wider than what float32 rounds in a layer, if reruns show that this does not grow
        as far as the two are apart. None without them: an optimizer may have made a whole step of a gradient that is nothing
        but rounding."""
        subjects = [self.folder.subject(self.trained[name]) for name in (a, b)]
        if not any(not isinstance(one, str) and one.perturbed for one in subjects) or not self.agreement.differ(a, b):
            return None
        return single_step.wider(self._stages(a, b), FLOAT32_AT_MOST, GROWS, equivalence.SAME_SEMANTICS)

    def is_narrow_at(self, name: str, place: Place | None) -> bool:
        """Whether a recorded call shows that a layer computes in float32 there, in a float64 run of this environment, and
        that is all that is off there."""
        if place is None or not place.size <= FLOAT32_AT_MOST:
            return False
        narrow = [one.narrow for one in self.held(name).departures if one.is_at(place)]
        return bool(narrow) and all(narrow)

    def _departures(self, a: str, b: str, place: Place | None) -> list[Departure]:
        """What departs from its definition in one of them, not in both alike, and explains where they part: it is there. A
        layer that gets its gradient wrong shows in the weights of the layers before it. If no place is known, what can show
        in what they compute differently."""
        alone = self._departing_alone(a, b)
        if place is not None:
            return definitions.explaining(alone, place)
        return predicting.showing(alone, self.agreement.quantities(a, b))

    def _predicting_place(self, a: str, b: str) -> Place | None:
        runs = [self.folder.complete(run) if run else "" for run in self.agreement.runs(a, b)]
        return predicting.place(self.folder, self.scenario, (a, b), self.agreement.quantities(a, b), runs)

    def _whole_place(self, a: str, b: str) -> Place | None:
        """Where their whole runs come apart, if their single steps do not."""
        found = self.agreement.measured(*self.agreement.in_order(a, b))
        return rounds.earliest_place(found) if self._stages(a, b) and not isinstance(found, str) else None

    def _predicting_apart(self, a: str, b: str) -> Cause | None:
        """Of two that train alike and predict differently, the one that trains while it predicts, or that predicts from a
        file as no other does."""
        if not {a, b} <= self.alone.keys() or not predicting.trained_alike(self.agreement.quantities(a, b)):
            return None
        if (moving := predicting.moving(self.folder, self.scenario, (a, b))) is not None:
            defect = known_defects.of_moving(self.folder, self.alone[moving.subject], {name for _, name in moving.detail})
            return known_defects.with_known(moving, defect)
        return predicting.odd_of(self.folder, self.alone[a], (a, b))

    def departing_at(self, name: str, place: Place | None) -> tuple[Cause, ...]:
        """What departs from its definition in one environment, and explains that its run parts there from its oracle, which
        computes batch normalization by a definition of its own. None if no place is known."""
        if place is None:
            return ()
        found = [one for one in self.held(name).departures if not one.narrow]
        return composing.united([[definitions.cause(one) for one in definitions.explaining(found, place)]])

    def _departing_behind(self, a: str, b: str) -> list[Departure]:
        """What departs by more than float32 rounds, where the first place at which they part does not."""
        return [one for one in self._departing_alone(a, b) if one.size > FLOAT32_AT_MOST]

    def _departing_alone(self, a: str, b: str) -> list[Departure]:
        """In one of them, not in both alike."""
        found = [one for one in self._departing(a, b) if not one.narrow]
        return [one for one in found if not any(one.is_alike(other) for other in found)]

    def _departing(self, a: str, b: str) -> list[Departure]:
        return [one for name in (a, b) for one in self.held(name).departures]

    def held(self, name: str) -> Held:
        """An environment's calls held against their definitions, as far as they were recorded."""
        if name not in self.alone:
            return Held(environment=name, missing="it was not trained on one device")
        if name not in self._held:
            self._held[name] = definitions.together(*(definitions.held(self.folder, name, run) for run in self._calls(name)))
        return self._held[name]

    def _hypotheses(self, a: str, b: str, odd: str, place: Place | None) -> tuple[Cause, ...]:
        """Deviations with which the other side's oracle does as one of them does: about the odd one, if there is one."""
        inquiry = self._inquiry(a, b)
        if inquiry is None or _begins_narrow(inquiry, place):
            return ()
        return tuple(replace(cause, subject=odd) for cause in diagnoses.causes(inquiry.diagnosis(None)))

    def _inquiry(self, a: str, b: str) -> Inquiry | None:
        """Which deviation of the other side's oracle predicts the odd one's run; None if neither is odd, or if the odd one's
        run is not even what its own strategy declares."""
        if (a, b) not in self._inquiries:
            self._inquiries[a, b] = self._inquired(a, b)
        return self._inquiries[a, b]

    def _inquired(self, a: str, b: str) -> Inquiry | None:
        odd = self.agreement.odd_one_out(a, b) or (b if len(self.trained) == 2 else "")
        if not odd or self.place(a, b) is None or not {a, b} <= self.alone.keys():
            return None
        other = a if odd == b else b
        oracle, subject = self.folder.oracle_of(self.alone[other]), self.folder.subject(self.alone[odd])
        emulated = self.folder.complete(oracle) if oracle else "none"
        if oracle is None or isinstance(emulated, str) or isinstance(subject, str) or subject.float64 is None:
            return None
        try:
            if subject.oracle is not None and equivalence.differs(verdicts.oracle_distance(compare.declared(subject))):
                return None
            found = compare.float64_runs(subject, subject.float64, emulated)
        except (DamagedArtifact, ValueError):
            return None
        return Inquiry(self.folder, self.alone[odd], oracle, found)


def _begins_narrow(inquiry: Inquiry, place: Place | None) -> bool:
    """Whether an inquiry sees no farther than a layer that computes in float32, while the two part behind it, by more."""
    first = inquiry.place
    return first is not None and place is not None and first.size <= FLOAT32_AT_MOST < place.size
