"""What reports say of the self-test that was kept: its rates, and whether they are those of this run's versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.plan import locations
from suite.records import Configuration, Environment, Provisioned, Results, SelfTest, Suite
from suite.selftest import kept_rates, output, score
from suite.selftest.plan import Injected
from tests.report import builder

INJECTED = Injected(
    fault="bn-epsilon-small",
    configuration=Configuration(
        scenario="injected-adam", environment="torch", strategy="single", devices=1, fault="bn-epsilon-small"
    ),
)
PLACE = score.Location(stage="forward", tensor="norm")
RIGHT = score.Scored(injected=INJECTED, detected=True, causes=("bn-epsilon",), place=PLACE, size=0.25)
UNNAMED = replace(RIGHT, causes=(), place=None)
OUTCOMES = (RIGHT, RIGHT, UNNAMED, UNNAMED, replace(RIGHT, detected=False, place=None))
VERSIONS = {"keras": "3.15.1", "jax": "0.10.2", "torch": "2.13.0"}
SCORE = score.Score(outcomes=OUTCOMES, clean_pairs=7, alarms=("a | b: unknown",), defects=(), versions=VERSIONS)


def environment(name: str, packages: Mapping[str, str], reason: str = "") -> Provisioned:
    return Provisioned(environment=Environment(name=name, backend=name), packages=packages, reason=reason)


SAME = environment("torch", {"keras": "3.15.1", "torch": "2.13.0", "msgspec": "0.22.0"})


def run(*environments: Provisioned) -> Results:
    return builder.assemble((), environments=environments)


def written(folder: Path, **fields: Any) -> Path:
    """The file that `parity selftest --keep` writes, with some fields as given."""
    path = folder / "selftest.json"
    path.write_text(json.dumps(json.loads(output.as_json(SCORE)) | fields))
    return path


def quoted(path: Path, *environments: Provisioned) -> SelfTest:
    found = kept_rates.quoted(path, run(*environments))
    assert found is not None
    return found


def test_a_report_quotes_the_rates_that_the_self_test_printed(tmp_path: Path) -> None:
    found = quoted(written(tmp_path), SAME)
    assert found.rates == output.rates(SCORE) == {"detected": 0.8, "right cause": 0.6, "right place": 0.4}
    assert (found.injected, found.clean_pairs, found.alarms) == (5, 7, ("a | b: unknown",))
    assert (found.versions, found.suite, found.apart, found.damage) == (VERSIONS, kept_rates.suite(), (), "")


def test_none_that_was_kept_is_none(tmp_path: Path) -> None:
    assert kept_rates.quoted(tmp_path / "selftest.json", run(SAME)) is None


def test_the_one_that_is_kept_here_can_be_read() -> None:
    found = quoted(locations.KEPT_SELFTEST)
    assert found.damage == ""
    assert found.injected > 0 and found.clean_pairs > 0 and "keras" in found.versions


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
    del document["suite"]
    path.write_text(json.dumps(document))
    found = quoted(path, SAME)
    assert (found.injected, found.suite) == (5, None)
    assert found.apart == ("measured by an unknown version of keras-parity",)


DAMAGED = [b"", b"{", b"[]", b"{}", b'{"faults": [{}]}', b'{"faults": 5}', b"\xff\xfe", b'"\xff"', b'{"": ' + b"[" * 100_000]


@pytest.mark.parametrize("damaged", DAMAGED, ids=lambda damaged: repr(damaged[:20]))
def test_a_damaged_one_is_a_sentence(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "docs" / "selftest.json"
    path.parent.mkdir()
    path.write_bytes(damaged)
    found = quoted(path, SAME)
    assert found.damage.startswith("docs/selftest.json cannot be read (")
    assert found == SelfTest(damage=found.damage)


def test_a_folder_of_that_name_is_damage_too(tmp_path: Path) -> None:
    assert "Is a directory" in quoted(tmp_path, SAME).damage


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
    found = json.loads(output.as_json(SCORE))["suite"]
    assert Suite(**found) == kept_rates.suite()
    assert len(found["digest"]) == 64


def test_every_field_of_the_file_is_documented() -> None:
    words = (locations.ROOT / "docs" / "selftest.md").read_text()
    document = json.loads(output.as_json(SCORE))
    names = {*document, *document["faults"][0], *document["suite"]}
    assert [name for name in names if f"`{name}`" not in words] == []
