"""A scenario made from a model that exists: a file, or a function in a script. It runs as it is written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Arrays
from suite.artifacts.store import Store
from suite.artifacts.writing import file_digest
from suite.commands.checking import Checking
from suite.commands.choosing import provisioned, wanted
from suite.commands.options import NewScenarioOptions
from suite.compare import files as comparing
from suite.engine.local import Local
from suite.records import ConfigurationError, Options
from suite.records.files import DESCRIBED, FileQuestion, ModelDescription

ROWS, BATCH = 128, 32  # four batches, which are evaluated and predicted
TIMEOUT = 600.0
WIDTH = 116

TEMPLATE = '''"""{title}"""

from __future__ import annotations

{imports}from typing import Any

from suite import Data, Scenario


def model() -> Any:
{model}


def data() -> Data:
    import numpy as np

    with np.load({rows}) as rows:  # {about}
        return Data(x={x}, y={y})


def optimizer() -> Any:
    import keras

    return keras.optimizers.get({optimizer})

{functions}
SCENARIO = Scenario(
    name={name},
    description={description},
    model=model,
    data=data,
    optimizer=optimizer,
    loss={loss},{metrics}
    batch={batch},
    steps=20,
    outputs={outputs},
    files=({files},),
)
'''


@dataclass(frozen=True, kw_only=True)
class Described:
    """A model as a worker described it. `rows`: its inputs; `predicted`: what it predicts from them."""

    model: ModelDescription
    rows: Arrays
    predicted: Arrays


def text(options: NewScenarioOptions, described: Described, rows: Path, *, drawn: bool) -> str:
    """The scenario's file. `rows`: the .npz with the rows; `drawn`: it was made here. Paths in it are relative to the
    folder of the scenario, which is the current one while its functions run."""
    compiled = json.loads(described.model.compiled)
    loss = compiled.get("loss") or usual_loss(described.predicted)
    metrics = compiled.get("metrics")
    loss_text, metrics_text = expression(loss, "losses"), expression(metrics, "metrics")
    functions = [
        _function(name, body) for name, body in (("loss", loss_text), ("metrics", metrics_text)) if "keras." in body
    ]
    source = options.source
    imports, body, needed = _model(source, options.folder)
    beside = _relative(rows, options.folder)
    count = len(next(iter(described.rows.values())))
    return TEMPLATE.format(
        title=f"Made from {source}: look at data(), loss and optimizer before you believe the results.",
        imports=imports,
        model=body,
        rows=beside,
        about="drawn from what the model takes" if drawn else "your own",
        x=_inputs(described.model),
        y=_targets(described.predicted),
        optimizer=_literal(_optimizer(compiled.get("optimizer")), 32),
        functions="".join(f"\n{one}\n" for one in functions),
        name=json.dumps(options.name),
        description=json.dumps(f"the model of {Path(source).name}"),
        loss="loss" if "keras." in loss_text else loss_text,
        metrics=f"\n    metrics={'metrics' if 'keras.' in metrics_text else metrics_text}," if metrics else "",
        batch=min(BATCH, count - count % 2) or 1,
        outputs=json.dumps(
            "probabilities" if all(map(comparing.are_probabilities, described.predicted.values())) else "values"
        ),
        files=", ".join([*needed, beside]),
    )


def _kind(predicted: Arrays) -> str:
    return "probabilities" if all(map(comparing.are_probabilities, predicted.values())) else "values"


def _model(source: str, folder: Path) -> tuple[str, str, list[str]]:
    """The imports, the body of model(), and the files that it reads."""
    place, _, function = source.rpartition(":")
    if not place:
        path = _relative(Path(source), folder)
        return "", f"    import keras\n\n    return keras.saving.load_model({path}, compile=False)", [path]
    if place.endswith(".py"):
        script = _relative(Path(place), folder)
        return "import runpy\n", f"    return runpy.run_path({script})[{function!r}]()", [script]
    here = _relative(Path.cwd(), folder)
    body = f"    sys.path.append({here})\n    from {place} import {function}\n\n    return {function}()"
    return "import sys\n", body, []


def _relative(path: Path, folder: Path) -> str:
    """The path from the folder, as a text of Python."""
    return json.dumps(os.path.relpath(path.resolve(), folder.resolve()))


def _inputs(model: ModelDescription) -> str:
    if len(model.inputs) == 1 and model.form == "list":
        return f"rows[{json.dumps(model.inputs[0])}]"
    if model.form == "dict":
        pairs = zip(model.keys, model.inputs, strict=True)
        return "{" + ", ".join(f"{json.dumps(key)}: rows[{json.dumps(name)}]" for key, name in pairs) + "}"
    return "[" + ", ".join(f"rows[{json.dumps(name)}]" for name in model.inputs) + "]"


def _targets(predicted: Arrays) -> str:
    keys = [name.removeprefix("output").lstrip("/") for name in predicted]
    if keys == [""]:
        return 'rows["y"]'
    if all(key.isdecimal() for key in keys):
        return "[" + ", ".join(f"rows[{json.dumps(f'y/{key}')}]" for key in keys) + "]"
    return "{" + ", ".join(f"{json.dumps(key)}: rows[{json.dumps(f'y/{key}')}]" for key in keys) + "}"


def usual_loss(predicted: Arrays) -> Any:
    """The loss of a model that was not compiled, for each output: by what it predicts."""

    def one(values: np.ndarray) -> str:
        if not comparing.are_probabilities(values):
            return "mean_squared_error"
        return "binary_crossentropy" if values.shape[-1] == 1 else "sparse_categorical_crossentropy"

    keys = {name.removeprefix("output").lstrip("/"): one(values) for name, values in predicted.items()}
    if list(keys) == [""]:
        return keys[""]
    return list(keys.values()) if all(key.isdecimal() for key in keys) else keys


def _optimizer(found: Any) -> Any:
    """By its class: a file saved on torch names a module that only torch has."""
    if not isinstance(found, Mapping):
        return found or "adam"
    return {"class_name": found.get("class_name"), "config": found.get("config", {})}


def expression(found: Any, module: str) -> str:
    """What Keras serialized, as an expression of Python."""
    if isinstance(found, Mapping) and "class_name" in found:
        if found["class_name"] == "function":
            return repr(str(found.get("config")))
        made = {"class_name": found["class_name"], "config": found.get("config", {})}
        return f"keras.{module}.deserialize({made!r})"
    if isinstance(found, Mapping):
        return "{" + ", ".join(f"{key!r}: {expression(one, module)}" for key, one in found.items()) + "}"
    if isinstance(found, list | tuple):
        return "[" + ", ".join(expression(one, module) for one in found) + "]"
    return repr(found)


def _function(name: str, body: str) -> str:
    return f"def {name}() -> Any:\n    import keras\n\n    return {body}\n"


def _literal(value: Any, indent: int) -> str:
    return pformat(value, width=WIDTH - indent).replace("\n", "\n" + " " * indent)


# ---------------------------------------------------------------- rows


def rows_of(described: Described, seed: int) -> dict[str, np.ndarray]:
    """The inputs by name, and targets that the loss can take: "y", or "y/<output>"."""
    compiled = json.loads(described.model.compiled)
    loss = compiled.get("loss") or usual_loss(described.predicted)
    random = np.random.default_rng(seed)
    found = dict(described.rows)
    for place, (name, values) in enumerate(described.predicted.items()):
        key = name.removeprefix("output").lstrip("/")
        found[f"y/{key}" if key else "y"] = _target(_loss_of(loss, key, place), values, random)
    return found


def _loss_of(loss: Any, key: str, place: int) -> str:
    """The name of an output's loss, in lower case, without underscores."""
    if isinstance(loss, Mapping) and "class_name" not in loss:
        loss = loss.get(key)
    elif isinstance(loss, list | tuple):
        loss = loss[place] if place < len(loss) else None
    if isinstance(loss, Mapping):
        loss = loss.get("config") if loss.get("class_name") == "function" else loss.get("class_name")
    return str(loss).lower().replace("_", "")


def _target(loss: str, values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if "sparse" in loss:
        return random.integers(0, values.shape[-1], values.shape[:-1]).astype(np.int32)
    if "binary" in loss or "hinge" in loss:
        return random.integers(0, 2, values.shape).astype(np.float32)
    if "categorical" in loss or "kldivergence" in loss:
        chosen = random.integers(0, values.shape[-1], values.shape[:-1])
        return np.eye(values.shape[-1], dtype=np.float32)[chosen]
    return random.normal(size=values.shape).astype(np.float32)


# ---------------------------------------------------------------- the worker


def described(options: NewScenarioOptions) -> Described:
    """The model as the first environment that can load it describes it.

    Raises:
        ConfigurationError: none can; the message says why.
    """
    environments = wanted(options.environments, ())
    ready = provisioned(options.environments, environments, "cpu")
    reasons: dict[str, str] = {name: one.reason for name, one in ready.items() if one.reason}
    folder = options.environments.environments_folder
    with tempfile.TemporaryDirectory() as place:
        store = Store(place)
        with Local().engine(
            ready, folder=store.folder, environments=folder, cores=1, timeout=TIMEOUT, listen=lambda event: None
        ) as engine:
            checking = Checking(engine, store, ready, Options(device="cpu"), again=True, code=None)
            for name in ready:
                if name in reasons:
                    continue
                answer = checking.answer(name, question(options))
                if isinstance(answer, comparing.Answered) and answer.reading.described is not None:
                    return Described(
                        model=answer.reading.described,
                        rows=_copied(answer.part(names.DATA)),
                        predicted=_copied(answer.part(names.predictions(0))),
                    )
                # There is no --custom-objects here: a function registers what it needs.
                reason, unknown, _ = str(answer).partition(": give --custom-objects")
                reasons[name] = f"{reason}: give --from train.py:function, which builds the model" if unknown else reason
    said = dict.fromkeys(reasons.values())
    raise ConfigurationError(f"no scenario can be made from {options.source}: {'; '.join(said)}")


def _copied(arrays: Arrays) -> dict[str, np.ndarray]:
    """Their files go with the folder that they are in."""
    return {name: np.array(value) for name, value in arrays.items()}


def question(options: NewScenarioOptions) -> FileQuestion:
    """What the worker is asked.

    Raises:
        ConfigurationError: there is no such file.
    """
    function = ":" in options.source
    path = None if function else Path(options.source)
    for needed in (path, options.data):
        if needed is not None and not needed.is_file():
            raise ConfigurationError(f"{needed} is no file: check the path, or write module:function")
    return FileQuestion(
        path=str(path.resolve()) if path else "",
        digest=file_digest(path) if path else "",
        model=options.source if function else "",
        custom_objects="",
        folder=str(Path.cwd()),
        data=str(options.data.resolve()) if options.data else "",
        data_digest=file_digest(options.data) if options.data else "",
        rows=ROWS,
        part=DESCRIBED,
    )
