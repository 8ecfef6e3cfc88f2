"""Runs that do not repeat themselves bit for bit: do deterministic kernels cure that?"""

from __future__ import annotations

from dataclasses import replace

from suite.compare.envelopes import repeat_distance
from suite.compare.run_folder import RunFolder
from suite.plan import variants
from suite.records import Configuration


def steady(folder: RunFolder, configuration: Configuration) -> str:
    """The environment that is the same with deterministic kernels, where the same configuration repeats itself bit for bit;
    empty if there is none, or if it was not repeated."""
    every = [one.environment for one in folder.session.environments]
    own = next((one for one in every if one.name == configuration.environment), None)
    for one in every:
        if own is None or not one.deterministic or not variants.differ_in_determinism_only(own, one):
            continue
        subject = folder.subject(replace(configuration, environment=one.name))
        if not isinstance(subject, str) and subject.repeats and not repeat_distance(subject):
            return one.name
    return ""
