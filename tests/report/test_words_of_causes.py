"""What is said of a cause is what happened, in plain words: whose it is, where it begins, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.records import Cause, Code, Suspect
from suite.report import brief, causes, explanations, findings, html, hypothesis_words
from tests.report import sample
from tests.report.every_cause import cause


def test_float64_against_float32_says_who_has_no_float64() -> None:
    wide = "norm/beta is float32(12,) on one side and float64(12,) on the other"
    said = explanations.said("1 pair", "in a", [Cause(code=Code.INVALID, detail=(("reason", wide),))], "invalid")
    assert said.claim == f"1 pair in a: {wide}." and said.advice.startswith("JAX has float64 only with JAX_ENABLE_X64=1")
    other = "x is float32(2,) on one side and float32(3,) on the other"
    assert not explanations.said("1 pair", "in a", [Cause(code=Code.INVALID, detail=(("reason", other),))], "invalid").advice


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


def odd(stage: str, tensor: str) -> Cause:
    return Cause(code=Code.ODD_ONE_OUT, subject="torch", detail=(("others", "jax"), ("stage", stage), ("tensor", tensor)))


def test_a_place_whose_stage_is_its_only_tensor_is_named_once() -> None:
    assert "It begins in the loss." in explanations.said("2 pairs", "in one", (odd("loss", "loss"),), "different").claim
    place = explanations.said("2 pairs", "in one", (odd("gradient", "words"),), "different")
    assert "It begins in the gradient of words." in place.claim and explanations.UNPREDICTED in place.experiment


@pytest.mark.parametrize(("value", "said"), [("0.0", "penalties are not counted"), ("2.0", "counted twice")])
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
    assert said.advice == "pass the mask; docs/defects/K-38.md says more of it"
    unknown = replace(everywhere, detail=detail[:-1])
    said = explanations.said("2 models", "in mine", [unknown], "different")
    assert said.advice == "do not rely on this layer until it is mended; report it: docs/causes.md says how"
    assert brief.WORDS[Code.DEFINITION](everywhere) == "LSTM departs from its definition"


def test_a_layer_that_trains_as_it_predicts_is_said_so() -> None:
    detail = (("what", "layer"), ("class", "Dropout"), ("name", "drop"), ("stage", "training"), ("known", "K-76"))
    said = explanations.said("1 run", "in a", [Cause(code=Code.DEFINITION, subject="jax", detail=detail)], "different")
    assert said.claim == "In jax, fit computes Dropout (drop) as in prediction (1 run in a). This is the known defect K-76."
    assert "training=True" in said.experiment and said.advice.startswith("take `training`")
    assert said.advice.endswith("; docs/defects/K-76.md says more of it")


def test_a_hypothesis_that_is_a_known_defect_says_so_and_is_called_as_before() -> None:
    detail = (("variant", "statistics of each replica"), ("known", "K-79"))
    said = explanations.said("1 run", "in a", [Cause(code="semantics", detail=detail)], "different")
    assert "says (statistics of each replica). An emulation" in said.claim
    assert said.claim.endswith(" This is the known defect K-79.")
    assert said.advice.endswith("; docs/defects/K-79.md says more of it")


@pytest.mark.parametrize(
    ("detail", "experiment"),
    [
        ((("known", "K-78"),), "on one device, the same model has finite numbers"),
        ((("known", "K-26"),), "computed in NumPy from its definition, gives finite numbers"),
        ((("operation", "keras.ops.segment_max"), ("known", "K-84")), "the calls of that step for the first that makes it"),
    ],
)
def test_what_was_looked_at_is_said_of_a_known_defect_that_makes_nan(
    detail: tuple[tuple[str, str], ...], experiment: str
) -> None:
    lost = Cause(code=Code.NON_FINITE, subject="tensorflow", detail=detail, evidence=(("step", 1.0),))
    said = explanations.said("1 pair", "in a", [lost], "different")
    assert f"This is the known defect {dict(detail)['known']}." in said.claim
    assert said.experiment.endswith(experiment)


@pytest.mark.parametrize(("step", "said"), [(1.0, "the first batch, and the initial weights"), (4.0, "in the step before")])
def test_what_made_nan_is_looked_for_where_it_can_be(step: float, said: str) -> None:
    cause = Cause(code=Code.NON_FINITE, subject="jax", evidence=(("step", step),))
    assert said in explanations.said("1 pair", "in a", [cause], "different").advice


@pytest.mark.parametrize(("operation", "advised"), [("keras.ops.cast", "clip numbers"), ("keras.ops.dot", "report it")])
def test_an_operation_may_have_advice_of_its_own(operation: str, advised: str) -> None:
    detail = (("others", "jax, tensorflow"), ("stage", "forward"), ("tensor", "brighten"), ("operation", operation))
    cause = Cause(code=Code.ODD_ONE_OUT, subject="torch", detail=detail)
    assert advised in explanations.said("1 pair", "in a", [cause], "different").advice
