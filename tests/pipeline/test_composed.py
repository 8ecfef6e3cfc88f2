"""The whole pipeline with several fake environments: a difference is composed of what strategies, declarations and backends
make of it, and each defect is one finding."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from suite.commands import main
from suite.records import LAYERWISE, MEASURED, REASON, Cause, Code, ConsistencyCheck, Finding, Member, Pair, Results, Verdict
from suite.referee import layers
from suite.referee.definition import Call, Undefined
from suite.report import results_json
from tests.conftest import Parity
from tests.pipeline.fake_runs import ONE, TWO, Compared, compared, pair, quantity, rows

AGREE = {Verdict.IDENTICAL, Verdict.ROUNDING}
DENSE = Cause(
    code=Code.DEFINITION,
    subject="fake-c",
    detail=(("what", "layer"), ("class", "Dense"), ("name", "output"), ("stage", "forward")),
)
EPSILON = Cause(code="bn-epsilon", detail=((MEASURED, "0.00107422"),))


def trained(parity: Parity, defects: dict[str, str], *extra: str) -> Compared:
    """Environment -> its defect. Each sums in an order of its own."""
    parity.environments(
        {
            name: {"PARITY_FAKE_ORDER": str(order), **({"PARITY_FAKE_DEFECT": defect} if defect else {})}
            for order, (name, defect) in enumerate(defects.items())
        }
    )
    return compared(parity, *extra)


def kinds(causes: Iterable[Cause]) -> set[Cause]:
    return {cause.kind for cause in causes}


def codes(causes: Iterable[Cause]) -> set[str]:
    return {cause.code for cause in causes}


def environments(member: Member) -> set[str]:
    """Whose it is, or where: of a file also the environment that loads it."""
    mine = {run.configuration.environment for run in member.runs}
    return mine | ({member.environment} if isinstance(member, ConsistencyCheck) and member.kind == "reloaded" else set())


def between(results: Results, off: str) -> list[Pair]:
    """The pairs of this environment with others."""
    found = [one for one in results.pairs if off in environments(one) and len(environments(one)) == 2]
    assert found
    return found


def others(results: Results, off: str) -> list[Pair]:
    """All other pairs: of others, and of this environment with itself."""
    found = [one for one in results.pairs if one not in between(results, off)]
    assert found
    return found


def verdicts(results: Results, kind: str) -> set[Verdict]:
    found = {check.verdict for check in results.checks if check.kind == kind}
    assert found
    return found


def red(results: Results) -> list[Finding]:
    return [one for one in results.findings if one.verdict in (Verdict.DIFFERENT, Verdict.INVALID)]


def only_by_design(members: Iterable[Member]) -> None:
    """Those with different declarations differ by them, and the others agree."""
    for member in members:
        several = {run.configuration.devices for run in member.runs} != {1}
        assert member.verdict in (AGREE | {Verdict.BY_DESIGN} if several else AGREE), member.id
        assert codes(member.causes) <= {Code.BY_DESIGN}, member.id


# ---------------------------------------------------------------- a defect of one backend, which its oracle shares


@pytest.fixture(scope="module")
def folder(parity_of: Callable[[str], Parity]) -> Parity:
    parity = parity_of("layer")
    parity.scenario("clusters")
    return parity


@pytest.fixture(scope="module")
def layer(folder: Parity) -> Results:
    code, results = trained(folder, {"fake-a": "", "fake-b": "", "fake-c": "layer"})
    assert code == 1
    return results


def test_a_defect_of_a_backend_is_its_own_in_every_pair(layer: Results) -> None:
    for one in between(layer, "fake-c"):
        assert one.verdict is Verdict.DIFFERENT
        assert kinds(cause for cause in one.causes if cause.code != Code.BY_DESIGN) == {DENSE}, one.id
        assert one.side is not None and one.side.configuration.environment == "fake-c"
        assert one.place is not None and (one.place.stage, one.place.tensor) == ("forward", "output")
    only_by_design(others(layer, "fake-c"))


def test_declared_differences_stay_beside_it(layer: Results) -> None:
    several = [one for one in between(layer, "fake-c") if {run.configuration.devices for run in one.runs} == {1, 2}]
    assert len(several) == 4
    assert all(codes(one.causes) == {Code.BY_DESIGN, Code.DEFINITION} for one in several)
    for devices in (ONE, TWO):
        alike = pair(layer, f"fake-a/{devices}", f"fake-c/{devices}")
        assert codes(alike.causes) == {Code.DEFINITION}, "they declare the same"


def test_no_strategy_is_accused_of_it(layer: Results) -> None:
    assert verdicts(layer, "declared") <= AGREE
    assert all(one.distance is not None and one.distance < 1e-10 for one in layer.diagnoses)
    assert verdicts(layer, "saved") == {Verdict.IDENTICAL, Verdict.BY_DESIGN}
    assert verdicts(layer, "replica") == {Verdict.BY_DESIGN}


def test_whoever_computes_with_it_predicts_differently_from_an_equal_file(layer: Results) -> None:
    for check in (check for check in layer.checks if check.kind == "reloaded"):
        off = "fake-c" in environments(check)
        assert check.verdict in ({Verdict.DIFFERENT} if off else AGREE), check.id
        assert kinds(check.causes) == ({DENSE} if off else set()), check.id


def test_it_departs_from_its_definition_and_the_others_do_not(layer: Results) -> None:
    defined = {check.environment: check for check in layer.checks if check.kind == "defined"}
    assert {name: check.verdict for name, check in defined.items()} == {
        "fake-a": Verdict.ROUNDING,
        "fake-b": Verdict.ROUNDING,
        "fake-c": Verdict.DIFFERENT,
    }
    assert kinds(defined["fake-c"].causes) == {DENSE}


def test_one_defect_is_one_finding_of_pairs_and_checks(layer: Results) -> None:
    (finding,) = red(layer)
    assert (kinds(finding.causes), finding.environment) == ({DENSE}, "fake-c")
    assert finding.place is not None and (finding.place.stage, finding.place.tensor) == ("forward", "output")
    assert {member.kind for member in finding.members} == {"pair", "reloaded", "defined"}
    assert len(finding.members) == len([one for one in layer.members if one.verdict is Verdict.DIFFERENT])
    assert {one.verdict for one in layer.findings} == {Verdict.DIFFERENT, Verdict.BY_DESIGN}
    assert not any(one.environment or one.side for one in layer.findings if one.verdict is Verdict.BY_DESIGN)


def test_the_words_name_environment_and_layer(folder: Parity, layer: Results) -> None:
    (said,) = (one for one in folder.results()["findings"] if one["verdict"] == "different")
    assert said["claim"].startswith("In fake-c, the layer Dense (output), forward, does not compute what it is defined to")
    assert "NumPy from the definition" in said["experiment"]


# ---------------------------------------------------------------- the same without a definition


@pytest.fixture(scope="module")
def undefined(folder: Parity, layer: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a referee without any layer makes of the same runs."""

    def call(asked: Call) -> None:
        raise Undefined(f"there is no definition of {asked.layer}")

    copied = tmp_path_factory.mktemp("undefined") / "run"
    shutil.copytree(folder.run, copied)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "call", call)
        assert main(["report", "--out", str(copied)]) == 1
    return copied / "results.json"


def test_without_a_definition_the_odd_one_out_is_named_and_that_is_no_proof(undefined: Path) -> None:
    results = results_json.read(undefined)
    (finding,) = red(results)
    odd = Cause(
        code=Code.ODD_ONE_OUT,
        subject="fake-c",
        detail=(("others", "fake-a, fake-b"), ("stage", "forward"), ("tensor", "output")),
    )
    assert (kinds(finding.causes), finding.environment) == ({odd}, "fake-c")
    for one in between(results, "fake-c"):
        assert kinds(cause for cause in one.causes if cause.code != Code.BY_DESIGN) == {odd}
        assert one.side is not None and one.side.configuration.environment == "fake-c"
    only_by_design(others(results, "fake-c"))
    assert "that is no proof that fake-c is wrong" in undefined.read_text()


def test_a_check_says_which_layers_have_no_definition(undefined: Path) -> None:
    defined = [check for check in results_json.read(undefined).checks if check.kind == "defined"]
    assert len(defined) == 3
    for check in defined:
        assert check.verdict is Verdict.ROUNDING, "the loss and the update have one"
        (cause,) = check.causes
        assert cause.code == Code.UNDEFINED
        assert {name for _, name in cause.detail} == {"hidden", "norm", "output"}


# ---------------------------------------------------------------- other defects, one or several


def test_of_two_environments_the_definition_tells_which_is_off(parity: Parity) -> None:
    parity.scenario("clusters")
    _, results = trained(parity, {"fake-c": "layer", "fake-a": ""}, "--devices", "1")
    (one,) = results.pairs
    assert (one.verdict, kinds(one.causes)) == (Verdict.DIFFERENT, {DENSE})
    assert one.side is not None and one.side.configuration.environment == "fake-c"
    assert len(red(results)) == 1


def test_a_defect_of_a_strategy_and_one_of_its_backend_are_both_named(parity: Parity) -> None:
    parity.scenario("clusters")
    _, results = trained(parity, {"fake-a": "", "fake-b": "", "fake-c": "epsilon,layer"})
    for one in between(results, "fake-c"):
        assert one.verdict is Verdict.DIFFERENT
        assert kinds(one.causes) - kinds(one.causes).intersection({DENSE, EPSILON}) <= {
            cause.kind for cause in one.causes if cause.code == Code.BY_DESIGN
        }
        assert {DENSE, EPSILON} <= kinds(one.causes), one.id
        assert one.side is not None and one.side.configuration.environment == "fake-c"
        assert one.place is not None and one.place.tensor == "output", "the backend's comes first"
    only_by_design(others(results, "fake-c"))
    declared = [check for check in results.checks if check.kind == "declared" and check.verdict is Verdict.DIFFERENT]
    assert {check.run.configuration.environment for check in declared} == {"fake-c"}
    assert [kinds(check.causes) for check in declared] == [{EPSILON}] * 2
    assert verdicts(results, "replica") == {Verdict.BY_DESIGN}
    (both,) = (one for one in red(results) if kinds(one.causes) == {DENSE, EPSILON})
    assert {member.kind for member in both.members} == {"pair", "reloaded"}
    (said,) = (one["claim"] for one in parity.results()["findings"] if "Beside that: suspected" in one["claim"])
    assert "the layer Dense (output)" in said and "batch normalization adds a different epsilon" in said


def test_several_deviations_of_one_strategy_are_found_one_after_another(parity: Parity) -> None:
    parity.scenario("clusters")
    _, results = trained(parity, {"fake-a": "", "fake-b": "rate,momentum,epsilon"}, "--devices", "1")
    (diagnosis,) = (one for one in results.diagnoses if one.suspects)
    assert [(one.name, one.round) for one in diagnosis.suspects] == [
        ("bn-epsilon", 1),
        ("learning-rate", 2),
        ("bn-momentum", 3),
    ], "in the order in which a step comes to them"
    first, second, last = diagnosis.suspects
    assert min(first.distance, second.distance) > 0.1 and last.distance < 1e-10, "all of them predict the run, none alone"
    assert diagnosis.place is not None and diagnosis.place.stage == "forward"
    assert diagnosis.remaining is None
    (finding,) = red(results)
    assert [cause.code for cause in finding.causes] == ["bn-epsilon", "learning-rate", "bn-momentum"]
    assert finding.environment == "fake-b"
    (said,) = (one["claim"] for one in parity.results()["findings"] if one["verdict"] == "different")
    assert said.count("and on top of that") == 2
    assert said.endswith("An emulation with these deviations reproduces the run.")


def test_a_defect_that_all_share_shows_against_the_definition_alone(parity: Parity) -> None:
    parity.scenario("clusters")
    code, results = trained(parity, {"fake-a": "layer", "fake-b": "layer"}, "--devices", "1")
    assert code == 1
    wrong = [member for member in results.members if member.verdict not in AGREE]
    assert [member.kind for member in wrong] == ["defined"]
    assert kinds(wrong[0].causes) == {replace(DENSE, subject="fake-a")}
    assert len(red(results)) == 1
    (row,) = (row for row in rows(results).values() if row.run.variation == LAYERWISE)
    assert row.run.configuration.environment == "fake-a", "the reference stands for all of them: they agree"


def test_without_runs_on_one_device_backends_are_still_compared(parity: Parity) -> None:
    parity.scenario("clusters")
    _, results = trained(parity, {"fake-a": "", "fake-b": "", "fake-c": "layer"}, "--devices", "2,4")
    for one in between(results, "fake-c"):
        assert codes(one.causes) - {Code.BY_DESIGN} == {Code.ODD_ONE_OUT}, one.id
    assert {one.verdict for one in others(results, "fake-c")} == {Verdict.ROUNDING, Verdict.BY_DESIGN}
    assert len(red(results)) == 1


# ---------------------------------------------------------------- what is missing, and NaN


def test_a_killed_oracle_leaves_pairs_undecided_and_accuses_nobody(parity: Parity) -> None:
    parity.scenario("clusters")
    code, results = trained(parity, {"fake-a": "", "fake-b": "unemulated"})
    assert code == 2
    assert {member.verdict for member in results.members} == {
        *AGREE,
        Verdict.BY_DESIGN,
        Verdict.INCONCLUSIVE,
        Verdict.NOT_RUN,
    }
    undecided = [one for one in results.pairs if one.verdict is Verdict.INCONCLUSIVE]
    assert {frozenset(run.id for run in one.runs) for one in undecided} == {
        frozenset({f"clusters/{other}/{ONE}/plain", f"clusters/fake-b/{TWO}/plain"}) for other in ("fake-a", "fake-b")
    }
    for one in undecided:
        (cause,) = one.causes
        assert (cause.code, cause.subject) == (Code.UNCHECKED, "fake-b")
        assert cause.reason.startswith("no oracle: the worker was killed by signal 9")
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}").verdict is Verdict.ROUNDING, "the float64 runs decide"
    assert pair(results, f"fake-a/{ONE}", f"fake-a/{TWO}").verdict is Verdict.BY_DESIGN
    (finding,) = (one for one in results.findings if one.verdict is Verdict.INCONCLUSIVE)
    assert {member.kind for member in finding.members} == {"pair", "saved", "replica"}, "one killed oracle is one finding"


def test_what_is_known_to_be_wrong_stays_wrong_without_an_oracle(parity: Parity) -> None:
    parity.scenario("clusters")
    _, results = trained(parity, {"fake-a": "", "fake-b": "", "fake-c": "layer,unemulated"}, "--devices", "1")
    for one in between(results, "fake-c"):
        assert (one.verdict, kinds(one.causes)) == (Verdict.DIFFERENT, {DENSE})
    only_by_design(others(results, "fake-c"))


def test_nan_in_every_run_is_one_finding_about_the_scenario(parity: Parity) -> None:
    source = parity.scenario("clusters")
    huge = "    x *= np.float32(2.0**120)  # its variance overflows in float32\n    return Data("
    source.write_text(source.read_text().replace("    return Data(", huge))
    code, results = trained(parity, {"fake-a": "", "fake-b": "", "fake-c": ""})
    assert code == 1
    assert {one.verdict for one in results.pairs} == {Verdict.INVALID}
    (finding,) = results.findings
    assert (codes(finding.causes), finding.environment, finding.side) == ({Code.NON_FINITE}, "", None)
    assert dict(finding.causes[0].evidence) == {"step": 1.0}
    assert {member.kind for member in finding.members} == {"pair", "replica", "resumed"}
    assert verdicts(results, "declared") <= AGREE, "in float64 nothing overflows"
    assert verdicts(results, "saved") == {Verdict.IDENTICAL}, "a file holds what training left"
    (said,) = parity.results()["findings"]
    assert said["claim"].startswith("Training in clusters reaches NaN or infinity at step 1, on both sides of 15 pairs")


def test_nan_in_one_environment_is_its_difference(parity: Parity) -> None:
    parity.scenario("clusters")
    _, results = trained(parity, {"fake-a": "", "fake-b": "nan"}, "--devices", "1")
    (one,) = results.pairs
    assert (one.verdict, kinds(one.causes)) == (Verdict.DIFFERENT, {Cause(code=Code.NON_FINITE, subject="fake-b")})
    assert one.side is not None and one.side.configuration.environment == "fake-b"
    (finding,) = (one for one in red(results) if codes(one.causes) == {Code.NON_FINITE})
    assert {member.kind for member in finding.members} == {"pair", "declared"}, "its oracle has none"
    assert finding.environment == "fake-b"
    assert REASON not in dict(finding.causes[0].detail)
    assert quantity(one, "loss").verdict is Verdict.DIFFERENT
