"""Run folders written by hand: what each run would leave, in a few numbers. The model is one dense layer, `dense/kernel`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.compare.run_folder import RunFolder
from suite.explain import diagnoses
from suite.explain.backends import Backends
from suite.explain.composition import Composition
from suite.records import (
    ASSIGNMENT,
    LAYERWISE,
    ORACLE,
    SINGLE_STEP,
    BatchNorm,
    Comparison,
    Configuration,
    Emulation,
    Manifest,
    Options,
    Plan,
    Provisioned,
    RecordedCall,
    Run,
    ScenarioRow,
    Semantics,
    Session,
    Status,
    Tensor,
    TensorGroup,
    plain,
)

KERNEL = Tensor(name="dense/kernel", shape=(4,), dtype="float64", group=TensorGroup.KERNEL, layer="dense")
RecordedArrays = tuple[RecordedCall, Mapping[str, np.ndarray]]


def configuration(environment: str, devices: int = 1, strategy: str = "single") -> Configuration:
    return Configuration(scenario="s", environment=environment, strategy=strategy, devices=devices)


def oracle(environment: str, devices: int = 1, emulation: Emulation | None = None) -> Run:
    where = configuration(environment, devices, ORACLE)
    return Run(configuration=where, variation=ORACLE, precision="float64", emulates=emulation or Emulation())


def steps_of(run: Run) -> Run:
    """The single steps of the same run."""
    return replace(run, variation=SINGLE_STEP, precision="float64")


def layerwise(environment: str, index: int = 1) -> Run:
    return Run(configuration=configuration(environment), variation=LAYERWISE, precision="float64", index=index)


class Folder:
    """A run folder in the making. Every configuration has a plain run, a float64 run, and an oracle of what it declares, and
    every environment an oracle of one device; whatever is not `left` there never finished.

    `declared`: number of devices -> what every strategy declares for so many. `shares`: environments where the replicas'
    losses are added up in its place, which the first of these emulates beside its own. `whole`: environments
    that declare to compute over whole batches.
    """

    def __init__(
        self,
        path: Path,
        environments: Sequence[str],
        devices: Sequence[int] = (1,),
        declared: Mapping[int, Semantics] | None = None,
        norms: Sequence[BatchNorm] = (),
        shares: Sequence[str] = (),
        whole: Sequence[str] = (),
    ) -> None:
        self.declared, self.norms, self.shares, self.whole = dict(declared or {}), tuple(norms), tuple(shares), tuple(whole)
        self.configurations = [configuration(name, count) for name in environments for count in devices]
        runs = [run for one in self.configurations for run in (plain(one), plain(one, "float64"))]
        oracles = [oracle(name, count, self.emulation(count, name)) for name in environments for count in {1, *devices}]
        oracles += [oracle(name, count, self.emulation(count)) for name in self.shares[:1] for count in self.declared]
        self.plan = Plan(
            runs=(*runs, *dict.fromkeys(oracles)), refused=(), options=Options(reference=environments[0]), digest=""
        )
        self.store = Store(path)
        self.further: list[Run] = []
        for name in environments:
            self.probed(name, 0.0)

    def emulation(self, devices: int, environment: str = "") -> Emulation:
        semantics = self.declared.get(devices, Semantics()) if environment not in self.whole else Semantics()
        added = environment in self.shares and devices in self.declared
        return Emulation(semantics=replace(semantics, gradients="sum of replica shares") if added else semantics)

    def probed(self, environment: str, nonlinearity: float) -> None:
        """The float64 probe of the environment answers a change this far from linearly."""
        with self.store.probe(environment).recording(Manifest(run=environment, status=Status.STARTED)) as recorded:
            recorded.add(names.NONLINEARITY, {names.NONLINEARITY: np.array([nonlinearity])})

    # -- what runs leave

    def trained(
        self,
        run: Run,
        kernel: float,
        facts: Mapping[str, str] | None = None,
        after_saving: str = "",
        evaluated: float | None = None,
        start: float = 0.0,
        accuracy: float | None = None,
        validated: float | None = None,
        compiled: Mapping[str, object] | None = None,
    ) -> None:
        """The run is complete: it has moved every number of the kernel from `start` to this one, predicts 1, and its loss
        was evaluated as this, if it was. `accuracy`, `validated`: what `fit` said of it after the one epoch, of the rows
        that it trained on and of those to validate on. `compiled`: what the model was compiled with."""
        manifest = Manifest(
            run=run.id,
            status=Status.STARTED,
            tensors=(KERNEL,),
            batch_norms=self.norms,
            steps=(0, 1),
            predicted=(1,),
            facts=facts or {},
            after_saving=after_saving,
        )
        with self.store.run(run).recording(manifest) as recorded:
            recorded.add(names.step(0), {"dense/kernel": np.full(4, start)})
            recorded.add(names.step(1), {"dense/kernel": np.full(4, kernel)})
            recorded.add(names.predictions(1), {"output": np.ones((2, 1)), "replica": np.zeros(2, np.int32)})
            if evaluated is not None:
                recorded.add(names.EVALUATION, {"loss": np.array([evaluated])})
            if accuracy is not None:
                of_validation = {} if validated is None else {"val_accuracy": np.array([validated])}
                recorded.add(names.HISTORY, {"accuracy": np.array([accuracy]), **of_validation, "step": np.array([1])})
            if compiled is not None:
                told = {name: np.frombuffer(json.dumps(value).encode(), np.uint8) for name, value in compiled.items()}
                recorded.add(names.COMPILED, told)
            for file in (names.KERAS_FILE, names.WEIGHTS_FILE):
                with recorded.placing(file) as place:
                    place.write_text(f"{file} with {kernel}")

    def all_trained(self, kernels: Mapping[str, float]) -> None:
        """Every planned run is: by environment."""
        for run in self.plan.runs:
            self.trained(run, kernels[run.configuration.environment])

    def rerun(self, run: Run, kernel: float, start: float = 0.0) -> None:
        """A run that was asked for after the plan is complete, as `trained`."""
        self.further.append(run)
        self.trained(run, kernel, start=start)

    def loaded(
        self, run: Run, environment: str, kernel: float, output: float = 1.0, form: str = names.KERAS_FILE, reason: str = ""
    ) -> None:
        """The run's file, loaded in the environment: every number of the kernel, and a regression's two outputs."""
        manifest = Manifest(run=run.id, status=Status.UNSUPPORTED if reason else Status.STARTED, reason=reason)
        artifact = self.store.reload(run, environment, form)
        if reason:
            artifact.begin(manifest)
            return
        with artifact.recording(manifest) as recorded:
            recorded.add(names.step(0), {"dense/kernel": np.full(4, kernel)})
            recorded.add(names.predictions(0), {"output": np.full((2, 1), output)})
            saved, file = self.store.run(run).manifest(), names.loaded_by(form)
            recorded.tell(steps=(0,), predicted=(0,), loaded=saved.files.get(file, "") if saved else "")

    def stepped(self, run: Run, stages: Mapping[str, float | np.ndarray], calls: Sequence[str] = ("dense",)) -> None:
        """It took a single step from the initial state, with one number, or some, for each "<stage>|<tensor>"."""
        self.further.append(run)
        manifest = Manifest(run=run.id, status=Status.STARTED, tensors=(KERNEL,), batch_norms=self.norms, calls=tuple(calls))
        with self.store.run(run).recording(manifest) as recorded:
            recorded.add(names.single_step("0"), {name: np.array([value]) for name, value in stages.items()})

    def recorded(self, environment: str, calls: Sequence[RecordedArrays], *, index: int = 1, state: str = "0") -> None:
        """It took one step, call by call: arrays are "<what>|<name>"."""
        run = layerwise(environment, index)
        self.further.append(run)
        manifest = Manifest(
            run=run.id, status=Status.STARTED, recorded=tuple(replace(call, state=state) for call, _ in calls)
        )
        with self.store.run(run).recording(manifest) as recorded:
            arrays = {f"{place}|{name}": value for place, (_, made) in enumerate(calls) for name, value in made.items()}
            recorded.add(names.layerwise(state), arrays)

    # -- read

    def read(self, environments: Sequence[Provisioned] = ()) -> RunFolder:
        scenario = ScenarioRow(name="s", description="", source="", digest="", batch=2, steps=1, outputs="values")
        session = Session(
            environments=tuple(environments),
            scenarios=(scenario,),
            broken=(),
            declared={one.id: self.emulation(one.devices, one.environment).semantics for one in self.configurations},
            further=tuple(self.further),
        )
        return RunFolder(self.store, self.plan, session)

    def backends(self) -> Backends:
        return Backends(self.read(), "s")

    def composition(self) -> Composition:
        folder = self.read()
        declared: dict[Configuration, Comparison | str] = {}
        for one in self.configurations:
            subject = folder.subject(one)
            declared[one] = subject if isinstance(subject, str) else diagnoses.compared(subject)
        known = {one: diagnoses.diagnosis(folder, one, found) for one, found in declared.items()}
        rounds = diagnoses.rounds(folder, declared)
        return Composition(folder, declared, known, rounds, {"s": Backends(folder, "s")})


def dense_call(name: str = "dense", *, off: float = 0.0, **fields: object) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """A recorded call of a dense layer without a bias on two rows of three inputs; its output is too large by the share
    `off`."""
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(2, 3)), random.normal(size=(3, 4))
    config = {"units": 4, "activation": "linear", "use_bias": False}
    call = RecordedCall(state="0", kind="layer", name=name, of="Dense", config=json.dumps(config))
    arrays = {"input|0": x, "weight|kernel": kernel, "output|0": (x @ kernel) * (1.0 + off)}
    return replace(call, **fields), arrays  # type: ignore[arg-type]


def assigning_call(kept: bool, name: str = "center") -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """A recorded layer of anybody that halves its trained weight whenever it is called; `kept`: by `fit`, too."""
    before, halved = np.array([1.0, 3.0]), np.array([0.5, 1.5])
    call = RecordedCall(state="0", kind=ASSIGNMENT, name=name, of="Center", own=False)
    weight = f"{name}/weight"
    return call, {f"input|{weight}": before, f"state|{weight}": halved, f"output|{weight}": halved if kept else before}


def evaluated_call(off: float = 0.0) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """A recorded mean square of 1, 2 and 3, as `evaluate` computed it, too large by the share `off`."""
    call = RecordedCall(state="0", kind="loss", name="loss, evaluated", of="MeanSquaredError", training=False)
    arrays = {"input|y_true": np.zeros((3, 1)), "input|y_pred": np.array([[1.0], [2.0], [3.0]])}
    return call, arrays | {"output|0": np.array(14.0 / 3.0 * (1.0 + off))}


def leaky_call(slope: float, at: float = 0.0) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """A recorded call of LeakyReLU, with a slope of 0.25, on two numbers, the second of which is this. There, this slope was
    taken."""
    call = RecordedCall(state="0", kind="layer", name="leaky", of="LeakyReLU", config=json.dumps({"negative_slope": 0.25}))
    x, cotangent = np.array([[2.0, at]]), np.array([[1.0, 3.0]])
    made = {"input|0": x, "output|0": np.where(x > 0, x, 0.25 * x), "cotangent|0": cotangent}
    return call, made | {"gradient|input/0": cotangent * np.array([[1.0, slope]])}


def update_call(off: float = 0.0) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """A recorded step of plain SGD by a gradient of 1, too large by the share `off`."""
    rate, before = 0.5, np.ones(3)
    config = json.dumps({"learning_rate": rate, "momentum": 0.0, "nesterov": False})
    call = RecordedCall(state="0", kind="update", name="optimizer", of="SGD", config=config, learning_rate=rate)
    return call, {"input|w": before, "gradient|w": np.ones(3), "output|w": before - rate * (1.0 + off)}
