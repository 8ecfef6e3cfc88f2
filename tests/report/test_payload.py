"""What the script is given: the same verdicts and counts as everywhere, and nothing that ends its element."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections import Counter

from hypothesis import HealthCheck, given, settings

from suite.records import QUANTITIES, Cause, Code, Results, Verdict
from suite.report import causes, codes, html, payload, summary
from tests.report import builder, sample


def text(results: Results) -> str:
    return str(payload.text(results, {row.name: payload.ordered(results, row.name) for row in results.scenarios}, ""))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sample.random_results())
def test_the_script_counts_what_the_bar_counts(results: Results) -> None:
    found = json.loads(text(results))
    pairs = Counter(letter for scenario in found["scenarios"] for letter in scenario["v"] if letter != payload.ABSENT)
    assert pairs == {str(verdict.rank): count for verdict, count in summary.counts(results.pairs).items()}
    checks = Counter(cell[2] for scenario in found["scenarios"] for cell in scenario["checks"]["cells"])
    assert checks == {verdict.rank: count for verdict, count in summary.counts(results.checks).items()}


def test_verdicts_sizes_and_causes_are_those_of_the_pair() -> None:
    results = sample.results()
    found = json.loads(text(results))
    for row, scenario in zip(results.scenarios, found["scenarios"], strict=True):
        for place, pair in enumerate(payload.ordered(results, row.name)):
            assert pair
            assert found["verdicts"][int(scenario["v"][place])][0] == pair.verdict.value
            cause = scenario["c"][place]
            assert (found["causes"][cause] if cause >= 0 else "") == causes.words(pair.causes)
            for judged in pair.quantities:
                code = base64.b64decode(scenario["q"][judged.quantity]["m"])[place]
                assert (code == codes.EQUAL) == judged.distances.bits
                assert (code == codes.INVALID) == (judged.verdict is Verdict.INVALID)
    assert set(found["scenarios"][0]["q"]) <= set(QUANTITIES)


def test_no_name_ends_the_script_element() -> None:
    written = text(builder.hostile("</script><!--\u2028"))
    assert "<" not in written
    assert "\u2028" not in written
    assert "</script><!--\u2028" in json.dumps(json.loads(written), ensure_ascii=False)


def test_where_single_steps_decided_they_are_what_is_shown() -> None:
    numbers = (("a", 1e-7), ("b", 0.18), ("states", 3.0), ("measured", 4.0))
    results = sample.results(verdicts=(Verdict.DIFFERENT,))
    cause = Cause(code=Code.UNSTABLE_KERNEL, subject="torch", evidence=numbers)
    pair = dataclasses.replace(results.pairs[0], causes=(cause,))
    assert payload.decided(pair) == "one training step, 0.18"
    changed = dataclasses.replace(results, pairs=(pair, *results.pairs[1:]))
    pairs = {row.name: payload.ordered(changed, row.name) for row in changed.scenarios}
    first, second = json.loads(payload.text(changed, pairs, ""))["scenarios"]
    assert first["steps"] == {"0": ["1.0e-7", "0.18", "", 3, 4]}
    assert second["steps"] == {}


def test_a_description_ends_with_one_full_stop() -> None:
    results = sample.results()
    row = dataclasses.replace(results.scenarios[0], description="It ends.")
    told = dataclasses.replace(results, scenarios=(row, *results.scenarios[1:]))
    about = html.text(told)
    assert "It ends. Batch" in about and "It ends.." not in about
