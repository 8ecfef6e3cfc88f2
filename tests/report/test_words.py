"""Words belong to the report alone: with other words, no verdict, name or count is different. And nothing lacks words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest

from suite.explain import findings as grouping
from suite.explain import fingerprint, hypotheses
from suite.judge import verdicts
from suite.records import (
    At,
    Cause,
    Change,
    Code,
    Comparison,
    Component,
    Diagnosis,
    Distances,
    Judged,
    Link,
    Results,
    Suspect,
    Verdict,
    plain,
)
from suite.report import (
    brief,
    causes,
    explanations,
    findings,
    glossary,
    html,
    hypothesis_words,
    junit,
    payload,
    results_json,
)
from suite.report.hypothesis_words import Words
from suite.report.said import Said
from suite.results import baseline
from suite.results.exit_code import exit_code
from suite.selftest import score
from suite.selftest.plan import Expected, Injected
from tests.report import builder, sample
from tests.report.document import FOUND, PEOPLE, objects

HYPOTHESES = ("gradients-summed", "learning-rate")
VERDICTS = {
    Code.BY_DESIGN: Verdict.BY_DESIGN,
    Code.UNDEFINED: Verdict.ROUNDING,
    Code.BELOW_FLOAT32: Verdict.ROUNDING,
    Code.FLOAT32_INSIDE: Verdict.ROUNDING,
    Code.UNCHECKED: Verdict.INCONCLUSIVE,
    Code.NON_FINITE: Verdict.INVALID,
    Code.RANDOM_STREAMS: Verdict.BY_DESIGN,
    Code.REPEATS_DIFFER: Verdict.NOISE,
    Code.AMPLIFIED_ROUNDING: Verdict.ROUNDING,
    Code.STEPS_ALIKE: Verdict.ROUNDING,
    Code.BEYOND_ENVELOPE: Verdict.INCONCLUSIVE,
    Code.NO_FLOAT64: Verdict.INCONCLUSIVE,
    Code.NOTHING_COMPARED: Verdict.INVALID,
    Code.INVALID: Verdict.INVALID,
    Code.NOT_RUN: Verdict.NOT_RUN,
    Code.UNSUPPORTED: Verdict.NOT_RUN,
}
DETAILS: dict[str, tuple[tuple[str, str], ...]] = {
    Code.BY_DESIGN: (("batch statistics", "per replica"),),
    Code.DEFINITION: (("what", "layer"), ("class", "Embedding"), ("name", "words"), ("stage", "gradient")),
    Code.UNDEFINED: (("layer", "custom"),),
    Code.ODD_ONE_OUT: (("others", "jax, tensorflow"), ("stage", "gradient"), ("tensor", "words")),
    Code.CORNER: (("layer", "leaky (LeakyReLU)"), ("odd", "jax")),
    Code.FLOAT32_INSIDE: (("layer", "resize"),),
    Code.UNCHECKED: (("reason", "no oracle: it was killed"),),
    Code.RENEWED: (("tensor", "dropout/seed"),),
    Code.UNSEEDED: (("layer", "dropout"),),
    Code.DTYPE_DEMOTED: (("variant", "float32"),),
    Code.NOT_SAVED: (("tensor", "norm/gamma"),),
    Code.COMPILED_DIFFERENTLY: (("loss.delta", "0.25 -> 1.0"),),
    Code.LOADED_DIFFERENTLY: (("gain.factor", "2.5 -> 1.0"),),
    Code.MEMORY_LOST: (("layer", "memory"),),
    Code.NARROWED: (("formats", "float32 for float64"),),
    Code.SAVE_STALE: (("step", "5"),),
    Code.SAVE_WRONG_REPLICA: (("replica", "1"),),
    Code.SAVE_SWAPPED: (("norm/gamma", "norm/beta"),),
    Code.SAVE_ALTERED: (("tensor", "norm/gamma"), ("format", "float16")),
    Code.NO_FLOAT64: (("reason", "it was not planned"),),
    Code.INVALID: (("reason", "NaN in norm/gamma"),),
    Code.NOT_RUN: (("reason", "it ended with exit code 1"),),
    Code.UNSUPPORTED: (("status", "unsupported"), ("reason", "it cannot load it")),
}
# Causes that are a reason in themselves, or the name of a hypothesis, or no difference: a finding repeats them.
REPEATED = {
    Code.DTYPE_DEMOTED,
    Code.AMPLIFIED_ROUNDING,
    Code.STEPS_ALIKE,
    Code.BELOW_FLOAT32,
    Code.FLOAT32_INSIDE,
    Code.UNDEFINED,
    Code.NO_FLOAT64,
    Code.NOTHING_COMPARED,
    Code.NOT_RUN,
    Code.UNSUPPORTED,
}
EVERY = (*Code, *HYPOTHESES)


def cause(code: str) -> Cause:
    return Cause(code=code, subject="torch", detail=DETAILS.get(code, ()), evidence=(("a", 0.25), ("b", 0.5)))


# ---------------------------------------------------------------- other words


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that one comparison leads to. `document`: as JSON, without what is added for people."""

    judged: tuple[Judged, ...]
    fingerprints: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    change: Change
    exit_code: int
    document: Mapping[str, Any]
    kinds: Mapping[str, tuple[str, ...]]
    score: score.Score


def compared() -> tuple[Results, list[Injected]]:
    """A pair for every cause, with their checks, findings, diagnoses and injected faults."""
    one, two = (builder.configurations([name], builder.BACKENDS, [1, 2]) for name in sample.SCENARIOS)
    two = [replace(configuration, scenario="injected-adam") for configuration in two]
    faulty = [replace(configuration, fault="bn-epsilon-small") for configuration in two]
    sides = [*combinations(one, 2), *combinations(two, 2), *zip(two, faulty, strict=True), *combinations(faulty, 2)]
    assert len(sides) >= len(EVERY), "every cause has a pair"
    rows = [builder.row(configuration) for configuration in (*one, *two, *faulty)]
    pairs = [
        replace(
            sample.pair(a, b, verdict := VERDICTS.get(code, Verdict.DIFFERENT)),
            causes=(cause(code),),
            side=plain(b) if verdict is Verdict.DIFFERENT else None,
        )
        for (a, b), code in zip(sides, EVERY * 2, strict=False)
    ]
    checks = [
        replace(builder.check(configuration, "saved", Verdict.DIFFERENT, "model.keras"), causes=(cause(code),))
        for configuration, code in zip(one, (Code.SAVE_STALE, Code.SLOTS_NOT_SAVED, Code.LOADED_WRONGLY), strict=False)
    ]
    diagnoses = tuple(
        Diagnosis(
            run=plain(configuration),
            oracle=None,
            distance=0.25,
            suspects=(
                Suspect(name=name, distance=1e-15, matches=True, whole=True),
                Suspect(name="bn-epsilon", distance=1e-15, matches=True, whole=True),
            ),
            tried=20,
        )
        for configuration, name in zip(faulty, HYPOTHESES * 3, strict=True)
    )
    results = builder.assemble(rows, pairs, checks, scenarios=[sample.SCENARIOS[0], "injected-adam"])
    results = replace(
        results,
        diagnoses=diagnoses,
        findings=fingerprint.named(grouping.group(results.members, diagnoses)),
        change=baseline.since(sample.results(verdicts=(Verdict.IDENTICAL,)), results, "old.json"),
    )
    expected = Expected(causes=("bn-epsilon",), stage="forward")
    return results, [Injected(fault="bn-epsilon-small", configuration=one, expected=expected) for one in faulty]


def judged() -> tuple[Judged, ...]:
    """What the judge says of a difference in each of its cases."""
    at = At(step=20, plain={"train": 0.5}, envelope={"train": 1e-6}, float64={"train": 0.25})
    comparison = Comparison(distances=(Distances(quantity="trainable weights", bits=False, at=(at,)),))
    fine, off = (
        Component(link=Link.STRATEGY, environment="torch", distances={"trainable weights": size}, causes=causes)
        for size, causes in ((0.0, ()), (0.25, (cause("gradients-summed"),)))
    )
    declared = replace(off, link=Link.DECLARATION, causes=(cause(Code.BY_DESIGN),))
    lost = Component(link=Link.BACKEND, environment="torch", missing="it was killed")
    near = replace(comparison.distances[0], at=(replace(at, float64={"train": 1e-15}),))
    return (
        *verdicts.judge(comparison),
        *verdicts.judge(replace(comparison, components=(fine, lost, fine))),
        *verdicts.judge(replace(comparison, components=(fine, declared, fine))),
        *verdicts.judge(replace(comparison, components=(fine, off))),
        *verdicts.judge(replace(comparison, no_float64="it was not planned")),
        *verdicts.judge(replace(comparison, distances=(near,))),
    )


def kinds(results: Results) -> dict[str, tuple[str, ...]]:
    """Suite -> its counts, and for each case its kind."""
    found = {}
    for suite in ElementTree.fromstring(junit.text(results)):
        counts = [f"{name} {suite.get(name)}" for name in ("tests", "failures", "errors", "skipped")]
        cases = [f"{case.get('name')}: {' '.join(part.tag for part in case)}" for case in suite]
        found[str(suite.get("name"))] = (*counts, *cases)
    return found


def outcome() -> Outcome:
    results, faults = compared()
    document = json.loads(results_json.text(results))
    for name, one in list(objects(document, FOUND)):
        for field in PEOPLE.get(name, {}):
            del one[field]
    return Outcome(
        judged=judged(),
        fingerprints=tuple(
            name for one in results.findings for name in (one.fingerprint, *(part.fingerprint for part in one.parts))
        ),
        verdicts=tuple(one.verdict for one in results.members),
        change=baseline.since(results, replace(results, pairs=results.pairs[::-1]), "old.json"),
        exit_code=exit_code(results.members, results.runs, results.broken, Verdict(results.plan.options.gate)),
        document=document,
        kinds=kinds(results),
        score=score.score(results, faults),
    )


def replace_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word of the report's tables."""
    other = Said(claim="Anders.", experiment="keines", advice="nichts", link="https://else.example/")
    for code in causes.SHORT:
        monkeypatch.setitem(causes.SHORT, code, lambda cause: f"anders {cause.code}")
    for code in explanations.FINDINGS:
        monkeypatch.setitem(explanations.FINDINGS, code, lambda what, where, cause: other)
    for name in hypothesis_words.HYPOTHESES:
        words = Words(words=f"anders {name}", advice="nichts", link="https://else.example/")
        monkeypatch.setitem(hypothesis_words.HYPOTHESES, name, words)
    for metric in glossary.METRICS:
        monkeypatch.setitem(glossary.METRICS, metric, f"anders {metric}")


def for_people(results: Results) -> list[tuple[str, str, object]]:
    """What is added for people: (record, field, words)."""
    document = json.loads(results_json.text(results))
    return [(name, field, one[field]) for name, one in objects(document, FOUND) for field in sorted(PEOPLE.get(name, {}))]


def test_words_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = outcome()
    assert {Verdict.BY_DESIGN, Verdict.DIFFERENT, Verdict.INCONCLUSIVE, Verdict.NOT_RUN} <= set(before.verdicts)
    assert any(one.detected for one in before.score.outcomes) and before.score.alarms
    assert len(before.fingerprints) > len(EVERY)
    replace_all(monkeypatch)
    after = outcome()
    for name in Outcome.__dataclass_fields__:
        assert getattr(after, name) == getattr(before, name), name


def test_the_words_that_were_changed_are_those_that_a_person_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows that the test above changes something."""
    results, _ = compared()
    before, page = for_people(results), html.text(results)
    replace_all(monkeypatch)
    after = for_people(results)
    assert [entry[:2] for entry in before] == [entry[:2] for entry in after]
    both = list(zip(before, after, strict=True))
    changed = {entry[:2] for entry, other in both if entry != other}
    assert {("Pair", "cause"), ("ConsistencyCheck", "cause"), ("Finding", "claim"), ("Finding", "advice")} <= changed
    same = [str(entry[2]) for entry, other in both if entry == other and entry[1] in ("cause", "claim")]
    of_no_table = re.compile(r"\w+ does not do what its strategy declares in .*\. The cause is unknown\.")
    assert [words for words in same if not of_no_table.fullmatch(words)] == []
    said = html.text(results)
    for metric in payload.metrics(results):
        assert f"anders {metric}" in said
        assert f"anders {metric}" not in page


# ---------------------------------------------------------------- nothing lacks words


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words(code: Code) -> None:
    words = causes.SHORT[code](cause(code))
    assert words
    assert words == words.strip()
    for name in (name for _, name in DETAILS.get(code, ())):
        assert name in words


def test_float64_against_float32_says_who_has_no_float64() -> None:
    wide = "norm/beta is float32(12,) on one side and float64(12,) on the other"
    said = explanations.said("1 pair", "in a", [Cause(code=Code.INVALID, detail=(("reason", wide),))], "invalid")
    assert said.claim == f"1 pair in a: {wide}." and said.advice.startswith("JAX has float64 only with JAX_ENABLE_X64=1")
    other = "x is float32(2,) on one side and float32(3,) on the other"
    assert not explanations.said("1 pair", "in a", [Cause(code=Code.INVALID, detail=(("reason", other),))], "invalid").advice


def test_no_other_code_has_words() -> None:
    assert causes.SHORT.keys() == set(Code)
    assert explanations.FINDINGS.keys() == set(Code) - REPEATED


@pytest.mark.parametrize("code", [*Code, *hypothesis_words.HYPOTHESES])
def test_a_finding_of_every_cause_has_a_claim_and_an_experiment(code: str) -> None:
    said = explanations.said("8 pairs", "in article-mlp", (cause(code),), "different")
    assert said.claim.endswith(".")
    assert not said.claim.endswith("..")
    assert "8 pairs" in said.claim and "in article-mlp" in said.claim
    assert said.experiment and not said.experiment.endswith(".")
    if code in REPEATED and code not in hypothesis_words.HYPOTHESES:
        assert causes.words((cause(code),)) in said.claim


def test_every_cause_of_the_judge_has_a_finding_with_words() -> None:
    results, _ = compared()
    found = {one.finding.causes[0].code: one for one in findings.worded(results)}
    rounding = {code for code, verdict in VERDICTS.items() if verdict is Verdict.ROUNDING}
    assert found.keys() == set(EVERY) - rounding, "of what is rounding nothing is found"
    for one in found.values():
        assert all((one.claim, one.evidence, one.experiment, one.repeat)), one


@pytest.mark.parametrize("code", [*Code, "gradients-summed"])
def test_the_verb_of_a_claim_agrees_with_what_is_counted(code: str) -> None:
    one, several = (explanations.said(what, "in a", (cause(code),), "different").claim for what in ("1 pair", "8 pairs"))
    assert not re.match(r"1 pair in a (are|have|do|differ|hold|compare|compute|draw)\b", one)
    assert not re.match(r"8 pairs in a (is|has|does|differs|holds|compares|computes|draws)\b", several)


def test_every_hypothesis_has_words_and_nothing_else_does() -> None:
    assert hypothesis_words.HYPOTHESES.keys() == hypotheses.BY_NAME.keys() | {Code.DTYPE_DEMOTED}
    for name, words in hypothesis_words.HYPOTHESES.items():
        assert words.words and words.advice, name
        assert not (words.words + words.advice).count("\n")
        assert words.words[-1] not in ".;" and words.advice[-1] not in ".;", name
        assert words.link.startswith("https://") or not words.link


def test_no_two_causes_have_the_same_words() -> None:
    """A reader could not tell them apart."""
    said = [causes.words((replace(cause(code), detail=()),)) for code in hypothesis_words.HYPOTHESES]
    said += [causes.words((cause(code),)) for code in Code if code is not Code.DTYPE_DEMOTED]
    assert len(said) == len(set(said))


def test_hypotheses_that_predict_the_same_are_alternatives() -> None:
    both = (Cause(code="gradients-summed"), Cause(code="learning-rate", detail=(("measured", "2"),)))
    assert causes.words((*both, Cause(code=Code.RANDOM_STREAMS))) == (
        f"suspected: {hypothesis_words.HYPOTHESES['gradients-summed'].words} or "
        f"{hypothesis_words.HYPOTHESES['learning-rate'].words} (2); "
        f"{causes.SHORT[Code.RANDOM_STREAMS](cause(Code.RANDOM_STREAMS))}"
    )


@pytest.mark.parametrize("code", [Code.NOT_SAVED, Code.RENEWED])
@pytest.mark.parametrize(
    ("names", "words", "cure", "advice"),
    [
        (
            ["drop/seed_generator_state"],
            "the state of a random seed is not kept",
            "seed",
            "save this state beside the model",
        ),
        (
            ["proto/heat"],
            "proto/heat is not kept",
            "let its layer save it",
            "let the layer save it: create it with add_weight",
        ),
        (["proto/heat", "drop/seed_generator_state"], "are not kept", "let its layer save it", "let the layer save it"),
    ],
)
def test_a_weight_that_a_file_loses_is_cured_by_its_layer_and_a_seed_is_not(
    code: Code, names: list[str], words: str, cure: str, advice: str
) -> None:
    lost = Cause(code=code, detail=tuple(("tensor", name) for name in names))
    finding = replace(sample.results().findings[0], causes=(lost,))
    assert brief.what(finding).endswith(words)
    assert cure in brief.cure(finding)
    assert advice in explanations.said("1 saved file", "in mlp", (lost,), "different").advice


def test_what_fit_drops_is_no_departure_of_a_layer() -> None:
    detail = (("what", "assignment"), ("class", "Center"), ("name", "center"), ("stage", "update"), ("known", "K-35"))
    dropped = Cause(code=Code.DEFINITION, subject="jax", detail=detail)
    assert causes.words((dropped,)) == "fit in jax drops what the layer Center (center) assigns to its trained weights"
    finding = replace(sample.results().findings[0], causes=(dropped,))
    assert brief.what(finding) == "jax: fit drops what Center assigns"
    said = explanations.said("2 pairs", "in mlp", (dropped,), "different")
    assert "fit does not keep what the layer Center (center) assigns to its trained weights" in said.claim
    assert "K-35" in said.claim and "defined" not in said.claim
    assert "learning rate of 0" in said.experiment


@pytest.mark.parametrize(
    ("code", "details", "words"),
    [
        (Code.NOT_SAVED, [("tensor", name) for name in "abcde"], "not saved: a, b, c and 2 more"),
        (Code.NOT_SAVED, [("tensor", name) for name in "abc"], "not saved: a, b, c"),
        (Code.UNSEEDED, [("layer", name) for name in "abcd"], "a, b, c and 1 more without a seed draws from"),
        (Code.LOADED_DIFFERENTLY, [(name, "1 -> 2") for name in "abcd"], "a 1 -> 2; b 1 -> 2; c 1 -> 2 and 1 more"),
        (Code.SAVE_SWAPPED, [(name, "z") for name in "abcd"], "z in place of b; z in place of c and 1 more"),
    ],
)
def test_where_names_are_left_out_their_number_is_told(code: Code, details: list[tuple[str, str]], words: str) -> None:
    assert words in causes.words([Cause(code=code, detail=tuple(details))])


@pytest.mark.parametrize("environment", ["jax", ""])
def test_attributes_that_do_not_come_back_say_where(environment: str) -> None:
    lost = Cause(code=Code.LOADED_DIFFERENTLY, detail=(("waves.rate", "2.75 -> 2"),))
    results = sample.results()
    finding = replace(results.findings[0], causes=(lost,), environment=environment, side=None)
    (worded,) = findings.worded(replace(results, findings=(finding,)))
    assert ("It happens on jax." in worded.claim) == bool(environment)


def test_a_cause_of_a_different_version_is_called_by_its_code() -> None:
    later = Cause(code="of-tomorrow", subject="torch", detail=(("tensor", "norm/gamma"), ("reason", "it is new")))
    assert causes.words((later,)) == "of-tomorrow torch tensor=norm/gamma"
    assert "of-tomorrow" in explanations.said("1 pair", "in a", (later,), "different").claim
    assert (
        causes.hypothesis(Suspect(name="of-tomorrow", distance=0.5, matches=False, whole=True, detail="2").cause)
        == "of-tomorrow (2)"
    )
    results = sample.results()
    strange = replace(results.diagnoses[0], suspects=(Suspect(name="of-tomorrow", distance=0.5, matches=False, whole=True),))
    assert "of-tomorrow" in html.text(replace(results, diagnoses=(strange,)))


# ---------------------------------------------------------------- what is said plainly


def odd(stage: str, tensor: str) -> Cause:
    return Cause(code=Code.ODD_ONE_OUT, subject="torch", detail=(("others", "jax"), ("stage", stage), ("tensor", tensor)))


def test_a_place_whose_stage_is_its_only_tensor_is_named_once() -> None:
    assert "It begins in the loss." in explanations.said("2 pairs", "in one", (odd("loss", "loss"),), "different").claim
    place = explanations.said("2 pairs", "in one", (odd("gradient", "words"),), "different")
    assert "It begins in the gradient of words." in place.claim and explanations.UNPREDICTED in place.experiment


@pytest.mark.parametrize(("value", "said"), [("0.0", "penalties of weights are not counted"), ("2.0", "counted twice")])
def test_what_does_not_happen_or_happens_twice_is_said_so(value: str, said: str) -> None:
    missing = Cause(code="regularization-scale", detail=(("variant", value),))
    assert said in causes.words((missing,)) and value not in causes.words((missing,))


def test_where_a_hypothesis_predicts_the_odd_one_nobody_says_that_none_does() -> None:
    missing = Cause(code="regularization-scale", detail=(("variant", "0.0"),))
    both = explanations.said("2 pairs", "in one", (odd("loss", "loss"), missing), "different")
    assert "no hypothesis predicts" not in both.experiment and "with this one deviation" in both.experiment


def test_what_no_file_holds_of_an_optimizer_is_to_be_told_again() -> None:
    cause = Cause(code=Code.COMPILED_DIFFERENTLY, detail=(("optimizer.exclude_from_weight_decay", '["a/bias"] -> []'),))
    advice = explanations.said("3 saved files", "in mine", [cause], "different").advice
    assert advice.startswith("call exclude_from_weight_decay again")


def test_a_known_defect_beside_another_one_is_named_as_well() -> None:
    detail = (("what", "update"), ("class", "AdamW"), ("name", "optimizer"), ("stage", "update"))
    clipping, squares = (
        Cause(code=Code.DEFINITION, subject="tensorflow", detail=(*detail, ("known", one))) for one in ("K-03", "K-01")
    )
    claim = explanations.said("1 pair", "in mine", [clipping, squares], "different").claim
    assert "This is the known defect K-03." in claim and claim.endswith("departs from its definition (known defect K-01).")


def test_what_departs_everywhere_is_said_of_no_backend_alone() -> None:
    detail = (("what", "layer"), ("class", "LSTM"), ("name", "decoder"), ("stage", "forward"), ("known", "K-38"))
    everywhere = Cause(code=Code.DEFINITION, detail=detail)
    said = explanations.said("2 models held against definitions", "in mine", [everywhere], "different")
    assert said.claim.startswith("In every backend that was looked at, the layer LSTM")
    assert "do not rely on this layer until it is mended" in said.advice
    assert brief.WORDS[Code.DEFINITION](everywhere) == "LSTM departs from its definition"
