"""Which environment predicts differently from one and the same file."""

from __future__ import annotations

from suite import compare
from suite.artifacts import names
from suite.compare.run_folder import RunFolder
from suite.judge import equivalence
from suite.records import RANDOM_PREDICTIONS, Cause, Code, Configuration, DamagedArtifact, plain

OF_TRAINING = ("loss", "gradient", "update")  # stages that no prediction comes to
LEAST = 3  # environments: of two that differ, neither is odd


def odd_one_out(folder: RunFolder, configuration: Configuration) -> Cause | None:
    """The environment whose float64 predictions from this configuration's file differ from all others', where these agree;
    None where that is not so, or where fewer than three loaded it. Where it draws random numbers to predict, that is why."""
    loaded = _loaded(folder, configuration)
    for name in loaded if len(loaded) >= LEAST else ():
        others = [one for one in loaded if one != name]
        apart = all(_differ(loaded[name], loaded[one], folder, configuration) is True for one in others)
        alike = all(_differ(loaded[others[0]], loaded[one], folder, configuration) is False for one in others[1:])
        if apart and alike:
            if _draws(folder, configuration.scenario, name):
                return Cause(code=Code.DRAWS_IN_PREDICT, subject=name)
            detail = (("others", ", ".join(others)), ("stage", "prediction"))
            return Cause(code=Code.ODD_ONE_OUT, subject=name, detail=detail)
    return None


def acts(cause: Cause) -> bool:
    """Whether a cause can show in a prediction, and not in training alone."""
    detail = dict(cause.detail)
    if cause.code == Code.DEFINITION and detail.get("what") != "layer":
        return False
    return cause.code != Code.CORNER and detail.get("stage") not in OF_TRAINING


def _draws(folder: RunFolder, scenario: str, environment: str) -> bool:
    alone = folder.alone(scenario, environment)
    subject = folder.subject(alone) if alone else ""
    return not isinstance(subject, str) and RANDOM_PREDICTIONS in subject.plain[1].facts


def _loaded(folder: RunFolder, configuration: Configuration) -> dict[str, compare.Snapshot]:
    """What each environment makes of the float64 run's file."""
    subject = folder.subject(configuration)
    if isinstance(subject, str) or subject.float64 is None:
        return {}
    run, manifest = plain(configuration, "float64"), subject.float64[1]
    environments = dict.fromkeys(one.environment for one in folder.configurations(configuration.scenario))
    found = {name: folder.reloaded(run, name, names.KERAS_FILE, manifest) for name in environments}
    return {name: one for name, one in found.items() if isinstance(one, compare.Snapshot)}


def _differ(a: compare.Snapshot, b: compare.Snapshot, folder: RunFolder, configuration: Configuration) -> bool | None:
    """None where it cannot be told."""
    subject = folder.subject(configuration)
    outputs = "" if isinstance(subject, str) else subject.outputs
    try:
        apart = compare.judged(compare.PREDICTIONS, a, b, outputs)
    except (DamagedArtifact, ValueError):
        return None
    return None if apart is None else apart >= equivalence.OTHER_SEMANTICS
