"""results.json back to records: the other half of results_json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import msgspec

from suite.records import (
    At,
    Broken,
    Change,
    Configuration,
    ConsistencyCheck,
    Diagnosis,
    Distances,
    Emulation,
    Finding,
    Judged,
    Known,
    Limit,
    Options,
    Pair,
    Plan,
    Provisioned,
    Results,
    Run,
    RunRow,
    ScenarioRow,
    SelfTest,
    Status,
    TensorDistance,
    Verdict,
)

Found = Mapping[str, Any]
T = TypeVar("T")


def results(found: Found) -> Results:
    """Fields that came after the first report of this schema may be missing: then they are what they are by default.

    Raises LookupError, TypeError or ValueError where another field is missing, or one is of another type.
    """
    rows = tuple(_row(one) for one in found["runs"])
    return Results(
        plan=_plan(found["plan"], rows),
        answer=_as(found["answer"], str),
        exit_code=_as(found["exit_code"], int),
        generated=_as(found["generated"], str),
        environments=_as(found["environments"], tuple[Provisioned, ...]),
        scenarios=_as(found["scenarios"], tuple[ScenarioRow, ...]),
        broken=_as(found["broken"], tuple[Broken, ...]),
        runs=rows,
        pairs=tuple(_pair(one) for one in found["pairs"]),
        checks=tuple(_check(one) for one in found["checks"]),
        findings=_as(found["findings"], tuple[Finding, ...]),
        limits=_as(found["limits"], tuple[Limit, ...]),
        # Newer fields, absent in what an older version wrote.
        diagnoses=_as(found.get("diagnoses", ()), tuple[Diagnosis, ...]),
        known=_as(found.get("known", ()), tuple[Known, ...]),
        change=_as(found["change"], Change) if found.get("change") else None,
        self_test=_as(found["self_test"], SelfTest) if found.get("self_test") else None,
        schema=_as(found["schema"], int),
    )


def _as(value: Any, kind: type[T]) -> T:
    return msgspec.convert(value, kind)


def _plan(found: Found, rows: tuple[RunRow, ...]) -> Plan:
    """Planned runs are the first rows, in the plan's order; those asked for later follow."""
    planned = _as(found["runs"], int)
    if planned > len(rows):
        raise ValueError(f"got {len(rows)} runs, wanted the {planned} of the plan")
    return Plan(
        runs=tuple(row.run for row in rows[:planned]),
        refused=(),
        options=_as(found["options"], Options),
        digest=_as(found["digest"], str),
        command=_as(found["command"], str),
    )


def _row(found: Found) -> RunRow:
    named = {one.name: found[one.name] for one in fields(Configuration) if one.name in found}
    configuration = _as(named, Configuration)
    return RunRow(
        run=Run(
            configuration=configuration,
            variation=_as(found["variation"], str),
            precision=_as(found["precision"], str),
            index=_as(found["index"], int),
            emulates=_as(found.get("emulates"), Emulation | None),  # type: ignore[arg-type]
        ),
        status=Status(found["status"]),
        reason=_as(found["reason"], str),
        seconds=_as(found["seconds"], float),
        reused=_as(found["reused"], bool),
        facts=_as(found["facts"], dict[str, str]),
        log=_as(found["log"], str),
        died=_as(found.get("died", ""), str),
    )


def _pair(found: Found) -> Pair:
    return Pair(
        scenario=_as(found["scenario"], str),
        a=_as(found["a"], str),
        b=_as(found["b"], str),
        verdict=Verdict(found["verdict"]),
        cause=_as(found["cause"], str),
        quantities=_quantities(found["quantities"]),
        side=_as(found["side"], str),
    )


def _check(found: Found) -> ConsistencyCheck:
    return ConsistencyCheck(
        run=_as(found["run"], str),
        scenario=_as(found["scenario"], str),
        kind=_as(found["kind"], str),
        environment=_as(found["environment"], str),
        verdict=Verdict(found["verdict"]),
        cause=_as(found["cause"], str),
        form=_as(found["form"], str),
        replica=_as(found["replica"], int),
        quantities=_quantities(found["quantities"]),
    )


def _quantities(found: Found) -> tuple[Judged, ...]:
    return tuple(_judged(name, one) for name, one in found.items())


def _judged(name: str, found: Found) -> Judged:
    return Judged(
        quantity=name,
        verdict=Verdict(found["verdict"]),
        cause=_as(found["cause"], str),
        distances=Distances(
            quantity=name,
            bits=_as(found["bits"], bool),
            at=_as(found["trajectory"], tuple[At, ...]),
            tensors=_as(found["tensors"], tuple[TensorDistance, ...]),
            invalid=_as(found["invalid"], str),
            layers=_as(found.get("layers", {}), dict[str, float]),
            histogram=_as(found.get("histogram", ()), tuple[int, ...]),
        ),
        limits=_as(found["limits"], dict[str, float]),
        worst_tensor=_as(found["worst_tensor"], str),
        first_step=_as(found["first_step"], int),
    )
