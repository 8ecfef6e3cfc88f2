"""A recipe as a scenario file, as a user would write it."""

from __future__ import annotations

from collections.abc import Iterator

from suite.selftest.random_models.recipe import INPUT, Layer, Made, Recipe, made_in

WIDTH = 100


def file_name(recipe: Recipe) -> str:
    return recipe.name.replace("-", "_") + ".py"


def source(recipe: Recipe) -> str:
    """A module with one SCENARIO."""
    return "\n".join(
        [*_head(recipe), *_model(recipe), *_data(recipe), *_optimizer(recipe), *_loss(recipe), *_scenario(recipe)]
    )


def description(recipe: Recipe) -> str:
    kinds = ", ".join(dict.fromkeys(layer.kind for layer in recipe.layers[:-1]))
    return f"drawn at random: {recipe.inputs.kind} through {kinds} to {recipe.outputs}"


def _head(recipe: Recipe) -> Iterator[str]:
    words = description(recipe)
    yield f'"""{words[0].upper()}{words[1:]}."""'
    yield ""
    yield "from suite import Data, Scenario"
    yield ""


def _function(name: str, *body: str) -> list[str]:
    return ["", f"def {name}():", *(f"    {line}" if line else "" for line in body), ""]


def _model(recipe: Recipe) -> list[str]:
    inputs = recipe.inputs
    dtype = ', dtype="int32"' if inputs.kind == "tokens" else ""
    last = recipe.layers[-1].name
    return _function(
        "model",
        "import keras",
        "",
        "layers = keras.layers",
        f'{INPUT} = keras.Input({inputs.shape!r}, name="{inputs.kind}"{dtype})',
        *(_call(layer) for layer in recipe.layers),
        f'return keras.Model({INPUT}, {last}, name="{recipe.name.replace("-", "_")}")',
    )


def _call(layer: Layer) -> str:
    arguments = (*layer.arguments, ("name", layer.name))
    passed = {
        "one": layer.inputs[0],
        "list": f"[{', '.join(layer.inputs)}]",
        "each": ", ".join(layer.inputs),
    }[layer.passed]
    return f"{layer.name} = layers.{layer.kind}({_arguments(arguments)})({passed})"


def _arguments(arguments: tuple[tuple[str, object], ...]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in arguments)


def _value(value: object) -> str:
    if isinstance(value, Made):
        return f"keras.{value.of}({_arguments(value.arguments)})"
    if isinstance(value, tuple):
        inside = ", ".join(map(_value, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value).replace("'", '"') if isinstance(value, str) else repr(value)


def _data(recipe: Recipe) -> list[str]:
    rows, predicted = recipe.rows, 2 * recipe.batch
    total = rows + predicted
    return _function(
        "data",
        "import numpy as np",
        "",
        f"random = np.random.default_rng({recipe.seed})",
        f"x = {_drawn(recipe, total)}",
        f"y = {_targets(recipe, rows)}",
        f"return Data(x=x[:{rows}], y=y, predict=x[{rows}:])",
    )


def _drawn(recipe: Recipe, rows: int) -> str:
    shape, vocabulary = (rows, *recipe.inputs.shape), recipe.inputs.vocabulary
    if recipe.inputs.kind == "tokens":
        return f'random.integers(0, {vocabulary}, {shape}).astype("int32")'
    if recipe.inputs.kind == "pixels":
        return f'random.integers(0, 256, {shape}).astype("float32")'
    return f'random.normal(size={shape}).astype("float32")'


def _targets(recipe: Recipe, rows: int) -> str:
    units = recipe.targets.units
    return {
        "classes": f"random.integers(0, {units}, {rows})",
        "one-hot": f'np.eye({units}, dtype="float32")[random.integers(0, {units}, {rows})]',
        "binary": f'random.integers(0, 2, ({rows}, {units})).astype("float32")',
        "signs": f'(2 * random.integers(0, 2, ({rows}, {units})) - 1).astype("float32")',
        "values": f'random.normal(size=({rows}, {units})).astype("float32")',
        "positive": f'random.uniform(0.5, 3.0, ({rows}, {units})).astype("float32")',
    }[recipe.targets.kind]


def _optimizer(recipe: Recipe) -> list[str]:
    return _function("optimizer", "import keras", "", f"return {_value(recipe.optimizer)}")


def _loss(recipe: Recipe) -> list[str]:
    if isinstance(recipe.loss, str):
        return []
    return _function("loss", "import keras", "", f"return {_value(recipe.loss)}")


def _scenario(recipe: Recipe) -> Iterator[str]:
    fields = {
        "name": _value(recipe.name),
        "description": _value(description(recipe)),
        "model": "model",
        "data": "data",
        "optimizer": "optimizer",
        "loss": _value(recipe.loss) if isinstance(recipe.loss, str) else "loss",
        "batch": repr(recipe.batch),
        "last_batch": repr(recipe.last_batch),
        "steps": repr(recipe.steps),
        "outputs": _value(recipe.outputs),
    }
    yield ""
    yield "SCENARIO = Scenario("
    yield from (f"    {name}={value}," for name, value in fields.items())
    yield ")"
    yield ""


def uses(recipe: Recipe, name: str) -> bool:
    """Whether something of this class is made anywhere in its layers' arguments."""
    return any(made.of.endswith(name) for layer in recipe.layers for _, value in layer.arguments for made in made_in(value))
