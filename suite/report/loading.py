"""Files that load elsewhere only with compile=False."""

from __future__ import annotations

from collections.abc import Iterator

from suite.records import COMPILE_FALSE, Results

OF_A_BACKEND = "keras.src.backend."  # in what Keras says: the module of a class that one backend has


def sentences(results: Results) -> Iterator[str]:
    """One for each environment that saves, and each reason."""
    found = dict[str, None]()
    for row in results.runs:
        configuration = row.run.configuration
        for said in row.facts.get(COMPILE_FALSE, "").splitlines():
            where, _, reason = said.partition(": ")
            what = f"what {configuration.environment} saves loads in {where} only with compile=False"
            if OF_A_BACKEND in reason:  # whatever the scenario
                found[f"W{what[1:]}: the file names an optimizer's class that one backend has (known defect K-73)."] = None
            else:
                found[f"{configuration.scenario}: {what}: {reason.rstrip('.')}."] = None
    yield from found
