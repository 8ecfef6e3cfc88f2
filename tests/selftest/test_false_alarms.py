"""Which differences without a fault are false alarms, and which are known defects of a backend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.records import Cause, Code, Configuration, Verdict, because, plain
from suite.selftest import output, score
from tests.report import builder
from tests.selftest.by_hand import CLEAN, FAULTY, UNKNOWN, UNSTABLE, check, declared, diagnosis, judged, pair, results


def test_clean_pairs_in_which_a_difference_is_reported_are_false_alarms() -> None:
    other = replace(CLEAN, environment="jax", strategy="single", devices=1)
    variant = replace(CLEAN, fault="variant-layer")
    pairs = (
        pair(Verdict.ROUNDING, b=other),
        pair(Verdict.BY_DESIGN, b=other),
        pair(Verdict.INCONCLUSIVE, b=other),
        pair(Verdict.NOT_RUN, b=other),
        pair(Verdict.DIFFERENT, b=other, cause=UNKNOWN),
        pair(Verdict.DIFFERENT, b=variant, cause=UNKNOWN),
        pair(Verdict.INVALID, b=variant, cause=because(Code.INVALID, "NaN")),
        pair(Verdict.DIFFERENT, b=FAULTY),
    )
    found = score.score(builder.assemble((), pairs), [])
    assert (found.clean_pairs, found.undecided) == (6, 1)
    assert found.alarms == (
        f"{CLEAN.id}/plain | {other.id}/plain: unknown",
        f"{CLEAN.id}/plain | {variant.id}/plain: unknown",
        f"{CLEAN.id}/plain | {variant.id}/plain: invalid",
    )


def test_a_clean_run_that_is_not_its_oracle_is_a_false_alarm() -> None:
    off = replace(diagnosis(distance=1e-3), run=plain(CLEAN))
    small = replace(diagnosis(distance=1e-9), run=plain(replace(CLEAN, devices=1)))
    every = (off, small, diagnosis(distance=1e-3))
    found = score.score(replace(builder.assemble((), (), [declared(one) for one in every]), diagnoses=every), [])
    assert (found.clean_pairs, found.clean_checks) == (0, 2)
    assert found.alarms == (f"{CLEAN.id}/plain | declared | torch: unknown torch",)


# ---------------------------------------------------------------- real defects


CLIPPED = Configuration(scenario="injected-clip", environment="tensorflow", strategy="tf_mirrored", devices=2)
CLIPS = Cause(code="clipping-per-replica", subject="tensorflow")


def scored(configuration: Configuration, *causes: Cause) -> score.Score:
    other = replace(CLIPPED, environment="jax", strategy="single", devices=1)
    off = replace(pair(Verdict.DIFFERENT, configuration, other), causes=causes)
    return score.score(results(off, pair(Verdict.ROUNDING, other, replace(other, devices=2))), [])


def test_a_defect_of_a_backend_that_is_named_is_no_false_alarm_and_its_pairs_are_not_clean() -> None:
    found = scored(CLIPPED, CLIPS, Cause(code=Code.BY_DESIGN))
    assert (found.clean_pairs, found.alarms) == (1, ())
    assert found.defects == ("injected-clip: Keras (3.15) clips gradients on each replica, before the sum",)
    assert f"found, and not injected: {found.defects[0]}" in output.table(found)


@pytest.mark.parametrize(
    ("configuration", "causes"),
    [
        (CLIPPED, ()),
        (CLIPPED, (UNKNOWN,)),
        (CLIPPED, (CLIPS, UNKNOWN)),
        (CLIPPED, (Cause(code=Code.BY_DESIGN),)),
        (CLIPPED, (Cause(code="bn-epsilon", subject="tensorflow"),)),
        (CLIPPED, (replace(CLIPS, subject="jax"),)),
        (replace(CLIPPED, strategy="single", devices=1), (CLIPS,)),
        (replace(CLIPPED, strategy="torch_ddp", environment="torch"), (replace(CLIPS, subject="torch"),)),
    ],
)
def test_anything_else_in_its_place_is_a_false_alarm(configuration: Configuration, causes: tuple[Cause, ...]) -> None:
    whole = scored(configuration, *causes)
    assert (whole.clean_pairs, len(whole.alarms), whole.defects) == (2, 1, ())


@pytest.mark.parametrize(
    ("code", "detail", "alarms"),
    [
        (Code.NOT_SAVED, {"tensor": "dropout/seed_generator_state"}, 0),
        (Code.RENEWED, {"tensor": "lstm/cell/seed_generator_state"}, 0),
        (Code.NOT_SAVED, {"tensor": "norm/moving_mean"}, 1),
        (Code.SAVE_STALE, {"tensor": "dropout/seed_generator_state"}, 1),
        (Code.COMPILED_DIFFERENTLY, {"loss.delta": "0.5 -> 1.0", "known": "K-12"}, 0),
        (Code.COMPILED_DIFFERENTLY, {"loss.delta": "0.5 -> 1.0", "optimizer.beta_1": "0.8 -> 0.9"}, 1),
    ],
)
def test_a_file_without_what_files_are_known_to_lose_is_a_defect_and_without_anything_else_an_alarm(
    code: Code, detail: dict[str, str], alarms: int
) -> None:
    cause = Cause(code=code, detail=tuple(detail.items()))
    file = replace(check(CLEAN, judged("other state", Verdict.DIFFERENT)), causes=(cause,))
    found = score.score(builder.assemble((), (), (file,)), [])
    assert (len(found.alarms), len(found.defects), found.clean_checks) == (alarms, 1 - alarms, alarms)


def test_an_unstable_kernel_is_a_defect_where_it_is_known() -> None:
    def found(scenario: str) -> score.Score:
        torch, jax = (
            Configuration(scenario=scenario, environment=name, strategy="single", devices=1) for name in ("torch", "jax")
        )
        return score.score(results(pair(Verdict.DIFFERENT, torch, jax, UNSTABLE), pair(Verdict.ROUNDING, jax, jax)), [])

    known = found("large-mean-bn")
    assert (known.clean_pairs, known.alarms) == (1, ())
    assert known.defects == ("large-mean-bn: torch computes variances in one pass, which cancels",)
    assert len(found("injected-adam").alarms) == 1
