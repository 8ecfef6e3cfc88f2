"""The name of every file and folder of a run, and of every part of an artifact. No other module spells one out.

    <run folder>/plan.json, session.json                     what was asked for, what happened
    <run folder>/judged.json                                 what the report there was made from
    <run folder>/verdicts/<scenario>.msgpack                 what was judged of a scenario before parts of it were dropped
    <run folder>/measured.json                               what running took
    <run folder>/signatures.json                             of both, and of every manifest, if they were asked for
    <run folder>/inputs/<scenario>/                          data and initial weights, made once
    <run folder>/probes/<environment>/                       the float64 probe
    <run folder>/zoo/<environment>/<precision>/<chunk>/      some cases of the zoo
    <run folder>/files/<environment>/<precision>/<question>/ what a saved model predicts
    <run folder>/runs/<run id>/                              one artifact: manifest.json, model files, and parts
    <run folder>/runs/<run id>/reload/<environment>/<form>/  the same file, loaded again: an artifact of its own

A part is a set of arrays by name, in a file of its own: <part>.safetensors. A model file is what Keras saves.
"""

from __future__ import annotations

from suite.records import Manifest

# ---------------------------------------------------------------- files and folders of a run folder

PLAN = "plan.json"
SESSION = "session.json"
JUDGED = "judged.json"
MEASURED = "measured.json"
SIGNATURES = "signatures.json"
LOCK = ".lock"
TEMPORARY = "temporary"  # what jobs need while they run; emptied when a command begins and ends
JOBS, LOGS, KERAS = "jobs", "logs", "keras"  # what workers were told, what they said, and where Keras looks for settings
VERDICTS = "verdicts"
INPUTS, PROBES, RUNS, RELOAD, ZOO, FILES = "inputs", "probes", "runs", "reload", "zoo", "files"

# ---------------------------------------------------------------- files of an artifact

MANIFEST = "manifest.json"
KERAS_FILE = "model.keras"
WEIGHTS_FILE = "model.weights.h5"
LEGACY_FILE = "model.h5"
MODEL_FILES = (KERAS_FILE, WEIGHTS_FILE, LEGACY_FILE)
UNBUILT = f"{WEIGHTS_FILE}+unbuilt"  # the weights, loaded into a model whose optimizer is not built
FORMS = (*MODEL_FILES, UNBUILT)  # in which a run's files are loaded where they were saved; elsewhere, only the first is


def file_of(part: str) -> str:
    """The file that holds a part."""
    return f"{part}.safetensors"


def verdicts_of(scenario: str) -> str:
    """The file that keeps what was judged of a scenario."""
    return f"{VERDICTS}/{scenario}.msgpack"


def has(manifest: Manifest, part: str) -> bool:
    """Whether the artifact of this manifest holds the part."""
    return file_of(part) in manifest.files


def forms(saved: Manifest | None, *, own: bool) -> tuple[str, ...]:
    """How the files of a run with this manifest are loaded: in its `own` environment, or elsewhere. Keras writes the legacy
    file of some models only. An optimizer that is not built is tried with what one device saved."""
    if not own:
        return (KERAS_FILE,)
    left_out = set()
    if saved is None or LEGACY_FILE not in saved.files:
        left_out.add(LEGACY_FILE)
    if saved is None or saved.replicas > 1:
        left_out.add(UNBUILT)
    return tuple(form for form in FORMS if form not in left_out)


def loaded_by(form: str) -> str:
    """The model file that is loaded in this form."""
    return WEIGHTS_FILE if form == UNBUILT else form


# ---------------------------------------------------------------- parts

DATA = "data"  # of a scenario's inputs: x or x/<input>, y, predict or predict/<input>
EVALUATION = "evaluation"  # the loss and every metric over the rows to evaluate, at the end
SAVED_EVALUATION = "saved-evaluation"  # what an oracle says that the saved file evaluates to
COMPILED = "compiled"  # what the model was compiled with, as text
LAYERS = "layers"  # the attributes of each layer, as text
LAYER_ARRAYS = "layer-arrays"  # those of them that are arrays: "path|name" -> values
RESTORED = "restored-predictions"  # of what was loaded, with the live model's variables put back where they are different
MENDED = "mended-predictions"  # the same, with its attributes put back, too, where they are different
RESUMED, RESUMED_OPTIMIZER = "resumed", "resumed-optimizer"  # variables after some steps more, beyond the saved file
RESUMED_ANEW = "resumed-anew"  # the same, of the live model with its steps compiled anew
HISTORY = "history"  # what `fit` says after each epoch: loss, metrics and those of validation; "step": where it ended
LOSSES = "losses"  # of each training step; its one array has the same name
STREAM = "stream"  # the first random numbers that the backend draws
SAVED, SAVED_PREDICTIONS = "saved", "saved-predictions"  # what an oracle says that the saved file holds and predicts
DIFFERENCE, NONLINEARITY = "difference", "nonlinearity"  # of the float64 probe; their one array has the same name


def initial(seed: int = 0) -> str:
    """Initial variables, of a scenario's inputs. `seed`: 0 for those of every run, n for those of the n-th different
    seed."""
    return f"initial-{seed}" if seed else "initial"


def step(number: int | str) -> str:
    """Variables after so many training steps; 0 for the initial ones, and for those of a file that was loaded."""
    return f"step-{number}"


def optimizer(number: int | str) -> str:
    """The optimizer's variables after so many training steps."""
    return f"optimizer-{number}"


def predictions(number: int | str) -> str:
    """Predictions after so many training steps, and the array "replica": which replica made which row."""
    return f"predictions-{number}"


def replica(index: int) -> str:
    """Variables at the end of training, as this replica has them."""
    return f"replica-{index}"


def single_step(state: str) -> str:
    """What one training step from this state gives, stage by stage: arrays "<stage>|<tensor>"."""
    return f"single-step-{state}"


def layerwise(state: str) -> str:
    """Every call in one training step from this state: arrays "<place of the call>|<what>|<name>"."""
    return f"layerwise-{state}"


def single_step_states(manifest: Manifest) -> set[str]:
    """The states from which the artifact of this manifest holds a training step."""
    prefix, suffix = single_step(""), file_of("")
    return {file.removeprefix(prefix).removesuffix(suffix) for file in manifest.files if file.startswith(prefix)}


# ---------------------------------------------------------------- the zoo

READINGS = "readings.json"  # what the worker says about each case
RUNNING = "running"  # which case it is at; gone when it has finished
CASES = "cases"  # the arrays of all cases
ZOO_JSON, ZOO_TABLE = "zoo.json", "zoo.md"  # what the zoo found

# Kinds of arrays of a case: "<kind>/<place or name>". Those of an optimizer begin with the number of the update.
INPUT, MASK, WEIGHT, OUTPUT, STATE, COTANGENT, GRADIENT = (
    "input", "mask", "weight", "output", "state", "cotangent", "gradient",
)  # fmt: skip
VARIABLE, SLOT, AFTER = "variable", "slot", "after"


def of_case(case: str, array: str) -> str:
    """An array of a case, among those of all cases."""
    return f"{case}|{array}"


# ---------------------------------------------------------------- saved models

FILE_READING = "reading.json"  # what the worker says of a file that it loaded
REPEATED = "repeated"  # the predictions of the first rows, a second time
SKETCHES = "sketches"  # of what every layer got and returned: "<place of the call>|input" and "|output"
CHECK_JSON, CHECK_TABLE = "check.json", "check.md"  # what `parity check` found
