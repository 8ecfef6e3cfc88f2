"""What a finding takes from its pairs, and what it does not."""

from __future__ import annotations

from dataclasses import replace

from suite.explain import findings, fingerprint
from suite.records import Cause, Code, ConsistencyCheck, Diagnosis, Magnitude, Pair, Part, Place, Verdict, because
from suite.report import brief
from suite.report.causes import words
from tests.report import sample

PLACE = Place(stage="loss", tensor="loss", state="19", size=0.1, ratio=1e9)


def test_what_did_not_run_begins_to_differ_nowhere() -> None:
    def place(pair: Pair) -> Place | None:
        return findings.group([pair], ())[0].place

    different = next(pair for pair in sample.results().pairs if pair.verdict is Verdict.DIFFERENT)
    pair = replace(different, place=PLACE)
    assert place(replace(pair, verdict=Verdict.BY_DESIGN)) == PLACE
    assert place(replace(pair, verdict=Verdict.NOT_RUN, quantities=())) is None


def test_one_set_of_causes_is_one_finding_whatever_its_numbers() -> None:
    pairs = [pair for pair in sample.results(healthy=True).pairs if pair.verdict is Verdict.BY_DESIGN]
    assert len(pairs) > 1
    near = Cause(code=Code.BY_DESIGN, detail=(("gradients", "x"),), evidence=(("a", 1e-14),))
    alike = [replace(pair, causes=(replace(near, evidence=(("a", size),)),)) for size, pair in enumerate(pairs)]
    assert [len(finding.members) for finding in findings.group(alike, ())] == [len(pairs)]
    both = [*alike[1:], replace(alike[0], causes=(*alike[0].causes, Cause(code=Code.UNKNOWN)))]
    assert sorted(len(finding.members) for finding in findings.group(both, ())) == [1, len(pairs) - 1]


def test_the_side_is_the_run_that_all_have_in_common_or_its_environment() -> None:
    named = Cause(code=Code.DTYPE_DEMOTED)
    pairs = [replace(pair, causes=(named,)) for pair in sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True).pairs]
    against = [pair for pair in pairs if pair.b == pairs[-1].b]
    finding = findings.group(against, ())[0]
    assert (finding.side, finding.environment) == (pairs[-1].b, pairs[-1].b.configuration.environment)
    of_torch = [pair for pair in pairs if pair.b.configuration.environment == "torch"]
    finding = findings.group(of_torch, ())[0]
    assert (finding.side, finding.environment) == (None, "torch")
    finding = findings.group(pairs, ())[0]
    assert (finding.side, finding.environment) == (None, "")


def test_place_and_sizes_are_not_those_of_a_declared_difference_that_comes_with_it() -> None:
    declared, unknown = Cause(code=Code.BY_DESIGN), Cause(code=Code.DTYPE_DEMOTED)
    first, second = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True).pairs[:2]
    large = (Magnitude(metric="pmax", value=1.0, rungs=()),)
    both = replace(first, causes=(declared, unknown), place=PLACE, magnitudes=large)
    alone = replace(second, causes=(unknown,), place=None, magnitudes=())
    (found,) = findings.group([both, alone], ())
    assert (len(found.members), found.place, found.magnitudes) == (2, None, ())
    (found,) = findings.group([both], ())
    assert (found.place, found.magnitudes) == (PLACE, large), "where it always comes with it, that is what is known"


def different(**changes: object) -> list[Pair]:
    """Pairs of different environments, all of them off for unknown reasons."""
    pairs = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True).pairs
    unknown = [replace(pair, causes=(Cause(code=Code.UNKNOWN),), side=pair.b, place=PLACE) for pair in pairs]
    return [replace(pair, **changes) for pair in unknown]  # type: ignore[arg-type]


def test_what_is_unknown_in_different_environments_is_not_one_finding() -> None:
    found = findings.group(different(), ())
    assert len(found) > 1
    assert {finding.environment for finding in found} == {pair.b.configuration.environment for pair in different()}
    assert len(findings.group(different(causes=(Cause(code=Code.DTYPE_DEMOTED),)), ())) == 1


def test_what_is_unknown_and_begins_at_different_stages_is_not_one_finding() -> None:
    pairs = [pair for pair in different() if pair.b.configuration.environment == "torch"]
    assert len(findings.group(pairs, ())) == 1
    later = replace(pairs[0], place=replace(PLACE, stage="update"))
    found = findings.group([*pairs[1:], later], ())
    assert {finding.place and finding.place.stage for finding in found} == {"loss", "update"}


def test_a_backend_that_reaches_nan_on_one_device_and_on_two_is_one_finding_of_each_model() -> None:
    """On two devices, nothing shows which operation makes it."""
    named = Cause(code=Code.NON_FINITE, subject="jax", detail=(("stage", "gradient"), ("operation", "keras.ops.std")))
    first, *others = different()
    same = [one for one in others if one.scenario == first.scenario]
    other = next(one for one in others if one.scenario != first.scenario)
    on_two = replace(same[0], causes=(replace(named, detail=()),), place=None)
    found = findings.group([replace(first, causes=(named,)), on_two, replace(other, causes=(named,))], ())
    assert [len(one.members) for one in found] == [2, 1]
    assert set(found[0].causes[0].detail) == set(named.detail) and found[0].place == PLACE


def test_a_backend_that_reaches_nan_on_both_sides_of_a_pair_does_so_as_on_one_and_is_accepted_with_it() -> None:
    alone = Cause(code=Code.NON_FINITE, subject="jax")
    first, *others = different()
    second = next(one for one in others if one.scenario == first.scenario)
    one, both = replace(first, causes=(alone,)), replace(second, verdict=Verdict.INVALID, causes=(alone,), side=None)
    (found,) = findings.group([one, both], ())
    assert (found.verdict, found.members) == (Verdict.DIFFERENT, (one, both))
    parts = (Part(scenario=first.scenario, fingerprint="0", accepted="padding of zeros"),)
    assert set(replace(found, parts=parts).excuses()) == {one.id, both.id}
    everywhere = replace(both, causes=(replace(alone, subject=""),))
    assert [one.verdict for one in findings.group([one, everywhere], ())] == [Verdict.DIFFERENT, Verdict.INVALID]


def test_models_that_reach_nan_on_every_side_do_so_each_for_itself() -> None:
    """As one has it in its loss and another in a gradient: neither's place is the other's."""
    lost = Cause(code=Code.NON_FINITE)
    pairs = different(verdict=Verdict.INVALID, causes=(lost,), side=None)
    first = pairs[0].scenario
    places = {True: PLACE, False: replace(PLACE, stage="gradient")}
    found = findings.group([replace(pair, place=places[pair.scenario == first]) for pair in pairs], ())
    assert len(found) == len({pair.scenario for pair in pairs}) > 1
    for finding in found:
        (scenario,) = {member.scenario for member in finding.members}
        assert finding.place == places[scenario == first]


def both_with_a_defect() -> tuple[list[Pair], list[Pair]]:
    """What one defect shows and the other does not, and what both of them are in; all of one scenario."""
    of_scenario = [pair for pair in different() if pair.scenario == different()[0].scenario]
    pairs = {pair.b.configuration.environment: pair for pair in of_scenario}
    of_one = [
        replace(pair, causes=(Cause(code=Code.DEFINITION, subject=name),), place=replace(PLACE, tensor=name))
        for name, pair in list(pairs.items())[:2]
    ]
    turned = tuple(replace(cause, evidence=(("a", 1.0),)) for pair in reversed(of_one) for cause in pair.causes)
    both = next(pair for pair in of_scenario if pair.id not in {one.id for one in of_one})
    return of_one, [replace(both, causes=turned, side=None, place=PLACE)]


def test_a_pair_of_two_sides_that_have_a_defect_each_is_in_the_findings_of_both() -> None:
    of_one, of_both = both_with_a_defect()
    found = findings.group([*of_both, *of_one], ())
    assert [[cause.subject for cause in one.causes] for one in found] == [
        [pair.b.configuration.environment] for pair in of_one
    ]
    for one, alone in zip(found, of_one, strict=True):
        assert one.members == (alone, *of_both)
        assert (one.side, one.place) == (alone.side, alone.place), "the pair of both shows neither side nor place"


def test_a_known_defect_is_one_finding_whatever_layers_of_a_backend_show_it() -> None:
    def departs(layer: str, **known: str) -> Cause:
        names = {"what": "layer", "class": "Embedding", "name": layer, "stage": "update", **known}
        return Cause(code=Code.DEFINITION, subject="tensorflow", detail=tuple(names.items()))

    first, second = different()[:2]
    known = [replace(first, causes=(departs("a", known="K-01"),)), replace(second, causes=(departs("b", known="K-01"),))]
    (found,) = findings.group(known, ())
    assert len(found.members) == 2 and "Embedding (a, b), update" in words(found.causes)
    assert "the layers" in words(found.causes) and "depart from" in words(found.causes)
    assert findings.group(known[:1], ())[0].causes == known[0].causes, "of one layer nothing is put together"
    losses = [("what", "loss"), ("class", "Huber"), ("stage", "loss"), ("known", "K-12"), ("name", "a"), ("name", "b")]
    assert "the loss Huber, loss in" in words([Cause(code=Code.DEFINITION, subject="jax", detail=tuple(losses))])
    several = (*losses, ("class", "Tversky"))
    assert "the losses Huber, Tversky, loss in" in words([Cause(code=Code.DEFINITION, subject="jax", detail=several)])
    elsewhere = replace(second, causes=(replace(departs("a", known="K-01"), subject="torch"),))
    unknown = [replace(first, causes=(departs("a"),)), replace(second, causes=(departs("b"),))]
    for apart in ([known[0], elsewhere], unknown, [known[0], replace(second, causes=(departs("a", known="K-02"),))]):
        assert len(findings.group(apart, ())) == 2


def test_a_pair_of_two_causes_of_which_one_shows_nowhere_else_is_a_finding_of_its_own() -> None:
    of_one, of_both = both_with_a_defect()
    found = findings.group([*of_both, of_one[0]], ())
    assert sorted(len(one.causes) for one in found) == [1, 2]
    assert all(len(one.members) == 1 for one in found)


def test_causes_that_come_together_are_one_part_of_a_pair_that_has_a_third() -> None:
    (first, second), (both,) = both_with_a_defect()
    beside = Cause(code=Code.DEFINITION, subject=first.causes[0].subject, detail=(("name", "loss"),))
    two = replace(first, causes=(*first.causes, beside))
    all_three = replace(both, causes=(*both.causes, beside))
    found = findings.group([all_three, second, two], ())
    assert sorted(len(one.causes) for one in found) == [1, 2]
    assert all(one.members[1:] == (all_three,) for one in found)


def test_a_pair_of_two_findings_is_accepted_where_both_of_them_are() -> None:
    of_one, of_both = both_with_a_defect()
    found = findings.group([*of_one, *of_both], ())
    parts = [(Part(scenario=pair.scenario, fingerprint="0", accepted=f"why {pair.b.id}"),) for pair in of_one]
    results = sample.results()
    one = replace(results, findings=(replace(found[0], parts=parts[0]), found[1])).excused
    assert one == {of_one[0].id: f"why {of_one[0].b.id}"}
    both = replace(results, findings=tuple(map(lambda it, part: replace(it, parts=part), found, parts))).excused
    assert both.keys() == {pair.id for pair in (*of_one, *of_both)}


def test_the_side_of_a_file_that_is_not_its_model_is_the_run_that_saved_it() -> None:
    checks = [one for one in sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True).checks if one.kind == "saved"]
    alone = [one for one in checks if one.run == checks[0].run]
    assert findings.group(alone, ())[0].side == checks[0].run
    [every] = findings.group(checks, ())
    assert every.side is None


def with_two_causes() -> ConsistencyCheck:
    """A file that does not hold a seed, and that predicts differently by design."""
    check = next(one for one in sample.results().checks if one.kind == "saved" and one.quantities)
    lost = Cause(code=Code.NOT_SAVED, detail=(("tensor", "dropout/seed"),))
    expected = Cause(code=Code.BY_DESIGN, detail=(("live predictions", "own statistics of each replica"),))
    quantities = [
        replace(check.quantities[0], quantity=quantity, verdict=verdict, causes=(cause,))
        for quantity, verdict, cause in (
            ("other state", Verdict.DIFFERENT, lost),
            ("predictions", Verdict.BY_DESIGN, expected),
        )
    ]
    return replace(check, verdict=Verdict.DIFFERENT, causes=(lost,), quantities=tuple(quantities))


def test_what_is_by_design_in_another_quantity_of_a_check_has_a_finding_of_its_own() -> None:
    check = with_two_causes()
    only = replace(check, verdict=Verdict.BY_DESIGN, causes=check.quantities[1].causes, quantities=check.quantities[1:])
    worse, expected = findings.group([check, replace(only, form="other.keras")], ())
    assert (worse.verdict, worse.causes, worse.members) == (Verdict.DIFFERENT, check.causes, (check,))
    assert (expected.verdict, expected.causes) == (Verdict.BY_DESIGN, check.quantities[1].causes)
    assert len(expected.members) == 2 and expected.members[0] == check


def test_to_accept_what_is_by_design_in_a_check_does_not_accept_what_is_worse() -> None:
    check = with_two_causes()
    parts = (Part(scenario=check.scenario, fingerprint="0", accepted="as declared"),)
    worse, expected = (replace(one, parts=parts) for one in findings.group([check], ()))
    assert (worse.excuses(), expected.excuses()) == ({check.id: "as declared"}, {})


def test_one_reason_for_which_nothing_ran_is_one_finding() -> None:
    checks = sample.results(healthy=True).checks[:3]
    unknown, other = because(Code.NOT_RUN, "Keras does not know it"), because(Code.NOT_RUN, "it was killed")
    kinds = zip(checks, ("saved", "resumed", "reloaded"), strict=True)
    members = [replace(check, verdict=Verdict.NOT_RUN, causes=(unknown,), kind=kind) for check, kind in kinds]
    assert [len(one.members) for one in findings.group(members, ())] == [3]
    members[0] = replace(members[0], causes=(other,))
    assert sorted(len(one.members) for one in findings.group(members, ())) == [1, 2]


def test_one_reason_for_which_several_sides_have_no_result_is_one_finding_that_names_them() -> None:
    def without(*sides: str) -> tuple[Cause, ...]:
        return (Cause(code=Code.NOT_RUN, detail=(("reason", "no such kernel"), *(("side", side) for side in sides))),)

    pairs = sample.results(healthy=True).pairs[:3]
    causes = (without("torch x1"), without("torch x1", "torch x2"), without("torch x2"))
    members = [
        replace(pair, verdict=Verdict.NOT_RUN, causes=one, quantities=()) for pair, one in zip(pairs, causes, strict=True)
    ]
    (found,) = findings.group(members, ())
    assert len(found.members) == 3
    assert found.causes == without("torch x1", "torch x2")
    check = replace(sample.results(healthy=True).checks[0], verdict=Verdict.NOT_RUN, causes=without(), quantities=())
    assert findings.group([check, *members], ())[0].causes == found.causes, "a check names no side, and comes first"
    assert words(found.causes) == "torch x1, torch x2: no such kernel"
    assert words(without("a x1", "a x2", "b x1", "b x2")) == "a, b: no such kernel"
    assert brief.what(found) == "no result of torch x1, torch x2"


def lost(*names: str, code: Code = Code.NOT_SAVED) -> Cause:
    return Cause(code=code, detail=tuple(("tensor", name) for name in names))


def test_which_seeds_are_lost_makes_no_other_finding_and_all_of_them_are_named() -> None:
    checks = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True).checks[:4]
    drop, noise = "drop/seed_generator_state", "noise/seed_generator_state"
    causes = [(lost(noise),), (lost(drop),), (lost(drop), lost(noise, code=Code.RENEWED)), (lost("bn/moving_mean"),)]
    members = [replace(check, causes=one) for check, one in zip(checks, causes, strict=True)]
    found = {finding.causes: finding.members for finding in fingerprint.named(findings.group(members, ()))}
    assert found == {(lost(drop, noise),): tuple(members[:2]), **{one.causes: (one,) for one in members[2:]}}
    of_one = [fingerprint.named(findings.group([replace(checks[0], causes=(lost(name),))], ())) for name in (drop, noise)]
    assert of_one[0][0].fingerprint == of_one[1][0].fingerprint


DEPARTS = Cause(
    code=Code.DEFINITION,
    subject="torch",
    detail=(("what", "layer"), ("class", "AveragePooling2D"), ("name", "avg"), ("stage", "forward")),
)
LEFT = Place(stage="trajectory", tensor="shift/beta", state="1", size=1e-6, ratio=1e4)


def loaded(*causes: Cause) -> tuple[ConsistencyCheck, Diagnosis]:
    """A file of TensorFlow that is loaded on torch and predicts differently, and that its run left its declaration."""
    checks = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True).checks
    check = next(
        one
        for one in checks
        if (one.kind, one.run.configuration.environment, one.environment) == ("reloaded", "tensorflow", "torch")
    )
    return replace(check, causes=causes), Diagnosis(run=check.run, oracle=None, distance=1e-6, place=LEFT)


def test_the_side_is_what_the_causes_are_about_and_not_who_wrote_the_file() -> None:
    check, left = loaded(DEPARTS)
    [found] = findings.group([check], [left])
    assert (found.environment, found.side, found.place) == ("torch", None, None)
    rest = replace(check, causes=(DEPARTS, Cause(code=Code.UNKNOWN)))
    [found] = findings.group([rest], [left])
    assert (found.environment, found.side, found.place) == ("torch", None, None)


def test_where_training_leaves_what_is_declared_is_no_place_in_what_a_file_predicts() -> None:
    check, left = loaded(Cause(code=Code.UNKNOWN))
    [found] = findings.group([check], [left])
    assert found.place is None
    forward = replace(LEFT, stage="forward")
    [found] = findings.group([check], [replace(left, place=forward)])
    assert found.place == forward


def test_where_a_run_leaves_what_is_declared_is_its_place_although_a_cause_names_another() -> None:
    check, left = loaded(DEPARTS)
    [found] = findings.group([replace(check, kind="declared")], [left])
    assert found.place == LEFT
    [found] = findings.group([replace(check, kind="defined")], [left])
    assert found.place is None
