"""results.json, schema 1: everything that a report shows, for programs. docs/results.md documents every field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from suite.records import Judged, Pair, Results, RunRow, View


def text(results: Results) -> str:
    """The results as JSON text, indented, keys in the documented order."""
    return msgspec.json.format(msgspec.json.encode(document(results)), indent=1).decode() + "\n"


def read(path: Path) -> dict[str, Any]:
    """A results.json as plain dicts and lists.

    Raises:
        ValueError: it is not one, or of a schema that this version does not read.
    """
    try:
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}): give a results.json that `parity compare` wrote") from None
    if found.get("schema") != 1:
        raise ValueError(f"{path} has schema {found.get('schema')!r}, this version reads 1")
    return found


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
        "views": [_view(view) for view in results.views],
        "findings": [msgspec.to_builtins(one) for one in results.findings],
        "limits": [msgspec.to_builtins(one) for one in results.limits],
    }


def _run(row: RunRow) -> dict[str, Any]:
    configuration = row.run.configuration
    return {
        "id": row.run.id,
        "scenario": configuration.scenario,
        "environment": configuration.environment,
        "strategy": configuration.strategy,
        "devices": configuration.devices,
        "variation": row.run.variation,
        "index": row.run.index,
        "status": row.status.value,
        "reason": row.reason,
        "seconds": round(row.seconds, 3),
        "reused": row.reused,
        "facts": dict(row.facts),
        "log": row.log,
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


def _view(view: View) -> dict[str, Any]:
    return {
        "run": view.run,
        "scenario": view.scenario,
        "kind": view.kind,
        "environment": view.environment,
        "form": view.form,
        "replica": view.replica,
        "verdict": view.verdict.value,
        "cause": view.cause,
        "quantities": {judged.quantity: _quantity(judged) for judged in view.quantities},
    }


def _quantity(judged: Judged) -> dict[str, Any]:
    at = judged.distances.at
    return {
        "verdict": judged.verdict.value,
        "cause": judged.cause,
        "metrics": _floats(at[-1].plain if at else {}),
        "limits": _floats(judged.limits),
        "twin": _floats(at[-1].twin if at else {}),
        "bits": judged.distances.bits,
        "invalid": judged.distances.invalid,
        "worst_tensor": judged.worst_tensor,
        "first_step": judged.first_step,
        "trajectory": [
            {
                "step": one.step,
                "plain": _floats(one.plain),
                "envelope": _floats(one.envelope),
                "twin": _floats(one.twin),
                "twin_envelope": _floats(one.twin_envelope),
            }
            for one in at
        ],
        "tensors": [msgspec.to_builtins(tensor) for tensor in judged.distances.tensors],
    }


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    """Four significant digits are more than any of these distances has."""
    return {name: float(f"{value:.4g}") for name, value in values.items()}
