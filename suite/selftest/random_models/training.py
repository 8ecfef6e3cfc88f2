"""What a model drawn at random is trained for, and how: its output, its loss and its optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suite.selftest.random_models.choices import Draw, given
from suite.selftest.random_models.recipe import Made, Targets


@dataclass(frozen=True, kw_only=True)
class Aim:
    """The last layer's `units` and `activation`, what they mean (`outputs` of a scenario), the targets and the loss."""

    activation: str | None
    outputs: str
    targets: Targets
    loss: str | Made

    @property
    def units(self) -> int:
        return self.targets.units


def aim(draw: Draw) -> Aim:
    return draw.weighted({_classes: 4, _distribution: 3, _yes_or_no: 2, _values: 4, _positive: 1})(draw)


def _loss(name: str, **arguments: object) -> Made:
    return Made(of=f"losses.{name}", arguments=given(**arguments))


def _either(*losses: str | Made) -> tuple[str | Made, ...]:
    """Losses by name and losses with arguments, to choose from."""
    return losses


def _classes(draw: Draw) -> Aim:
    targets = Targets(kind="classes", units=draw.of(3, 4, 5))
    if draw.chance(0.4):
        of_logits = _loss("SparseCategoricalCrossentropy", from_logits=True)
        return Aim(activation=None, outputs="logits", targets=targets, loss=of_logits)
    loss = draw.of(*_either("sparse_categorical_crossentropy", _loss("SparseCategoricalCrossentropy")))
    return Aim(activation="softmax", outputs="probabilities", targets=targets, loss=loss)


def _distribution(draw: Draw) -> Aim:
    targets = Targets(kind="one-hot", units=draw.of(3, 4, 5))
    logits = draw.chance(0.3)
    losses = (
        _loss("CategoricalCrossentropy", from_logits=logits or None, label_smoothing=draw.of(None, 0.1)),
        _loss(
            "CategoricalFocalCrossentropy", from_logits=logits or None, gamma=draw.of(None, 1.5), alpha=draw.of(None, 0.5)
        ),
    )
    probabilities = (
        "categorical_crossentropy",
        _loss("KLDivergence"),
        _loss("CategoricalHinge"),
        _loss("MeanSquaredError"),
    )
    outputs = "logits" if logits else "probabilities"
    loss = draw.of(*_either(*losses, *([] if logits else probabilities)))
    return Aim(activation=None if logits else "softmax", outputs=outputs, targets=targets, loss=loss)


def _yes_or_no(draw: Draw) -> Aim:
    targets = Targets(kind="binary", units=draw.of(1, 3))
    if draw.chance(0.15):
        of_signs = _loss(draw.of("Hinge", "SquaredHinge"))
        return Aim(activation="tanh", outputs="values", targets=Targets(kind="signs", units=1), loss=of_signs)
    logits = draw.chance(0.4)
    losses = (
        _loss("BinaryCrossentropy", from_logits=logits or None, label_smoothing=draw.of(None, 0.1)),
        _loss("BinaryFocalCrossentropy", from_logits=logits or None, gamma=draw.of(None, 1.0)),
    )
    loss = draw.of(*_either(*losses, *([] if logits else ["binary_crossentropy"])))
    return Aim(activation=None if logits else "sigmoid", outputs="values", targets=targets, loss=loss)


def _values(draw: Draw) -> Aim:
    targets = Targets(kind="values", units=draw.of(1, 2, 4))
    losses = (
        _loss("MeanSquaredError"),
        _loss("Huber", delta=draw.of(None, 0.5)),
        _loss("LogCosh"),
        _loss("MeanSquaredError", reduction="sum"),
        *([_loss("CosineSimilarity")] if targets.units > 1 else []),
    )
    return Aim(activation=None, outputs="values", targets=targets, loss=draw.of(*_either("mse", "mae", *losses)))


def _positive(draw: Draw) -> Aim:
    targets = Targets(kind="positive", units=draw.of(1, 3))
    loss = draw.of(_loss("Poisson"), _loss("MeanSquaredLogarithmicError"), _loss("MeanAbsolutePercentageError"))
    return Aim(activation=draw.of("softplus", "sigmoid"), outputs="values", targets=targets, loss=loss)


# ---------------------------------------------------------------- optimizers

RATES: Mapping[str, float] = {
    "SGD": 0.05, "Adam": 0.01, "AdamW": 0.01, "RMSprop": 0.005, "Adagrad": 0.05, "Adamax": 0.01, "Nadam": 0.005,
    "Lion": 0.002, "Adadelta": 0.5, "Lamb": 0.01, "Adafactor": 0.01,
}  # fmt: skip
CHOSEN: Mapping[str, float] = {
    "SGD": 6, "Adam": 6, "AdamW": 3, "RMSprop": 2, "Adagrad": 1, "Adamax": 1, "Nadam": 1, "Lion": 1, "Adadelta": 0.5,
    "Lamb": 0.5, "Adafactor": 0.5,
}  # fmt: skip
ADAM = ("Adam", "AdamW", "Adamax", "Nadam", "Lamb")
WITH_MOMENTUM = ("SGD", "RMSprop")
CLIPPING: Mapping[str, float] = {"": 9, "clipnorm": 1, "clipvalue": 1, "global_clipnorm": 1}


def optimizer(draw: Draw, steps: int, loss: str | Made) -> Made:
    name = draw.weighted(CHOSEN)
    summed = isinstance(loss, Made) and dict(loss.arguments).get("reduction") == "sum"
    rate = RATES[name] / 16 if summed else RATES[name]
    arguments = (*given(learning_rate=_rate(draw, rate, steps)), *_own(draw, name), *_shared(draw))
    return Made(of=f"optimizers.{name}", arguments=arguments)


def _rate(draw: Draw, rate: float, steps: int) -> object:
    if not draw.chance(0.25):
        return rate
    schedules: dict[str, dict[str, object]] = {
        "ExponentialDecay": {"decay_steps": max(steps // 2, 1), "decay_rate": 0.5, "staircase": draw.of(None, True)},
        "PolynomialDecay": {"decay_steps": steps, "end_learning_rate": rate / 8, "power": draw.of(None, 2.0)},
        "InverseTimeDecay": {"decay_steps": max(steps // 2, 1), "decay_rate": 0.5},
        "CosineDecay": {"decay_steps": 2 * steps},
    }
    name = draw.of(*schedules)
    arguments = given(initial_learning_rate=rate, **schedules[name])
    return Made(of=f"optimizers.schedules.{name}", arguments=arguments)


def _own(draw: Draw, name: str) -> tuple[tuple[str, object], ...]:
    if name in WITH_MOMENTUM:
        momentum = draw.of(None, 0.9, 0.75)
        nesterov = draw.of(None, True) if momentum and name == "SGD" else None
        centered = draw.of(None, True) if name == "RMSprop" else None
        return given(momentum=momentum, nesterov=nesterov, centered=centered)
    if name in ADAM:
        amsgrad = draw.of(None, None, True) if name in ("Adam", "AdamW") else None
        beta_2 = draw.of(None, None, 0.99)
        return given(beta_1=draw.of(None, None, 0.8), beta_2=beta_2, epsilon=draw.of(None, None, 1e-5), amsgrad=amsgrad)
    return given(initial_accumulator_value=draw.of(None, 0.2)) if name == "Adagrad" else ()


def _shared(draw: Draw) -> tuple[tuple[str, object], ...]:
    """Options that all optimizers have, at most one way to clip among them."""
    clipping = draw.weighted(CLIPPING)
    decays = draw.chance(0.2)
    averages = draw.chance(0.1)
    return given(
        **({clipping: 0.1 if clipping == "clipvalue" else 0.5} if clipping else {}),
        weight_decay=0.02 if decays else None,
        use_ema=True if averages else None,
        ema_momentum=0.8 if averages else None,
        ema_overwrite_frequency=3 if averages and draw.chance(0.5) else None,
        gradient_accumulation_steps=2 if draw.chance(0.05) else None,
        loss_scale_factor=8.0 if draw.chance(0.05) else None,
    )
