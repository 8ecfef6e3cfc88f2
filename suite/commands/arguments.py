"""The parser: every command, every option, and what each means. `options.py` has the records that it fills."""

from __future__ import annotations

import argparse
from pathlib import Path

from suite.commands.options import seconds_of
from suite.engine.variables import SIGNING_KEY
from suite.plan import locations
from suite.plan.variants import BOTH, SEPARATOR
from suite.records import DEFAULT, EXACT, Verdict
from suite.records.files import ROWS

CLAIMS = "put the article's claims to the test on one scenario: a factorial, and an answer to each"
ZOO = "call single layers, losses and optimizers everywhere, and hold each call against its independent definition"
CHECK = "load a saved model everywhere, predict the same rows, and say whether it is safe; nothing is trained"
ENGINES = ("local", "ray")
GATES = tuple(verdict.value.replace(" ", "-") for verdict in Verdict if verdict.rank > 0 and verdict is not Verdict.NOT_RUN)


def parser() -> argparse.ArgumentParser:
    """`command` of what it parses is the command's name."""
    whole = argparse.ArgumentParser(
        prog="parity", description="Do Keras models give the same results everywhere? If not, why?"
    )
    whole.add_argument("--version", action="version", version=f"keras-parity {locations.version()}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, meaning in (
        ("compare", "run what has not run yet, judge everything, write the report"),
        ("plan", "show what compare would run with these options; run nothing, install nothing"),
    ):
        _add_compare(commands.add_parser(name, help=meaning, description=meaning))
    commands.choices["plan"].add_argument(
        "--measure", action="store_true", help="train a few steps in each environment first: how long will everything take?"
    )
    _add_selftest(commands.add_parser("selftest", help="inject faults in real runs: what is detected, named and located?"))
    _add_claims(commands.add_parser("claims", help=CLAIMS, description=CLAIMS))
    _add_zoo(commands.add_parser("zoo", help=ZOO, description=ZOO))
    _add_check(commands.add_parser("check", help=CHECK, description=CHECK))
    _add_report(commands.add_parser("report", help="judge and render again what is on disk"))
    _add_diff(commands.add_parser("diff", help="say what is worse, better, new and gone between two results.json"))
    _add_repro(commands.add_parser("repro", help="write a script of plain Keras that shows a finding, and a bug report"))
    one = commands.add_parser("scenarios", help="list scenarios, or check that each is valid")
    one.add_argument("action", choices=("list", "check"), help="what to do")
    one.add_argument("--deep", action="store_true", help="check by one training step of each, in each environment")
    one.add_argument(
        "--scenario", action="append", default=[], metavar="NAME", help="with --deep: only this one (repeatable)"
    )
    _add_sources(one)
    _add_environments(one, DEFAULT)
    _add_environments(commands.add_parser("environments", help="list environments, making them ready"), DEFAULT)
    _add_new_scenario(commands.add_parser("new-scenario", help="write a scenario to start from"))
    return whole


def commands(whole: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Every command's own parser, by its name."""
    (found,) = [one for one in whole._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(found.choices)


# ---------------------------------------------------------------- one function for each command with more than two options


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    _add_sources(parser)
    _add_environments(parser, BOTH)
    parser.add_argument("--devices", type=_counts, default=(1, 2), metavar="N,N", help="device counts (default: 1,2)")
    _add_recipe(parser, "makes data and initial weights (default: torch)")
    _add_running(parser, locations.LATEST, "the run folder")
    _add_gate(parser, "different", "the best verdict that fails (default: different)")
    parser.add_argument(
        "--seeds",
        type=_positive,
        default=0,
        metavar="N",
        help="train every configuration from N other initial states, too: is what differs large, and does it matter?",
    )
    parser.add_argument(
        "--smoke", action="store_true", help="three steps of one scenario, yours if you give one: does everything run?"
    )
    parser.add_argument(
        "--budget",
        type=_budget,
        metavar="TIME",
        help="90s, 30m or 2h: leave variations out, so that it takes no longer; what needs them is undecided",
    )
    parser.add_argument(
        "--keep",
        choices=("needed", "all"),
        default="needed",
        help="of large artifacts, once they are judged: what later commands need most, or all (default: needed)",
    )
    _add_history(parser)
    _add_signing(parser)
    _add_page(parser)
    _add_json(parser)


def _add_selftest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ground",
        choices=("built-in", "random", "both"),
        default="both",
        help="the self-test's own scenarios, models drawn at random by --seed, or both (default)",
    )
    parser.add_argument("--models", type=_positive, default=20, metavar="N", help="drawn at random (default: 20)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
    parser.add_argument(
        "--sample",
        type=_positive,
        default=0,
        metavar="N",
        help="N faults on each ground, drawn by --seed (default: all that are built in, eight in each random model)",
    )
    parser.add_argument(
        "--seeds", type=_positive, default=1, metavar="N", help="clean built-in pairs for N initial states (default: 1)"
    )
    parser.add_argument("--keep", action="store_true", help="write docs/selftest.json, which reports quote")
    _add_environments(parser)
    _add_recipe(parser, "makes data and initial weights (default: torch)")
    _add_running(parser, locations.SELFTEST, "the run folder")


def _add_claims(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario", default="article-mlp", metavar="NAME", help="with batch normalization (default: article-mlp)"
    )
    _add_sources(parser)
    _add_environments(parser)
    parser.add_argument("--devices", type=_several, default=2, metavar="N", help="how many are several (default: 2)")
    _add_recipe(parser, "where the factorial runs (default: torch)")
    _add_running(parser, locations.LATEST, "for the answers")


def _add_zoo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", action="append", default=[], metavar="CLASS", help="only this layer, loss or optimizer (repeatable)"
    )
    parser.add_argument("--sample", type=_positive, default=0, metavar="N", help="N cases, drawn by --seed (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the values in the cases (default: 0)")
    _add_environments(parser)
    _add_running(parser, locations.ZOO, "the run folder")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a .keras, .h5 or .weights.h5 file, or a folder of such")
    parser.add_argument(
        "--model",
        default="",
        metavar="MODULE:FUNCTION",
        help="builds the model of weights alone; also train.py:function",
    )
    parser.add_argument(
        "--custom-objects", default="", metavar="MODULE:FUNCTION", help="returns the classes that the file needs, by name"
    )
    parser.add_argument(
        "--data", type=Path, metavar="NPZ", help="the rows to predict, as numpy.savez writes them (default: rows are drawn)"
    )
    parser.add_argument("--rows", type=_positive, default=ROWS, metavar="N", help=f"how many are drawn (default: {ROWS})")
    parser.add_argument("--seed", type=int, default=0, help="of the rows that are drawn (default: 0)")
    parser.add_argument("--trust", action="store_true", help="run code that is in the file, as of Lambda layers")
    _add_environments(parser, BOTH)
    _add_running(parser, locations.CHECK, "the run folder")
    _add_json(parser)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=locations.LATEST, metavar="FOLDER", help="the run folder")
    _add_gate(parser, None, "the best verdict that fails the gate (default: as planned)")
    _add_history(parser)
    _add_signing(parser)
    _add_page(parser)
    _add_json(parser)


def _add_diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", type=Path, metavar="A", help="the earlier results.json")
    parser.add_argument("now", type=Path, metavar="B", help="the later one")


def _add_repro(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("finding", metavar="FINDING", help="its number in the report, or how its fingerprint begins")
    parser.add_argument(
        "--results",
        type=Path,
        default=locations.LATEST / "results.json",
        metavar="RESULTS_JSON",
        help="the report that has it, in its run folder",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: repro/ and its fingerprint)")
    parser.add_argument(
        "--scenario-path", type=Path, action="append", default=[], metavar="FOLDER", help="the folder of its scenario"
    )


def _add_new_scenario(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="lower case, digits and hyphens")
    parser.add_argument(
        "--folder",
        type=Path,
        default=locations.NEW_SCENARIOS,
        metavar="FOLDER",
        help="where to write (default: scenarios, in the current folder)",
    )
    parser.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="MODEL",
        help="from a .keras or .h5 file, or from a function: train.py:build_model, or module:function",
    )
    parser.add_argument("--data", type=Path, metavar="NPZ", help="the rows and targets (default: drawn for the model)")
    _add_environments(parser)


# ---------------------------------------------------------------- what several commands share


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario-path", type=Path, action="append", default=[], metavar="FOLDER", help="more scenarios (repeatable)"
    )


def _add_environments(parser: argparse.ArgumentParser, precision: str = EXACT) -> None:
    parser.add_argument(
        "--environments", type=Path, action="append", default=[], metavar="FILE", help="more environments, TOML (repeatable)"
    )
    parser.add_argument(
        "--environments-folder",
        type=Path,
        default=locations.environments_folder(),
        metavar="FOLDER",
        help=f"keeps virtual environments (default: ${locations.ENVIRONMENTS_VARIABLE}, else .environments in a checkout, "
        "else the user's cache)",
    )
    parser.add_argument(
        "--environment",
        action="append",
        default=[],
        metavar="NAME",
        help=f"only this environment, or a variant of one, such as torch{SEPARATOR}cpu (repeatable)",
    )
    parser.add_argument("--backend", action="append", default=[], metavar="NAME", help="only this backend (repeatable)")
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="REQUIREMENT", help="installed into every environment (repeatable)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="default: auto")
    parser.add_argument(
        "--precision",
        choices=(DEFAULT, EXACT, BOTH),
        default=precision,
        help=f"on a GPU, what frameworks do by default, float32 without shortcuts, or both (default: {precision})",
    )
    parser.add_argument("--deterministic", action="store_true", help="ask each framework for kernels that repeat themselves")


def _add_recipe(parser: argparse.ArgumentParser, reference: str) -> None:
    parser.add_argument("--steps", type=_positive, default=0, metavar="N", help="training steps (default: the scenario's)")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and row permutations (default: 0)")
    parser.add_argument("--reference", default="torch", metavar="NAME", help=reference)
    parser.add_argument(
        "--virtual-devices", action="store_true", help="where there are fewer GPUs than devices, put the devices on one GPU"
    )
    parser.add_argument("--over-hosts", action="store_true", help="train also with every device on a host of its own")


def _add_running(parser: argparse.ArgumentParser, out: Path, meaning: str) -> None:
    parser.add_argument("--out", type=Path, default=out, metavar="FOLDER", help=meaning)
    parser.add_argument(
        "--jobs", type=_positive, default=0, metavar="N", help="processes at once on each machine (default: its processors)"
    )
    parser.add_argument(
        "--jobs-per-gpu",
        type=_positive,
        default=0,
        metavar="N",
        help="processes of one device that share a GPU (default: as many as its memory allows)",
    )
    parser.add_argument("--timeout", type=_positive, default=600, metavar="SECONDS", help="for one run (default: 600)")
    parser.add_argument(
        "--rerun", choices=("failed", "all"), default="failed", help="failed: what is not complete or has changed (default)"
    )
    _add_engine(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="say only the answer, and what failed")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every job that ends")
    parser.add_argument("--fail-fast", action="store_true", help="the first job that fails ends the command")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="run on this machine, or on a Ray cluster (default: local)"
    )
    parser.add_argument(
        "--ray-address", default="auto", metavar="HOST:PORT", help="of the cluster (default: auto, the one that runs here)"
    )
    parser.add_argument(
        "--shared",
        type=Path,
        metavar="FOLDER",
        help="a folder that all nodes of the cluster share; the run folder must be in it (default: files are sent)",
    )


def _add_gate(parser: argparse.ArgumentParser, default: str | None, meaning: str) -> None:
    parser.add_argument("--fail-on", type=_gate, default=default, metavar=f"{{{','.join(GATES)}}}", help=meaning)


def _add_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baseline", type=Path, metavar="RESULTS_JSON", help="an earlier results.json: the report says what changed since"
    )
    parser.add_argument(
        "--known",
        type=Path,
        default=locations.KNOWN_DIFFERENCES if locations.KNOWN_DIFFERENCES.is_file() else None,
        metavar="FILE",
        help="differences that do not fail the gate (default: known_differences.toml in the current folder, if it is there)",
    )
    parser.add_argument(
        "--history", type=Path, metavar="FOLDER", help="keep each run there: the report says since when a finding shows"
    )


def _add_signing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sign", action="store_true", help="sign the run folder at the end")
    parser.add_argument("--verify", action="store_true", help="first hold the run folder against its signatures")
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help=f"the key of both, at least 16 bytes (default: the value of {SIGNING_KEY})",
    )


def _gate(text: str) -> str:
    """The verdict's own word. A report's command line may have it with a space."""
    if text.replace(" ", "-") not in GATES:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted one of {', '.join(GATES)}")
    return text.replace("-", " ")


def _budget(text: str) -> str:
    try:
        seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _several(text: str) -> int:
    number = _positive(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"got {text}, wanted at least 2: one device is compared anyway")
    return number


def _add_page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--split-assets",
        action="store_true",
        help="index.css and index.js beside index.html, for servers that forbid inline code",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="the answer as JSON on standard output, everything else on standard error"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, wanted a whole number of at least 1")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_positive(part) for part in text.split(",")}))
