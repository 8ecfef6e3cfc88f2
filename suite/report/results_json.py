"""results.json, schema 1: everything that a report shows, for programs. docs/results.md documents every field.

What is lost on the way: distances keep four significant digits and seconds three decimals; of a quantity's tensors the worst 20
are kept; `plan.runs` is a number, and reading takes that many rows of `runs`; `plan.refused` is found in those rows only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from suite.records import (
    RESULTS_SCHEMA,
    ConsistencyCheck,
    DamagedArtifact,
    Judged,
    Pair,
    Results,
    RunRow,
    SelfTest,
    UsageError,
)
from suite.report import output, parse, summary

KEPT_TENSORS = 20  # the rest of a large model's would be most of the file, and nobody looks past the worst


class OtherSchema(DamagedArtifact):
    """It was written by a version with another schema."""


def text(results: Results) -> str:
    """The results as JSON text, indented, keys in the documented order."""
    return msgspec.json.format(msgspec.json.encode(document(results)), indent=1).decode() + "\n"


def write(results: Results, path: Path) -> None:
    """By rename: a reader never sees half a file."""
    output.write(path, text(results))


def read(path: Path) -> Results:
    """The results that were written to a file, up to what the module's docstring says is lost.

    Raises:
        OtherSchema: it is of a schema that this version does not read.
        UsageError: there is no such file, or it is something else.
        DamagedArtifact: it is not as this version wrote it.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): give a results.json that `parity compare` wrote"
        ) from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no results.json ({error}): give one that `parity compare` wrote") from None
    if found.get("schema") != RESULTS_SCHEMA:
        raise OtherSchema(f"{path} has schema {found.get('schema')!r}, this version reads {RESULTS_SCHEMA}")
    try:
        return parse.results(found)
    except (LookupError, TypeError, ValueError) as error:
        raise DamagedArtifact(
            f"{path} is not as docs/results.md says ({type(error).__name__}: {error}): was it edited?"
        ) from None


def document(results: Results) -> dict[str, Any]:
    return {
        "schema": results.schema,
        "answer": results.answer,
        "exit_code": results.exit_code,
        "generated": results.generated,
        "plan": {
            "digest": results.plan.digest,
            "command": results.plan.command,
            "runs": len(results.plan.runs),
            "options": msgspec.to_builtins(results.plan.options),
        },
        "environments": [msgspec.to_builtins(one) for one in results.environments],
        "scenarios": [msgspec.to_builtins(one) for one in results.scenarios],
        "broken": [msgspec.to_builtins(one) for one in results.broken],
        "runs": [_run(row) for row in results.runs],
        "pairs": [_pair(pair) for pair in results.pairs],
        "checks": [_check(check) for check in results.checks],
        "findings": [msgspec.to_builtins(one) for one in results.findings],
        "limits": [msgspec.to_builtins(one) for one in results.limits],
        "diagnoses": [msgspec.to_builtins(one) for one in results.diagnoses],
        "known": [msgspec.to_builtins(one) for one in results.known],
        "change": msgspec.to_builtins(results.change),
        "self_test": _self_test(results.self_test) if results.self_test else None,
    }


def _self_test(one: SelfTest) -> dict[str, Any]:
    return {**msgspec.to_builtins(one), "rates": _floats(one.rates)}


def _run(row: RunRow) -> dict[str, Any]:
    configuration = row.run.configuration
    return {
        "id": row.run.id,
        "scenario": configuration.scenario,
        "environment": configuration.environment,
        "strategy": configuration.strategy,
        "devices": configuration.devices,
        "fault": configuration.fault,
        "variation": row.run.variation,
        "precision": row.run.precision,
        "index": row.run.index,
        "emulates": msgspec.to_builtins(row.run.emulates),
        "status": row.status.value,
        "reason": row.reason,
        "seconds": round(row.seconds, 3),
        "reused": row.reused,
        "facts": dict(row.facts),
        "log": row.log,
        "died": row.died,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "scenario": pair.scenario,
        "a": pair.a,
        "b": pair.b,
        "verdict": pair.verdict.value,
        "cause": pair.cause,
        "side": pair.side,
        "quantities": {judged.quantity: _quantity(judged) for judged in pair.quantities},
    }


def _check(check: ConsistencyCheck) -> dict[str, Any]:
    return {
        "run": check.run,
        "scenario": check.scenario,
        "kind": check.kind,
        "environment": check.environment,
        "form": check.form,
        "replica": check.replica,
        "verdict": check.verdict.value,
        "cause": check.cause,
        "quantities": {judged.quantity: _quantity(judged) for judged in check.quantities},
    }


def _quantity(judged: Judged) -> dict[str, Any]:
    at = judged.distances.at
    return {
        "verdict": judged.verdict.value,
        "cause": judged.cause,
        "metrics": _floats(at[-1].plain if at else {}),
        "limits": _floats(judged.limits),
        "float64": _floats(at[-1].float64 if at else {}),
        "bits": judged.distances.bits,
        "invalid": judged.distances.invalid,
        "worst_tensor": judged.worst_tensor,
        "first_step": judged.first_step,
        "trajectory": [
            {
                "step": one.step,
                "plain": _floats(one.plain),
                "envelope": _floats(one.envelope),
                "float64": _floats(one.float64),
                "float64_envelope": _floats(one.float64_envelope),
            }
            for one in at
        ],
        "tensors": [
            {**msgspec.to_builtins(tensor), **_floats({"value": tensor.value, "ulp": tensor.ulp})}
            for tensor in summary.farthest(judged.distances.tensors, KEPT_TENSORS)
        ],
        "layers": _floats(judged.distances.layers),
        "histogram": list(judged.distances.histogram),
    }


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    """Four significant digits are more than any of these distances has."""
    return {name: float(f"{value:.4g}") for name, value in values.items()}
