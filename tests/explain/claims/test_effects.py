"""Effects and interactions of a factorial whose distances are known by construction."""

from __future__ import annotations

from itertools import combinations, product

from suite.explain.claims import effects
from suite.explain.claims.effects import Levels, Pair
from suite.records import Effect

FACTORS = {"devices": ("one", "several"), "normalization": ("own", "shared"), "last batch": ("even", "uneven")}


def response(levels: dict[str, str]) -> float:
    """Weights move by 1 with the last batch; with several devices by 0.1 if it is uneven, and by 0.5 with own statistics."""
    several = levels["devices"] == "several"
    own = 0.5 if several and levels["normalization"] == "own" else 0.0
    uneven = 0.1 if several and levels["last batch"] == "uneven" else 0.0
    return own + uneven + (1.0 if levels["last batch"] == "uneven" else 0.0)


def pairs() -> dict[str, list[Pair]]:
    cells: list[Levels] = [tuple(zip(FACTORS, levels, strict=True)) for levels in product(*FACTORS.values())]
    found: dict[str, list[Pair]] = {}
    for a, b in combinations(cells, 2):
        apart = [index for index in range(3) if a[index] != b[index]]
        if len(apart) == 1:
            (index,) = apart
            distance = abs(response(dict(a)) - response(dict(b)))
            rest = a[:index] + a[index + 1 :]
            found.setdefault(a[index][0], []).append((rest, (a[index][1], b[index][1]), distance, 2 * distance))
    return found


def effect(found: tuple[Effect, ...], factor: str) -> Effect:
    (one,) = [effect for effect in found if effect.factor == factor]
    return one


def test_a_main_effect_is_over_all_settings_of_the_others() -> None:
    found = effects.effects(pairs())
    last, devices = effect(found, "last batch"), effect(found, "devices")
    assert (last.pairs, last.levels, last.given) == (4, ("even", "uneven"), ())
    assert (round(last.weights.smallest, 9), round(last.weights.largest, 9)) == (1.0, 1.1)
    assert (devices.weights.smallest, round(devices.weights.median, 9), round(devices.weights.largest, 9)) == (0.0, 0.3, 0.6)
    assert devices.predictions.largest == 2 * devices.weights.largest


def test_an_interaction_is_where_an_effect_depends_on_another_factor() -> None:
    found = effects.interactions(pairs())
    by = {(one.effects[0].factor, one.by): one for one in found}
    assert set(by) == {("devices", ("normalization", "last batch")), ("normalization", ("devices",))}
    joint = {dict(one.given)["normalization"] + " " + dict(one.given)["last batch"]: one.weights.median for one in
             by["devices", ("normalization", "last batch")].effects}  # fmt: skip
    assert {name: round(value, 9) for name, value in joint.items()} == {
        "own even": 0.5, "own uneven": 0.6, "shared even": 0.0, "shared uneven": 0.1,
    }  # fmt: skip
    assert [one.weights.median for one in by["normalization", ("devices",)].effects] == [0.0, 0.5]


def test_what_float64_rounds_to_is_no_interaction() -> None:
    rounded = {
        factor: [(rest, levels, 1e-16 if index % 2 else 1e-12, 0.0) for index, (rest, levels, _, _) in enumerate(group)]
        for factor, group in pairs().items()
    }
    assert effects.interactions(rounded) == ()
    assert effects.interactions({}) == () == effects.effects({})
