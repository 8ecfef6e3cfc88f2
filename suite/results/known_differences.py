"""known_differences.toml: differences that somebody accepted, each with its reason and the last day on which it counts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from suite.artifacts import reading
from suite.records import ConfigurationError, KnownDifference

KEYS = ("fingerprint", "reason", "link", "expires", "scenarios")
FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
LINK = re.compile(r"https?://\S+")


SHIPPED = Path(__file__).with_name("shipped_differences.toml")
SHIPPED_SOURCE = "comes with keras-parity"


def shipped() -> tuple[KnownDifference, ...]:
    """What is known of the built-in scenarios. It is accepted, so that a first run that finds nothing new ends with 0."""
    return tuple(replace(one, source=SHIPPED_SOURCE) for one in read(SHIPPED))


def told(known: Iterable[KnownDifference]) -> tuple[KnownDifference, ...]:
    """Those to be shown. One that came with the suite, and that this run does not have or did not look for, is nobody's
    task."""
    return tuple(one for one in known if one.source != SHIPPED_SOURCE or one.state in ("shows", "expired"))


def read(file: Path) -> tuple[KnownDifference, ...]:
    """What the file accepts, in its order.

    Raises:
        ConfigurationError: it cannot be read or used; one sentence with the line.
    """
    text, document = reading.toml(file, "--known")
    if unknown := sorted(document.keys() - {"known"}):
        raise ConfigurationError(
            f"{file}:{_line(text, unknown[0])}: unknown key {unknown[0]!r}, wanted only [[known]] tables"
        )
    tables = document.get("known", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(
            f"{file}:{_line(text, 'known')}: known is not a list of tables: write [[known]] before each"
        )
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*known\s*\]\]", line)]
    lines += [1] * (len(tables) - len(lines))  # an inline list: known = [{...}]
    found = tuple(_known(table, f"{file}:{line}") for table, line in zip(tables, lines, strict=True))
    seen: dict[str, str] = {}
    for one in found:
        if one.fingerprint in seen:
            raise ConfigurationError(
                f"{one.source}: {one.fingerprint} is already known at {seen[one.fingerprint]}: remove one"
            )
        seen[one.fingerprint] = one.source
    return found


def _known(table: Mapping[str, Any], where: str) -> KnownDifference:
    if unknown := sorted(table.keys() - set(KEYS)):
        raise ConfigurationError(f"{where}: unknown key {unknown[0]!r}; a known difference has {', '.join(KEYS)}")
    for key in ("fingerprint", "reason", "expires"):
        if key not in table:
            raise ConfigurationError(f"{where}: no {key}; a known difference has {', '.join(KEYS)}")
    fingerprint, reason, expires = table["fingerprint"], table["reason"], table["expires"]
    link, scenarios = table.get("link", ""), table.get("scenarios", [])
    day = type(expires) is datetime.date
    names = isinstance(scenarios, list) and all(isinstance(name, str) for name in scenarios)
    for wrong, words in (
        (not _is(fingerprint, FINGERPRINT), f"fingerprint is {fingerprint!r}, wanted the one that the report shows"),
        (not (isinstance(reason, str) and reason.strip()), f"reason is {reason!r}, wanted words: why is it accepted?"),
        (not day, f"expires is {expires!r}, wanted a day without quotes, such as 2027-01-31"),
        (not (link == "" or _is(link, LINK)), f"link is {link!r}, wanted an address that starts with https://"),
        (not names, f"scenarios is {scenarios!r}, wanted a list of names"),
    ):
        if wrong:
            raise ConfigurationError(f"{where}: {words}")
    return KnownDifference(
        fingerprint=fingerprint,
        reason=" ".join(reason.split()),
        expires=expires.isoformat(),
        link=link,
        scenarios=tuple(scenarios),
        source=where,
    )


def _is(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _line(text: str, key: str) -> int:
    """Where a key or table of this name begins; 1 if that is not to be seen."""
    start = re.compile(rf"\s*\[*\s*\"?{re.escape(key)}\b")
    return next((number for number, line in enumerate(text.splitlines(), 1) if start.match(line)), 1)
