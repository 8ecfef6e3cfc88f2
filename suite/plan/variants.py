"""Variants of an environment: the same packages on a different device, or with a different precision or kernels.

A variant has its environment's name, "@", and what is different, in the order of `WORDS`: torch@cpu, torch@gpu-exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from suite.records import DEFAULT, EXACT, Environment, UnavailableDevice, UsageError

SEPARATOR = "@"
BOTH = "both"
# What a word says: a field of the environment, and its value.
WORDS: Mapping[str, tuple[str, object]] = {
    "cpu": ("device", "cpu"),
    "gpu": ("device", "gpu"),
    DEFAULT: ("precision", DEFAULT),
    EXACT: ("precision", EXACT),
    "deterministic": ("deterministic", True),
}


def named(environment: Environment, words: Sequence[str]) -> Environment:
    """The variant that these words say.

    Raises:
        UsageError: a word is unknown, or contradicts another or the environment itself.
    """
    changes: dict[str, object] = {}
    for word in words:
        if word not in WORDS:
            raise UsageError(
                f"environment {environment.name}{SEPARATOR}{'-'.join(words)} has {word!r} after the {SEPARATOR}, wanted "
                f"some of {', '.join(WORDS)}, with hyphens between"
            )
        field, value = WORDS[word]
        if field in changes or getattr(environment, field) not in ("", False, value):
            raise UsageError(
                f"environment {environment.name}{SEPARATOR}{'-'.join(words)} says its {field} twice: leave out one of them"
            )
        changes[field] = value
    ordered = sorted(set(words), key=list(WORDS).index)
    return replace(environment, name=f"{environment.name}{SEPARATOR}{'-'.join(ordered)}", **changes)  # type: ignore[arg-type]


def find(name: str, environments: Iterable[Environment]) -> Environment | None:
    """The environment of this name, or the variant of one; None if there is none.

    Raises:
        UsageError: there is the environment, and no such variant of it.
    """
    of, separator, words = name.partition(SEPARATOR)
    found = next((one for one in environments if one.name == of), None)
    return named(found, words.split("-")) if found is not None and separator else found


def base_name(name: str) -> str:
    """The name of the environment that a variant of this name is one of; the same for an environment itself."""
    return name.partition(SEPARATOR)[0]


def differ_in_precision_only(a: Environment, b: Environment) -> bool:
    """Whether all but their names and precisions is the same."""
    return a.precision != b.precision and replace(a, name="", precision="") == replace(b, name="", precision="")


def differ_in_determinism_only(a: Environment, b: Environment) -> bool:
    """Whether all but their names and the kernels that they ask for is the same."""
    return a.deterministic != b.deterministic and (
        replace(a, name="", deterministic=False) == replace(b, name="", deterministic=False)
    )


def resolved(
    environments: Sequence[Environment], *, device: str, gpus: int, precision: str, deterministic: bool
) -> tuple[Environment, ...]:
    """The environments as they run. What one does not say for itself is the command's: `device` ("cpu" or "gpu"),
    `precision` ("default", "exact" or "both"), `deterministic`.

    "both" adds the exact variant of each environment on a GPU. On a CPU there is no difference, and none is added.

    Raises:
        UnavailableDevice: one is for a GPU, and there is none. It never falls back.
    """
    found: dict[str, Environment] = {}
    for one in environments:
        on = replace(one, device=one.device or device, deterministic=one.deterministic or deterministic)
        if on.device == "gpu" and not gpus:
            raise UnavailableDevice(
                f"environment {one.name} is for a GPU, but this machine shows none: check the driver and "
                f"CUDA_VISIBLE_DEVICES, or leave it out"
            )
        both = precision == BOTH
        found.setdefault(one.name, replace(on, precision=one.precision or (DEFAULT if both else precision)))
        if both and on.device == "gpu" and not one.precision:
            exact = _with_exact(one)
            found.setdefault(exact, replace(on, name=exact, precision=EXACT))
    return tuple(found.values())


def _with_exact(environment: Environment) -> str:
    """The name of its exact variant."""
    of, _, words = environment.name.partition(SEPARATOR)
    ordered = sorted([*(word for word in words.split("-") if word), EXACT], key=list(WORDS).index)
    return f"{of}{SEPARATOR}{'-'.join(ordered)}"
