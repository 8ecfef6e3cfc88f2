"""Inputs that somebody hostile wrote: scenarios, TOML files, results.json, records of a run folder, and command lines.

Each is given to a command in this process. Nothing in it may be executed, nothing outside may be written or removed, and the
command ends with a sentence and a documented exit code. Scenarios are code, and are executed: they may only not hide that
they failed.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec

from suite import report
from suite.artifacts import reading
from suite.commands import main
from suite.records import ParityError
from suite.report import glossary, results_json
from tests.campaign import ground as grounds
from tests.campaign.damage import HUGE, NAMES, SEALED
from tests.campaign.limits import limited
from tests.report import sample

DOCUMENTED = (0, 1, 2, 3, 4)
EXECUTED = "executed"  # a file that every payload would make, in the folder that the commands run in
CODE = f"open('{EXECUTED}', 'w')"
PAYLOADS = (
    f'"""\n{CODE}\n"""', f"''' + str({CODE}) + '''", f"\\'; {CODE} #", f"\n{CODE}\n", f"{{{{ {CODE} }}}}", f"{{% {CODE} %}}",
    f"$(touch {EXECUTED})", f"`touch {EXECUTED}`", f"; touch {EXECUTED}", f"| touch {EXECUTED}", "--out=../outside/new",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>",
    '"><svg onload=alert(1)>', "]]></system-out><x/>", "&lt;b&gt;&amp;", "<!--", "-->", "javascript:alert(1)",
    "[a](javascript:alert(1))", "![a](http://x/y)", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\r100 %",
    "a\x08b", "\u202eb", "\u2028", "\ud800", "\0", "a" * 10**5, "%s%n", "${HOME}", "~", "..", "../../outside/canary",
    "/etc/passwd", "|a|b|", "# heading", "```", "\n\n# heading\n", *NAMES,
)  # fmt: skip


class Seen:
    """A folder of its own for one input, with what must stay as it is beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outside = folder / "work", folder / "outside"
        for made in (self.folder, self.outside):
            made.mkdir(parents=True)
        (self.outside / "canary").write_text("alive")

    def wrong(self) -> list[str]:
        """What has been done that may not be."""
        found = []
        if any(self.folder.rglob(EXECUTED)) or (self.outside / EXECUTED).exists():
            found.append("something was executed")
        kept = [(path.name, path.read_text()) for path in self.outside.iterdir()]
        if kept != [("canary", "alive")] or {one.name for one in self.folder.parent.iterdir()} != {"work", "outside"}:
            found.append(f"something outside was written or removed: {kept}")
        return found


@dataclass(frozen=True, kw_only=True)
class Said:
    code: int
    text: str

    def wrong(self, allowed: tuple[int, ...] = DOCUMENTED) -> list[str]:
        found = [] if self.code in allowed else [f"the exit code is {self.code}: {self.text[-2000:]}"]
        if "Traceback (most recent call last)" in self.text:
            found.append(f"a traceback: {self.text[-2000:]}")
        if self.code in (2, 3, 4) and not self.text.strip():
            found.append("no sentence")
        if obeyed := {one for one in self.text if unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\n"}:
            found.append(f"a terminal would obey {obeyed}")
        return found


def told(*words: str) -> Said:
    """What a command says."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream), limited():
        code = main(list(words))
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return Said(code=code, text=buffer.getvalue().decode())


# ---------------------------------------------------------------- JSON with payloads in it


def _strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document strings and numbers are."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        if isinstance(member, str | int | float | None):
            yield (*path, key)
        yield from _strings(member, (*path, key))


def _spoiled(drawing: random.Random, document: Any, *, numbers: bool) -> Any:
    """A copy with payloads in some places. `numbers`: also values of other kinds and sizes."""
    found = copy.deepcopy(document)
    places = list(_strings(found))
    for path in drawing.sample(places, min(len(places), drawing.choice([1, 1, 5, 50]))):
        inner = found
        for key in path[:-1]:
            inner = inner[key]
        if isinstance(inner[path[-1]], str) and not (numbers and drawing.random() < 0.2):
            inner[path[-1]] = drawing.choice(
                [payload for payload in PAYLOADS if len(payload) < 1000 or drawing.random() < 0.1]
            )
        elif numbers:
            inner[path[-1]] = drawing.choice([*HUGE, None, [], {}, True, "x"])
    return found


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


# ---------------------------------------------------------------- kinds of inputs

Attack = Callable[[random.Random, Seen, Path], list[str]]  # draws one, gives it to a command, and says what went wrong


def _results(drawing: random.Random, seen: Seen, _: Path) -> list[str]:
    """A results.json for `diff`, as a baseline, and for `repro`."""
    document = json.loads(results_json.text(sample.results()))
    file, other = seen.folder / "results.json", seen.folder / "other.json"
    file.write_bytes(_json(_spoiled(drawing, document, numbers=drawing.random() < 0.5)))
    other.write_bytes(_json(document))
    if drawing.random() < 0.5:
        both = [str(file), str(other)]
        drawing.shuffle(both)
        return told("diff", *both).wrong()
    number = str(drawing.randrange(1, 4))
    scenarios = seen.folder / "scenarios"
    scenarios.mkdir()
    (scenarios / "article_mlp.py").write_text(CODE)
    return told("repro", number, "--results", str(file), "--scenario-path", str(scenarios)).wrong()


class _Tags(HTMLParser):
    """Counts what a browser would execute."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.handlers = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag in ("script", "iframe", "object", "embed", "svg", "img")
        self.handlers += any(name.startswith("on") or (value or "").startswith("javascript:") for name, value in attrs)


def _tags(text: str) -> tuple[int, int]:
    tags = _Tags()
    tags.feed(text)
    return tags.scripts, tags.handlers


def _texts(drawing: random.Random, seen: Seen, _: Path) -> list[str]:
    """Payloads in every text of a report."""
    document = json.loads(results_json.text(sample.results()))
    file = seen.folder / "results.json"
    file.write_bytes(_json(_spoiled(drawing, document, numbers=False)))
    try:
        results = results_json.read(file)
    except ParityError:
        return []
    if any(check.kind not in glossary.KINDS for check in results.checks):
        return []  # no command renders what it has read: only texts reach a page from outside, and kinds are none
    report.render(results, seen.folder / "report", split_assets=False)
    clean = seen.folder / "clean"
    report.render(sample.results(), clean, split_assets=False)
    return list(_wrong_pages(seen.folder / "report", clean))


def _wrong_pages(folder: Path, clean: Path) -> Iterator[str]:
    page = (folder / "index.html").read_text()
    if (now := _tags(page))[1] or now[0] > _tags((clean / "index.html").read_text())[0] * 2:
        yield f"the page has {now} scripts and handlers"
    ElementTree.fromstring((folder / "junit.xml").read_text())
    summary = (folder / "summary.md").read_text()
    if re.search(r"(?<!\\)<(script|img|svg)", summary):
        yield "summary.md has markup"
    for name in ("index.html", "summary.md", "junit.xml"):
        if obeyed := {one for one in (folder / name).read_text() if unicodedata.category(one) == "Cc" and one not in "\t\n"}:
            yield f"{name} has control characters {obeyed}"


def _records(drawing: random.Random, seen: Seen, ground: Path) -> list[str]:
    """Plan, session or manifest, with its seal: names that lead elsewhere."""
    run = seen.folder / "run"
    shutil.copytree(ground, run)
    sealed = [path for path in run.rglob("*.json") if path.name in SEALED]
    path = drawing.choice([*[one for one in sealed if one.parent == run] * 5, *sealed])
    raw = _json(_spoiled(drawing, json.loads(path.read_bytes()), numbers=drawing.random() < 0.5))
    with contextlib.suppress(*reading.UNREADABLE):
        raw = reading.sealed(msgspec.json.decode(raw, type=SEALED[path.name]))
    path.write_bytes(raw)
    return told("report", "--out", str(run)).wrong()


TOML = """
[environments.mine]
backend = "fake"
requirements = ["numpy"]
variables = { A = "1" }
pythonpath = ["x"]
device = "cpu"
"""


def _quoted(text: str) -> str:
    """As TOML has it, where TOML has it: a lone surrogate it has not."""
    return json.dumps(text, ensure_ascii=any(unicodedata.category(one) in ("Cc", "Cs") for one in text))


def _toml(drawing: random.Random, seen: Seen, _: Path) -> list[str]:
    """Environments, or accepted differences."""
    values = ['"fake"', '["numpy"]', '{ A = "1" }', '["x"]', '"cpu"', "mine"]
    text = TOML
    for value in drawing.sample(values, drawing.choice([1, 1, 3])):
        payload = drawing.choice(
            [_quoted(drawing.choice(PAYLOADS)), str(drawing.choice(HUGE)), "[" * 2000, "[[]]", "{}", "1e400"]
        )
        text = text.replace(value, payload)
    if drawing.random() < 0.2:
        text = "".join(drawing.choice([one, one, one, drawing.choice('[]{}="\n\0')]) for one in text)
    file = seen.folder / "file.toml"
    file.write_bytes(text.encode(errors="surrogatepass"))
    if drawing.random() < 0.5:
        return told("plan", "--environments", str(file), "--environment", "mine", "--scenario", "article-mlp").wrong()
    other = seen.folder / "run"
    other.mkdir()
    return told("report", "--out", str(other), "--known", str(file)).wrong()


SCENARIO = (
    "from suite import Scenario\nf = lambda: None\n"
    "SCENARIO = Scenario(name={0}, description={1}, model=f, data=f, optimizer=f, loss='none', batch={2}, steps={2})"
)
SOURCES: Mapping[str, str] = {
    "exits": "import os; os._exit(0)",
    "exits with sys": "import sys; sys.exit(0)",
    "interrupts": "raise KeyboardInterrupt",
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "recurses": "def f(): f()\nf()",
    "no code": "\0\0\0",
    "nests": "(" * 3000,
    "a class": "class SCENARIO: name = 1",
    "nothing": "",
    "raises text": "raise RuntimeError({payload})",
    "has a name": SCENARIO.format("{payload}", "'x'", "2"),
    "has a description": SCENARIO.format("'mine'", "{payload}", "2"),
    "has numbers": SCENARIO.format("'mine'", "'x'", "{number}"),
}  # fmt: skip


def _scenario(drawing: random.Random, seen: Seen, _: Path) -> list[str]:
    """A file of a scenario that is none, or that ends the process that imports it."""
    folder = seen.folder / "scenarios"
    folder.mkdir()
    kind = drawing.choice([*SOURCES, "a folder", "a pipe", "a broken link"])
    file = folder / "mine.py"
    if kind == "a folder":
        file.mkdir()
    elif kind == "a pipe":
        os.mkfifo(file)
    elif kind == "a broken link":
        file.symlink_to("nowhere")
    else:
        payload = repr(drawing.choice([one for one in PAYLOADS if EXECUTED not in one]))
        text = SOURCES[kind].replace("{payload}", payload).replace("{number}", repr(drawing.choice(HUGE)))
        file.write_text(text)
    return told("scenarios", "check", "--scenario-path", str(folder)).wrong((0, 2, 3, 4))


def _command_line(drawing: random.Random, seen: Seen, ground: Path) -> list[str]:
    """Names, folders and numbers of a command line."""
    word = drawing.choice(PAYLOADS)
    number = str(drawing.choice([*HUGE, 0, "1,2,10000000000", "1e9", "-", "٣"]))
    commands: list[list[str]] = [
        ["plan", "--scenario", word], ["plan", "--environment", word], ["plan", "--backend", word],
        ["plan", "--reference", word], ["plan", "--backend", "fake", "--devices", number],
        ["plan", "--backend", "fake", "--steps", number], ["plan", "--backend", "fake", "--seed", number],
        ["plan", "--scenario-path", word], ["plan", "--environments", word], ["plan", "--plugin", word, "--backend", "fake"],
        ["report", "--out", word], ["report", "--out", str(ground), "--baseline", word],
        ["report", "--out", str(ground), "--known", word], ["diff", word, word], ["repro", word, "--results", word],
        ["repro", word, "--results", str(ground / "results.json")],
        ["new-scenario", word, "--folder", str(seen.folder / "new")],
        ["new-scenario", "mine", "--folder", "new" if word.startswith(("/", "..")) else word], [word], ["compare", word],
        ["compare", "--baseline", word], ["compare", "--known", word], ["compare", "--scenario", word],
        ["zoo", "--only", word], ["claims", "--scenario", word], ["selftest", "--fault", word],
    ]  # fmt: skip
    words = drawing.choice(commands)
    if words[0] in ("compare", "zoo", "claims", "selftest"):
        words += ["--out", str(seen.folder / "run"), "--environment", "fake-none"] if len(words) > 2 else []
    return told(*words).wrong()


KINDS: Mapping[str, Attack] = {
    "results.json": _results,
    "texts of a report": _texts,
    "plan, session or manifest": _records,
    "TOML": _toml,
    "scenario": _scenario,
    "command line": _command_line,
}


def campaign(folder: Path, seed: int, count: int) -> Iterator[tuple[str, str, list[str]]]:
    """The kind of each input, which one it was, and what went wrong."""
    ground = grounds.ground(folder / "grounds", "different")
    began = Path.cwd()
    for number in range(count):
        drawing = random.Random(f"{seed} {number}")
        kind = drawing.choice(list(KINDS))
        place = folder / f"hostile-{seed}-{number}"
        seen = Seen(place)
        os.chdir(seen.folder)
        try:
            wrong = KINDS[kind](drawing, seen, ground.run)
        except Exception as error:  # whatever it is, it is what the campaign looks for
            wrong = [f"{type(error).__name__}: {error}"]
        finally:
            os.chdir(began)
        wrong += seen.wrong()
        if not wrong:
            shutil.rmtree(place)
        yield kind, f"{kind} in {place}", wrong
