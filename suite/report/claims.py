"""What the runs say of the article's claims: claims.html, claims.json, and text for a terminal."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from suite.artifacts.writing import write_text
from suite.records import Answer, Claims, Effect, Spread, showing
from suite.report import links

HERE = Path(__file__).parent
SHOWN_INTERACTIONS = 8  # in a terminal; the page and claims.json have all
WIDTH = 120


def write(claims: Claims, folder: Path) -> None:
    """claims.json and claims.html in the folder, each by rename."""
    claims = showing.clean(claims)
    write_text(folder / "claims.json", json(claims))
    write_text(folder / links.CLAIMS, html(claims))
    links.join(folder)


def json(claims: Claims) -> str:
    return msgspec.json.format(msgspec.json.encode(claims), indent=1).decode() + "\n"


def html(claims: Claims) -> str:
    """The page, by itself."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("claims.html.j2").render(
        claims=claims,
        headline=headline(claims),
        versions=versions(claims),
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        number=number,
        spread=spread,
        changed=changed,
        given=given,
        no_report=links.NO_REPORT,
    )
    return re.sub(r"\n\s*\n+", "\n", page)


def headline(claims: Claims) -> str:
    """How many of the claims are true, from the answers alone."""
    counted = Counter(claim.answer for claim in claims.claims)
    counts = [f"{counted[answer]} {answer.value}" for answer in Answer if counted[answer]]
    return f"Of the article's {len(claims.claims)} claims, on {claims.scenario}: {', '.join(counts)}."


def versions(claims: Claims) -> dict[str, str]:
    """What each environment ran with: Keras, and its backend's package."""
    found = {}
    for name, facts in claims.environments.items():
        packages = ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy", "python")
        found[name] = ", ".join(f"{package} {facts[package]}" for package in packages if package in facts)
    return found


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1e}" if value and math.isfinite(value) else f"{value:g}"


def spread(one: Spread) -> str:
    return f"{number(one.median)} ({number(one.smallest)} to {number(one.largest)})"


def changed(effect: Effect) -> str:
    return f"{effect.factor}: {effect.levels[0]} → {effect.levels[1]}"


def given(effect: Effect) -> str:
    return ", ".join(f"{factor} {level}" for factor, level in effect.given)


def text(claims: Claims) -> str:
    """For a terminal."""
    return "\n".join(_lines(claims))


def _lines(claims: Claims) -> Iterator[str]:
    yield (
        f"{claims.cells} cells of {claims.scenario} in {claims.environment}, on one device and on {claims.devices} "
        f"({claims.device}), {claims.steps} steps, float64 runs (their own rounding: {number(claims.drift)})"
    )
    yield ""
    yield "Main effects: median (smallest to largest) over pairs of cells that differ in this factor alone"
    yield f"  {'':44}{'pairs':>5}  {'weights, share of the way trained':36}{'predictions, largest difference'}"
    for effect in claims.effects:
        yield f"  {changed(effect):44}{effect.pairs:>5}  {spread(effect.weights):36}{spread(effect.predictions)}"
    if claims.interactions:
        yield ""
        yield "Where an effect depends on others"
    for interaction in claims.interactions[:SHOWN_INTERACTIONS]:
        yield f"  {changed(interaction.effects[0])}"
        for effect in interaction.effects:
            yield f"    {given(effect):47}  {spread(effect.weights):36}{spread(effect.predictions)}"
    if len(claims.interactions) > SHOWN_INTERACTIONS:
        yield f"  and {len(claims.interactions) - SHOWN_INTERACTIONS} weaker ones, in claims.json"
    yield ""
    for claim in claims.claims:
        yield f"({claim.number}) {claim.words}: {claim.answer.value}"
        yield from (f"    {line}" for line in wrap(f"{claim.because}.", WIDTH))
    if claims.missing:
        yield ""
        yield f"Without a result: {len(claims.missing)} cells"
        yield from (f"  {reason} ({count})" for reason, count in Counter(reason for _, reason in claims.missing).items())
    yield ""
    yield headline(claims)
