"""What a finding says where a side computes or keeps numbers in another floating-point format."""

from __future__ import annotations

from suite.records import Cause, Code
from suite.records.formatting import number
from suite.report.causes import is_known, names_of, part_of, remedy
from suite.report.said import Said

ROUNDED: dict[str, tuple[str, int]] = {Code.TF32_PRODUCTS: ("TF32", 10), Code.BFLOAT16_PRODUCTS: ("bfloat16", 7)}


def narrowed(what: str, where: str, cause: Cause) -> Said:
    kept, _, asked = names_of(cause, "formats").partition(" for ")
    x64 = "JAX has float64 only with JAX_ENABLE_X64=1: set it among the environment's variables, or "
    return Said(
        claim=f"{cause.subject} keeps in {kept} what the model asks for in {asked} ({what} {where}).",
        experiment="the format of each variable was held against that of its values: on this side alone, they differ",
        advice=f"{x64 if 'float64' in asked else ''}compare in a dtype that all backends have",
    )


def others(what: str, where: str, cause: Cause) -> Said:
    first, second = (cause.subject, "all others") if cause.subject else (names_of(cause, "side"), "the other side")
    return Said(
        claim=f"{first} computes parts of the model in other floating-point formats than {second} ({what} {where}): "
        f"{part_of(cause)} {names_of(cause, 'formats')}, in place of {names_of(cause, 'other formats')}." + is_known(cause),
        experiment="while `fit` trained, the formats were noted of what each layer was given and returned, and of what "
        "`predict` returned",
        advice=remedy(cause, "look at which dtype policy the layer has, and convert its inputs where the model calls it"),
    )


def _layers(count: float) -> str:
    return "1 layer" if count == 1 else f"{count:.0f} layers"


def rounded(what: str, where: str, cause: Cause) -> Said:
    form, bits = ROUNDED[cause.code]
    numbers, exact = dict(cause.evidence), names_of(cause, "setting")
    apart, left = (number(numbers.get(name, 0.0)) for name in ("apart", "left"))
    if exact:
        shown = f"its float32 step is {apart} from float64; that of {exact}, which differs in nothing else, is {left}"
    else:
        shown = (
            f"recorded calls of {_layers(numbers.get('calls', 0.0))} were computed again from their definitions: they are "
            f"{apart} from the exact result, and {left} from the result with operands rounded to {bits} bits"
        )
    return Said(
        claim=f"{cause.subject} computes products of float32 numbers in {form}: it rounds their operands to {bits} bits of "
        f"the fraction, of 23 ({what} {where}).",
        experiment=f"the float64 runs are equal; {shown}",
        advice="give --precision exact, or the framework's own setting, where a model needs float32 (docs/gpu.md)",
        link="https://docs.pytorch.org/docs/stable/notes/cuda.html#tensorfloat-32-tf32-on-ampere-and-later-devices",
    )
