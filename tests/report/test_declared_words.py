"""What a report says of what strategies declare."""

from __future__ import annotations

import pytest

from suite.records import Cause, Code
from suite.report import declared_words


def cause(*detail: tuple[str, str]) -> Cause:
    return Cause(code=Code.BY_DESIGN, detail=detail)


OWN_ROWS = cause(("layer", "center"), ("rows", "each replica's own"))


def test_a_layer_that_computes_on_own_rows_is_named_and_no_other_part_is_advised_on() -> None:
    said = declared_words.said("8 pairs", "in one", OWN_ROWS)
    assert said.claim.startswith("8 pairs in one compare center on the whole batch with center on each replica's own rows")
    assert "per-replica batch size" in said.advice
    assert not any(word in f"{said.claim} {said.advice}" for word in ("BatchNormalization", "loss", "plain mean"))
    assert declared_words.brief(OWN_ROWS)[0] == "center computes on each replica's own rows"


@pytest.mark.parametrize("field", ["live state", "own state"])
def test_state_that_belongs_to_a_replica_is_named_and_is_no_batch_normalization(field: str) -> None:
    said = declared_words.said("2 replicas", "in one", cause((field, "per replica"), ("state", "center/mean")))
    assert "center/mean" in said.claim
    assert not any(word in f"{said.claim} {said.advice} {said.link}" for word in ("statistics", "BatchNorm", "issues"))


@pytest.mark.parametrize("field", declared_words.DECLARED)
def test_every_declared_difference_has_a_cure_and_no_open_brace(field: str) -> None:
    name, _, value = field.partition(": ")
    shown = cause((name, value or "per replica"), ("state", "center/mean"), ("other losses", "mean of replica means"))
    said, (what, cure) = declared_words.said("1 pair", "in one", shown), declared_words.brief(shown)
    assert said.advice and cure
    assert "{" not in said.claim + what


def test_what_has_no_words_of_its_own_is_said_as_it_is_declared() -> None:
    averaged = cause(("moving statistics", "averaged"))
    said = declared_words.said("1 pair", "in one", averaged)
    assert said.claim == "1 pair in one computes different things, as the strategies declare: moving statistics: averaged."
    assert declared_words.brief(averaged) == ("the strategies declare different things", "")
