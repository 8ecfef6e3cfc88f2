"""Do two environments compute in the same floating-point formats, where a model is to compute in 16 bits?

Their results may be within rounding all the same: that of 16 bits is wide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from suite.compare.run_folder import RunFolder
from suite.explain import known_defects
from suite.records import FORMATS, Cause, Code, Configuration

Told = Mapping[str, Sequence[str]]  # layer, or "" for the model -> the formats of what it is given, and of what it returns


PARTS = 2  # what is given, what is returned


def between(folder: RunFolder, a: Configuration, b: Configuration) -> Cause | None:
    """That they do not, about the one that differs from all others; None if they do, or if one does not tell.

    Raises:
        ValueError: what a run tells cannot be read.
    """
    mine, other = _told(folder, a), _told(folder, b)
    apart = [name for name, formats in mine.items() if other.get(name, formats) != formats]
    if not apart:
        return None
    every = [told for one in _others(folder, a, b) if (told := _told(folder, one))]
    odd = [
        one
        for one, told, same in ((a, mine, other), (b, other, mine))
        if every and all(_alike(third, same, apart) and not _alike(third, told, apart) for third in every)
    ]
    here, there = (other, mine) if b in odd else (mine, other)
    detail = _detail(apart[0], here[apart[0]], there[apart[0]])
    if len(odd) != 1:
        return Cause(code=Code.OTHER_FORMATS, detail=(*detail, ("side", a.environment)))
    defect = known_defects.of_formats(folder, odd[0])
    known = (("known", defect),) if defect else ()
    return Cause(code=Code.OTHER_FORMATS, subject=odd[0].environment, detail=(*detail, *known))


def _detail(layer: str, here: Sequence[str], there: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Where they differ: in what a layer is given, or else in what it returns; or in what the model returns."""
    index = 0 if here[0] != there[0] else 1
    part = ("given", "returned")[index] if layer else "output"
    return ("layer", layer), ("part", part), ("formats", here[index]), ("other formats", there[index])


def _others(folder: RunFolder, a: Configuration, b: Configuration) -> list[Configuration]:
    """The other environments, on one device."""
    names = dict.fromkeys(one.environment for one in folder.configurations(a.scenario))
    alone = [folder.alone(a.scenario, name) for name in names if name not in (a.environment, b.environment)]
    return [one for one in alone if one is not None]


def _alike(one: Told, other: Told, names: list[str]) -> bool:
    return all(one.get(name) == other.get(name) for name in names)


def _told(folder: RunFolder, configuration: Configuration) -> Told:
    subject = folder.subject(configuration)
    text = "" if isinstance(subject, str) else subject.plain[1].facts.get(FORMATS, "")
    found = json.loads(text) if text else {}
    if not isinstance(found, dict) or not all(isinstance(one, list) and len(one) == PARTS for one in found.values()):
        raise ValueError(f"the run of {configuration.label} tells no formats that can be read")
    return found
