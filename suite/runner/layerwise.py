"""One training step, call by call: what goes into every layer, the loss and the update, and what comes out. From the last
state, also what every layer does where the model predicts. An operation in a functional model's graph counts as a layer.

The suite holds each call against its independent definition. A call is recorded on the inputs that it gets in the step, so
that one wrong layer says nothing of the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.rows import EVALUATE, PREDICT, X, count, part_of
from suite.artifacts.store import Store
from suite.plan.batches import schedule
from suite.records import BETWEEN, OPERATION, REACHED, SEED, Job, RecordedCall
from suite.runner import assignments, building, facts, keras_versions, models, optimizers, structures
from suite.runner.differentiation import array, differentiate, reason_of
from suite.runner.layer_steps import LayerStep, drawn, layer_step
from suite.runner.loss_steps import loss_step, wrapped
from suite.runner.operation_steps import operation_step
from suite.runner.oracle.gradients import dense, value_and_gradients
from suite.runner.oracle.programs import programs_of
from suite.runner.outcome import Unsupported
from suite.runner.phases import Phases
from suite.runner.seen_calls import Seen, layers_seen, losses_seen, operations_of_loss_seen
from suite.runner.single_step import starting_states

Arrays = dict[str, np.ndarray]

LEAST = 4  # rows: of fewer, a half is one
LARGEST = 1 << 22  # numbers in one call's arrays: a larger call is not recorded, the definition would take minutes


def record(job: Job, phased: Phases, store: Store, data: Mapping[str, np.ndarray]) -> None:
    """Executes the job's one run, on one device, and writes its artifact: parts `names.layerwise(state)`."""
    (run,) = job.runs
    scenario, model = phased.scenario, phased.model
    inputs = store.inputs(scenario.name).manifest()
    trajectory = store.run(job.trajectory)
    described = trajectory.manifest()
    if described is None:
        raise Unsupported("no calls are recorded: they start from the states of an oracle, and no oracle is complete")
    trained = schedule(scenario, count(data), job.options.steps)
    recording = store.run(run).recording(building.started(model, job, run, inputs, 1))
    with recording as recorded, keras_versions.as_in_fit():
        calls: list[RecordedCall] = []
        stored = starting_states.compiled(described, scenario)
        chosen = _states(stored, trained.uneven, described.phases, run.index)
        places = starting_states.by_phase(chosen, described.phases)
        for phase, state in ((phase, state) for phase, states in places.items() for state in states):
            phased.reach(phase)
            begin = state if run.index < REACHED else str(max(step for step in stored if step <= int(state)))
            values, slots = starting_states.before(trajectory, begin, described.tensors)
            models.write(models.variables(model), values)
            of_model = optimizers.slots_of(model.optimizer, models.variables(model))  # others may not be built yet
            # A wrapper's own, as the scale of losses in float16, are in no trajectory: they are as training starts.
            own = {name: value for name, value in models.read(of_model).items() if optimizers.of_a_wrapper(name)}
            models.write(of_model, own | {name: value for name, value in slots.items() if name in of_model})
            if run.index >= REACHED:
                done = _train(model, data, [trained.after(step) for step in range(int(begin), int(state))])
                state = str(int(begin) + done)
            rows = starting_states.batch(state, trained)
            last = run.index < BETWEEN and state == chosen[-1]
            made, arrays = _step(model, data, rows, state, job.options.seed, last=last)
            recorded.add(names.layerwise(state), arrays)
            calls += made
        recorded.tell(recorded=tuple(calls), facts=facts.gather(model, job))


def _states(steps: Sequence[int], uneven: int | None = None, ends: Sequence[int] = (), index: int = 1) -> tuple[str, ...]:
    """The first and the last: a definition holds everywhere, and a bias that is zero at first shows only later. With the
    index `BETWEEN`, the others that single steps start from: what two sides part by there alone depends on the batch. From
    the index `REACHED` on, the one after so many steps."""
    if index >= REACHED:
        return (str(index - REACHED),)
    outer = tuple(str(step) for step in sorted({min(steps), max(steps)})) if steps else ()
    if index < BETWEEN:
        return outer
    return tuple(state for state in starting_states.states(steps, uneven, ends) if state not in outer)


def _train(model: Any, data: Mapping[str, np.ndarray], batches: Sequence[np.ndarray]) -> int:
    """One step of `fit` for each batch of row indices, up to the first that makes NaN or infinity of the state, which is
    taken back: how many were made."""
    state = models.variables(model) | optimizers.slots_of(model.optimizer, models.variables(model))
    models.forget_gradients(model)
    with optimizers.unfinished(model.optimizer):
        for done, rows in enumerate(batches):
            before = models.read(state)
            model.fit(**models.training(data, rows), batch_size=len(rows), epochs=1, shuffle=False, verbose=0)
            if not all(np.isfinite(value).all() for value in models.read(models.variables(model)).values()):
                models.write(state, before)
                return done
    return len(batches)


def _step(
    model: Any, data: Mapping[str, np.ndarray], rows: np.ndarray, state: str, seed: int, *, last: bool
) -> tuple[list[RecordedCall], Arrays]:
    """`last`: whether the losses of the rows to evaluate, and layers that predict, are recorded as well."""
    import keras

    before = models.read(models.variables(model))
    layers, losses, gradients, assigned = _forward(model, data, rows)
    models.write(models.variables(model), before)
    calls: list[RecordedCall] = []
    arrays: Arrays = {}

    def add(call: RecordedCall, made: Mapping[str, np.ndarray]) -> None:
        arrays.update({f"{len(calls)}|{name}": value for name, value in made.items()})
        calls.append(replace(call, epsilon=keras.config.epsilon()))

    for seen in layers:
        add(*_layer(seen, state, seed))
    for seen in _predicting(model, data, len(rows)) if last else ():
        add(*_layer(seen, state, seed, training=False))
    for call, made in list(assignments.record(model, models.training(data, rows)["x"], assigned, calls, state)):
        add(call, made)
    for seen in losses:
        add(*_loss(seen, state, seed))
    for seen in _evaluated(model, data) if last else ():
        call, made = _loss(seen, state, seed)
        add(replace(call, training=False), made)
    models.write(models.variables(model), before)
    for name, variable in models.variables(model).items():
        if getattr(variable, "regularizer", None) is not None:
            add(*_penalty(name, variable, state, seed))
    if any(gradient is not None for gradient in gradients.values()):
        add(*_update(model, gradients, state))
    return calls, arrays


def _forward(
    model: Any, data: Mapping[str, np.ndarray], rows: np.ndarray
) -> tuple[list[Seen], list[Seen], Mapping[str, Any], Mapping[str, np.ndarray]]:
    """One pass in training mode: the calls of layers that are not inside another layer, with those of operations, the calls
    of losses, the gradient by the name of the variable, and the trained variables that the pass itself has changed. Where a
    model that trains by a step of its own has no loss but in that step, neither losses nor gradients."""
    named = models.variables(model)
    before = models.read(named)
    trained = model.trainable_variables
    ids = set(map(id, trained))
    untrained = [variable for variable in named.values() if id(variable) not in ids]
    given = models.training(data, rows)
    layers: list[Seen] = []
    losses: list[Seen] = []

    def loss(given: Any) -> tuple[Any, None]:
        return keras_versions.compute_loss(model, **given, y_pred=model(given["x"], training=True)), None

    # By itself, because JAX differentiates a function of placeholders, in which there are no numbers to see.
    with layers_seen(model, layers):
        predicted = model(given["x"], training=True)
    called = models.read({name: one for name, one in named.items() if id(one) in ids})
    gradients: Iterable[Any] = [None] * len(trained)
    try:
        with losses_seen(losses), operations_of_loss_seen(layers):
            keras_versions.compute_loss(model, **given, y_pred=predicted)
        *_, gradients = value_and_gradients(loss, given, trained, untrained, programs=programs_of(model))
    except ValueError:
        if not models.has_own_train_step(model) or model._compile_loss is not None:  # private: nothing public tells
            raise
    names_of = {id(variable): name for name, variable in named.items()}
    pairs = zip(trained, gradients, strict=True)
    assigned = {name: value for name, value in called.items() if value.tobytes() != before[name].tobytes()}
    return layers, losses, {names_of[id(variable)]: gradient for variable, gradient in pairs}, assigned


def _predicting(model: Any, data: Mapping[str, np.ndarray], most: int) -> list[Seen]:
    """The calls of layers that are not inside another layer as `predict` makes them, on at most so many of its rows; none
    where a model refuses. What a layer changes meanwhile is put back."""
    before = models.read(models.variables(model))
    layers: list[Seen] = []
    try:
        with layers_seen(model, layers):
            model(models.inputs(data, PREDICT, slice(0, most)), training=False)
    except Exception:  # it may predict by a step of its own: the calls of training are still recorded
        return []
    finally:
        models.write(models.variables(model), before)
    return layers


def _evaluated(model: Any, data: Mapping[str, np.ndarray]) -> list[Seen]:
    """The calls of losses as `evaluate` makes them, on as many of its rows as are recorded; none where a model refuses."""
    largest = max((value[:1].size for name, value in data.items() if name.startswith(part_of(X, EVALUATE))), default=1)
    given = models.training(data, np.arange(min(count(data, part_of(X, EVALUATE)), LARGEST // largest)), EVALUATE)
    losses: list[Seen] = []
    try:
        with losses_seen(losses):
            keras_versions.compute_loss(model, **given, y_pred=model(given["x"], training=False), training=False)
    except Exception:  # as in `evaluating.record`, which says why
        return []
    return [replace(seen, name=f"{seen.name}, evaluated") for seen in losses]


def _layer(seen: Seen, state: str, seed: int, *, training: bool = True) -> tuple[RecordedCall, Arrays]:
    """The call by itself. Where it is no part of training, it has no gradients."""
    own = bool(seen.function) or keras_versions.is_of_keras(type(seen.of))
    kind, of = (OPERATION, seen.function) if seen.function else ("layer", type(seen.of).__name__)
    call = RecordedCall(state=state, kind=kind, name=seen.name, of=of, own=own, training=training, inside=seen.inside)
    size = sum(leaf.size for _, leaf in structures.leaves(seen.inputs) if isinstance(leaf, np.ndarray))
    if size > LARGEST:
        return replace(call, reason=f"its inputs hold {size} numbers, more than {LARGEST}"), {}
    masks = seen.masks if any(mask is not None for mask in seen.masks) else ()
    try:
        made = (
            operation_step(seen.of, seen.inputs, seen.arguments, cotangents=drawn(seed))
            if seen.function
            else layer_step(
                seen.of, seen.inputs, cotangents=drawn(seed), masks=masks, arguments=seen.arguments, training=training
            )
        )
    except Exception as error:  # a layer of anybody may refuse to be called by itself: the others are still recorded
        return replace(call, reason=reason_of(error)), {}
    arrays = {f"input|{place}": value for place, value in enumerate(made.inputs)}
    arrays |= {f"mask|{place}": value for place, value in enumerate(made.masks) if value is not None}
    arrays |= {f"argument|{name}": value for name, value in made.tensors.items()}
    arrays |= {f"weight|{name}": value for name, value in made.weights.items()}
    arrays |= {f"output|{place}": value for place, value in enumerate(made.outputs)}
    arrays |= {f"state|{name}": value for name, value in made.state.items()}
    arrays |= {f"alone|{place}": value for place, value in _alone(seen, made, seed).items()} if training and not own else {}
    arguments = json.dumps(made.arguments, default=str, sort_keys=True)
    call = replace(call, of=seen.function or made.layer, config=made.config, arguments=arguments)
    if not training:
        return call, arrays
    arrays |= {f"cotangent|{place}": value for place, value in enumerate(made.cotangents)}
    arrays |= {f"gradient|{name}": value for name, value in made.gradients.items()}
    return replace(call, reason=made.reason), arrays


def _alone(seen: Seen, made: LayerStep, seed: int) -> Arrays:
    """What a layer returns for the first half of its rows, if it is given no others: another result where a row's depends on
    the others. By the place of the output; nothing of a layer that draws random numbers, or that refuses."""
    rows = max((len(leaf) for _, leaf in structures.leaves(seen.inputs) if np.ndim(leaf)), default=0)
    if rows < LEAST or any(name.endswith(SEED) for name in models.variables(seen.of)):
        return {}

    def first(value: Any) -> Any:
        return value[: rows // 2] if isinstance(value, np.ndarray) and value.shape[:1] == (rows,) else value

    tree = keras_versions.tree()
    inputs, arguments = (tree.map_structure(first, given) for given in (seen.inputs, seen.arguments))
    masks = [first(mask) for mask in seen.masks] if any(mask is not None for mask in seen.masks) else ()
    try:
        half = layer_step(seen.of, inputs, cotangents=drawn(seed), masks=masks, arguments=arguments, training=True)
    except Exception:  # a layer may want as many rows as the model trains on
        return {}
    pairs = enumerate(zip(half.outputs, made.outputs, strict=False))
    return {str(place): one for place, (one, whole) in pairs if one.shape == (rows // 2, *whole.shape[1:])}


def _loss(seen: Seen, state: str, seed: int) -> tuple[RecordedCall, Arrays]:
    y_true, y_pred, weight, mask = seen.inputs
    own = keras_versions.is_of_keras(type(seen.of))
    call = RecordedCall(state=state, kind="loss", name=seen.name, of=type(seen.of).__name__, own=own)
    try:
        made = loss_step(seen.of, y_true, y_pred, cotangents=drawn(seed), sample_weight=weight, mask=mask)
    except Exception as error:  # as of a layer
        return replace(call, reason=reason_of(error)), {}
    value = made.value if seen.value is None else seen.value
    arrays = {"input|y_true": made.y_true, "input|y_pred": made.y_pred, "output|0": value}
    arrays |= {"input|sample_weight": weight} if weight is not None else {}
    arrays |= {"mask|0": mask} if mask is not None else {}
    arrays |= {"gradient|y_pred": made.gradient} if made.gradient is not None else {}
    arrays |= {"cotangent|0": made.cotangent} if made.cotangent is not None else {}
    config = json.dumps({**wrapped(seen.of), **json.loads(made.config)}, sort_keys=True, default=str)
    return replace(call, config=config, reason=made.reason), arrays


def _penalty(name: str, variable: Any, state: str, seed: int) -> tuple[RecordedCall, Arrays]:
    """The call of a weight's regularizer."""
    of = variable.regularizer
    own = keras_versions.is_of_keras(type(of))
    call = RecordedCall(state=state, kind="regularizer", name=name, of=type(of).__name__, own=own)
    try:
        config = json.dumps(of.get_config(), sort_keys=True, default=str)
        made = differentiate(lambda tensors: [of(tensors[0])], [array(variable)], {}, {}, drawn(seed))
    except Exception as error:  # as of a layer
        return replace(call, reason=reason_of(error)), {}
    arrays = {"input|0": array(variable), "output|0": made.outputs[0]}
    if made.cotangents:
        arrays |= {"cotangent|0": made.cotangents[0], "gradient|input/0": made.of_inputs[0]}
    return replace(call, config=config, reason=made.reason), arrays


@contextmanager
def _unconstrained(variables: list[Any]) -> Iterator[list[Any]]:
    """The variables, without their constraints meanwhile: optimizers apply these when they have updated everything."""
    constraints = [variable.constraint for variable in variables]
    for variable in variables:
        variable.constraint = None
    try:
        yield variables
    finally:
        for variable, constraint in zip(variables, constraints, strict=True):
            variable.constraint = constraint


def _update(model: Any, gradients: Mapping[str, Any], state: str) -> tuple[RecordedCall, Arrays]:
    """The update by the gradient of this step, as the optimizer gets it: with sparse rows, where a backend has these. What
    constraints make of the weights then is no part of it."""
    import keras

    optimizer, named = model.optimizer, models.variables(model)
    own = keras_versions.is_of_keras(type(optimizer))
    call = RecordedCall(state=state, kind="update", name="optimizer", of=type(optimizer).__name__, own=own)
    if len(optimizers.leaves(optimizer)) > 1:
        return replace(call, reason="several optimizers share the variables"), {}
    if optimizers.asks(optimizer):
        return replace(call, reason="its learning rate is what a function of the user's says whenever it is asked"), {}
    own_slots = optimizers.slots(model)
    before, slots = models.read(named), models.read(own_slots)
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    iteration = int(keras.ops.convert_to_numpy(keras_versions.iterations(optimizers.leaves(optimizer)[0])))
    scaled = [None if gradient is None else optimizer.scale_loss(gradient) for gradient in gradients.values()]
    with _unconstrained([named[name] for name in gradients]) as free:
        optimizers.apply(optimizer, scaled, free)
    after, slots_after = models.read(named), models.read(own_slots)
    arrays: Arrays = {}
    for name, gradient in zip(gradients, scaled, strict=True):
        arrays |= {f"input|{name}": before[name], f"output|{name}": after[name]}
        if gradient is not None:  # zeros would move what the optimizer leaves alone, by its moments and its decay
            arrays[f"gradient|{name}"] = array(dense(gradient))
    arrays |= {f"slot|{name}": value for name, value in slots.items()}
    arrays |= {f"slot after|{name}": value for name, value in slots_after.items()}
    config = keras.saving.serialize_keras_object(optimizer)["config"]
    if undecayed := optimizers.undecayed(model):
        config[optimizers.UNDECAYED] = undecayed
    if excluded := optimizers.undecayed_names(model):
        config[optimizers.UNDECAYED_NAMES] = excluded
    return replace(
        call,
        config=json.dumps(config, sort_keys=True, default=str),
        iteration=iteration,
        learning_rate=rate,
        rows=tuple(name for name, gradient in gradients.items() if hasattr(gradient, "dense_shape")),
    ), arrays
