"""What reports say of the self-test that was kept: its rates, and whether they are those of this run's versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.plan import locations
from suite.records import Configuration, Environment, GroundRates, Provisioned, Results, SelfTest, Suite
from suite.selftest import kept_rates, output, score
from suite.selftest.plan import BUILT_IN, RANDOM, Expected, Injected
from tests.report import builder

INJECTED = Injected(
    fault="bn-epsilon-small",
    configuration=Configuration(
        scenario="injected-adam", environment="torch", strategy="single", devices=1, fault="bn-epsilon-small"
    ),
    expected=Expected(causes=("bn-epsilon",), stage="forward", tensor="norm"),
)
PLACE = score.Location(stage="forward", tensor="norm")
RIGHT = score.Scored(injected=INJECTED, detected=True, side=True, causes=("bn-epsilon",), place=PLACE, size=0.25)
UNNAMED = replace(RIGHT, causes=(), place=None)
OUTCOMES = (RIGHT, RIGHT, UNNAMED, UNNAMED, replace(RIGHT, detected=False, side=False, place=None))
VERSIONS = {"keras": "3.15.1", "jax": "0.10.2", "torch": "2.13.0"}
SCORE = score.Score(outcomes=OUTCOMES, clean_pairs=7, alarms=("a | b: unknown",), defects=(), versions=VERSIONS)


def environment(name: str, packages: Mapping[str, str], reason: str = "") -> Provisioned:
    return Provisioned(environment=Environment(name=name, backend=name), packages=packages, reason=reason)


SAME = environment("torch", {"keras": "3.15.1", "torch": "2.13.0", "msgspec": "0.22.0"})


def run(*environments: Provisioned) -> Results:
    return builder.assemble((), environments=environments)


RANDOM_SCORE = replace(SCORE, ground=RANDOM, outcomes=OUTCOMES[:2], clean_checks=30, undecided=2, alarms=())


def written(folder: Path, **fields: Any) -> Path:
    """The file that `parity selftest --ground built-in --keep` writes, with some fields of the ground as given."""
    path = folder / "selftest.json"
    [ground] = json.loads(output.as_json([SCORE]))["grounds"]
    path.write_text(json.dumps({"grounds": [ground | fields]}))
    return path


def kept(path: Path, *environments: Provisioned) -> SelfTest:
    found = kept_rates.quoted(path, run(*environments))
    assert found is not None
    return found


def quoted(path: Path, *environments: Provisioned) -> GroundRates:
    [ground] = kept(path, *environments).grounds
    return ground


def test_a_report_quotes_the_rates_that_the_self_test_printed(tmp_path: Path) -> None:
    found = quoted(written(tmp_path), SAME)
    reached = {
        "detected": 0.8,
        "right side": 0.8,
        "right cause": 0.4,
        "right place": 0.4,
        "right cause or place": 0.4,
    }
    assert found.rates == output.rates(SCORE) == reached
    assert (found.injected, found.clean_pairs, found.alarms) == (5, 7, ("a | b: unknown",))
    assert (found.versions, found.suite, found.apart) == (VERSIONS, kept_rates.suite(), ())


def test_each_ground_has_rates_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "selftest.json"
    path.write_text(output.as_json([RANDOM_SCORE, SCORE]))
    built_in, random = kept(path, SAME).grounds
    assert (built_in.ground, built_in.injected, built_in.clean_pairs) == (BUILT_IN, 5, 7)
    assert (random.ground, random.injected, random.clean_checks, random.undecided) == (RANDOM, 2, 30, 2)
    assert set(random.rates.values()) == {1.0}


def test_a_ground_that_is_not_measured_now_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path)
    others = kept_rates.other_grounds(path, [RANDOM_SCORE])
    path.write_text(output.as_json([RANDOM_SCORE], others))
    assert [one.ground for one in kept(path, SAME).grounds] == [BUILT_IN, RANDOM]
    assert kept_rates.other_grounds(path, [SCORE, RANDOM_SCORE]) == ()
    path.write_text(output.as_json([replace(SCORE, clean_pairs=8)], kept_rates.other_grounds(path, [SCORE])))
    assert [one.clean_pairs for one in kept(path, SAME).grounds] == [8, 7]


def test_an_old_file_is_the_ground_of_built_in_scenarios(tmp_path: Path) -> None:
    path = tmp_path / "selftest.json"
    fault = {"detected": True, "cause_right": True, "place_right": False}
    document = {"faults": [fault], "clean_pairs": 3, "alarms": [], "versions": {"numpy": "0.1"}}
    path.write_text(json.dumps(document))
    found = quoted(path, SAME)
    assert (found.ground, found.injected, found.right_side, found.clean_pairs) == (BUILT_IN, 1, None, 3)
    assert found.rates == {"detected": 1.0, "right cause": 1.0, "right place": 0.0, "right cause or place": 1.0}
    assert kept_rates.other_grounds(path, [RANDOM_SCORE]) == ({"ground": BUILT_IN, **document},)
    path.write_text(output.as_json([RANDOM_SCORE], kept_rates.other_grounds(path, [RANDOM_SCORE])))
    assert [one.ground for one in kept(path, SAME).grounds] == [BUILT_IN, RANDOM]


def test_faults_without_effect_are_counted_apart(tmp_path: Path) -> None:
    none = replace(RIGHT, detected=False, effect=0.0)
    path = tmp_path / "selftest.json"
    path.write_text(output.as_json([replace(SCORE, outcomes=(RIGHT, none))]))
    found = quoted(path, SAME)
    assert (found.injected, found.detected, found.without_effect) == (1, 1, 1)


def test_none_that_was_kept_is_none(tmp_path: Path) -> None:
    assert kept_rates.quoted(tmp_path / "selftest.json", run(SAME)) is None


def test_the_one_that_is_kept_here_can_be_read() -> None:
    found = kept(locations.KEPT_SELFTEST)
    assert found.damage == ""
    assert all(one.injected > 0 and one.clean_pairs > 0 and "keras" in one.versions for one in found.grounds)
    assert found.grounds


@pytest.mark.parametrize(
    ("environments", "apart"),
    [
        ([], []),
        ([environment("torch", {"keras": "3.14.0"})], ["measured with keras 3.15.1, and this run has keras 3.14.0"]),
        (
            [SAME, environment("old", {"keras": "3.9.0"}), environment("older", {"keras": "3.8.0"})],
            ["measured with keras 3.15.1, and this run has keras 3.8.0 and 3.9.0"],
        ),
        (
            [environment("tensorflow", {"keras": "3.15.1", "tensorflow": "2.21.0"})],
            ["measured without tensorflow, and this run has tensorflow 2.21.0"],
        ),
        ([environment("broken", {"keras": "3.14.0"}, reason="no matching distribution")], []),
    ],
)
def test_versions_that_differ_here_are_named(tmp_path: Path, environments: list[Provisioned], apart: list[str]) -> None:
    assert list(quoted(written(tmp_path), *environments).apart) == apart


def test_a_different_suite_has_a_different_version_or_different_code(tmp_path: Path) -> None:
    here = kept_rates.suite()
    other = quoted(written(tmp_path, suite={"version": "0.0.9", "digest": here.digest}), SAME)
    assert other.apart == (f"measured by keras-parity 0.0.9, and this is {here.version}",)
    changed = quoted(written(tmp_path, suite={"version": here.version, "digest": "ab" * 32}), SAME)
    assert changed.apart == (
        f"measured before the code of keras-parity changed (abababababab then, {here.digest[:12]} now)",
    )


def test_an_older_file_is_of_an_unknown_suite(tmp_path: Path) -> None:
    path = written(tmp_path)
    document = json.loads(path.read_text())
    del document["grounds"][0]["suite"]
    path.write_text(json.dumps(document))
    found = quoted(path, SAME)
    assert (found.injected, found.suite) == (5, None)
    assert found.apart == ("measured by an unknown version of keras-parity",)


DAMAGED = [
    b"",
    b"{",
    b'{"grounds": [{}]}',
    b'{"grounds": 5}',
    b"[]",
    b"{}",
    b'{"faults": [{}]}',
    b'{"faults": 5}',
    b"\xff\xfe",
    b'"\xff"',
    b'{"": ' + b"[" * 100_000,
]


@pytest.mark.parametrize("damaged", DAMAGED, ids=lambda damaged: repr(damaged[:20]))
def test_a_damaged_one_is_a_sentence(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "docs" / "selftest.json"
    path.parent.mkdir()
    path.write_bytes(damaged)
    found = kept(path, SAME)
    assert found.damage.startswith("docs/selftest.json cannot be read (")
    assert found == SelfTest(damage=found.damage)
    assert kept_rates.other_grounds(path, [RANDOM_SCORE]) == ()


def test_a_folder_of_that_name_is_damage_too(tmp_path: Path) -> None:
    assert "Is a directory" in kept(tmp_path, SAME).damage


def test_the_digest_is_of_what_judges_and_not_of_what_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    monkeypatch.setattr(kept_rates, "SUITE", tmp_path / "suite")
    monkeypatch.setattr(locations, "ROOT", tmp_path)

    def digest_with(name: str) -> str:
        path = tmp_path / "suite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} has changed")
        assert kept_rates.suite().version == "1.2.3"
        return kept_rates.suite().digest

    before = digest_with("plan.py")
    assert digest_with("report/html.py") == before
    after = digest_with("judge.py")
    assert after != before
    assert digest_with("explain/hypotheses.py") != after


def test_the_file_says_which_suite_made_it() -> None:
    found = json.loads(output.as_json([SCORE]))["grounds"][0]["suite"]
    assert Suite(**found) == kept_rates.suite()
    assert len(found["digest"]) == 64


def test_every_field_of_the_file_is_documented() -> None:
    words = (locations.ROOT / "docs" / "selftest.md").read_text()
    document = json.loads(output.as_json([SCORE]))
    [ground] = document["grounds"]
    names = {*document, *ground, *ground["faults"][0], *ground["suite"]}
    assert [name for name in names if f"`{name}`" not in words] == []
