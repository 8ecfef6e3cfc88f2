"""known_differences.toml: what is read, and a sentence with its line for everything that is wrong with one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from suite.plan import locations
from suite.records import ConfigurationError, KnownDifference
from suite.results import known_differences

GOOD = """
[[known]]
fingerprint = "0123456789ab"
reason = "torch computes variances in one pass"
link = "https://github.com/keras-team/keras/issues/18795"
expires = 2027-01-31

[[known]]
fingerprint = "ba9876543210"
reason = "to be looked at"
expires = 2026-12-01
scenarios = ["large-mean-bn"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "known.toml"
    path.write_text(text)
    return path


def test_what_it_holds(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    assert known_differences.read(path) == (
        KnownDifference(
            fingerprint="0123456789ab",
            reason="torch computes variances in one pass",
            expires="2027-01-31",
            link="https://github.com/keras-team/keras/issues/18795",
            source=f"{path}:2",
        ),
        KnownDifference(
            fingerprint="ba9876543210",
            reason="to be looked at",
            expires="2026-12-01",
            scenarios=("large-mean-bn",),
            source=f"{path}:8",
        ),
    )
    assert known_differences.read(written(tmp_path, "")) == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2027-01-31", '"2027-01-31"', ":2: expires is '2027-01-31', wanted a day without quotes, such as 2027-01-31"),
        ("2027-01-31", "2027-01-31T10:00:00", ":2: expires is datetime.datetime(2027, 1, 31, 10, 0), wanted a day"),
        ("2027-01-31", "2027-02-31", "is not TOML: Invalid date or datetime (at line 6,"),
        (
            "expires = 2026-12-01\n",
            "",
            ":8: no expires; a known difference has fingerprint, reason, link, expires, scenarios",
        ),
        ('reason = "to be looked at"', 'reason = " "', ":8: reason is ' ', wanted words: why is it accepted?"),
        ('reason = "to be looked at"\n', "", ":8: no reason"),
        ("ba9876543210", "ba98", ":8: fingerprint is 'ba98', wanted the one that the report shows"),
        ("ba9876543210", "0123456789ab", ":8: 0123456789ab is already known at {path}:2: remove one"),
        ("https://github", "github", ":2: link is 'github.com/keras-team/keras/issues/18795', wanted an address"),
        ("link", "links", ":2: unknown key 'links'; a known difference has"),
        ('["large-mean-bn"]', '"large-mean-bn"', ":8: scenarios is 'large-mean-bn', wanted a list of names"),
        ('[[known]]\nfingerprint = "ba', '[[knows]]\nfingerprint = "ba', ":8: unknown key 'knows', wanted only [[known]]"),
        ("reason", "reason =", "is not TOML: Invalid value (at line 4,"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as raised:
        known_differences.read(path)
    message = str(raised.value)
    assert words.format(path=path) in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_one_table_is_no_list_and_a_lost_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape("known.toml:1: known is not a list of tables: write [[known]]")):
        known_differences.read(written(tmp_path, "[known]\nreason = 'x'\n"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        known_differences.read(tmp_path / "nowhere.toml")


def test_what_is_known_of_built_in_scenarios_is_shipped_and_shown_only_where_it_shows() -> None:
    shipped = known_differences.shipped()
    assert shipped
    built_in = {path.stem.replace("_", "-") for path in locations.SCENARIOS.glob("*.py")}
    for one in shipped:
        assert set(one.scenarios) <= built_in and one.scenarios
        assert one.reason and one.link and one.source == known_differences.SHIPPED_SOURCE
    states = [replace(shipped[0], state=state) for state in ("shows", "expired", "gone", "not looked for")]
    assert [one.state for one in known_differences.told(states)] == ["shows", "expired"]
    own = replace(states[2], source="known_differences.toml:1")
    assert known_differences.told([own]) == (own,)
