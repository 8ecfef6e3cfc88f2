"""parity check: a saved model in every environment. Does it predict the same? Nothing is trained."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import msgspec

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.artifacts.writing import file_digest, write_record, write_text
from suite.commands import conclusion, listening, listing, places
from suite.commands.checking import Checking
from suite.commands.choosing import provisioned, wanted
from suite.commands.options import CheckOptions
from suite.commands.streams import say
from suite.engine import devices, plugins
from suite.engine.dispatch import Engine
from suite.engine.sites import Site
from suite.records import Options, Provisioned, UsageError, showing
from suite.records.files import CheckResults, FileCode, FileQuestion, FileResult, FileWord
from suite.report import files as words

WEIGHTS, KERAS, LEGACY = ".weights.h5", ".keras", (".h5", ".hdf5")
BEGINNINGS = {KERAS: (b"PK\x03\x04", "a zip archive"), "h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file")}


def run(options: CheckOptions) -> int:
    """0 if every file is safe everywhere, 1 if one is not, 2 if that is not known."""
    began = time.monotonic()
    paths = files_of(options.file)
    store = Store(options.running.out)
    with conclusion.output(json=options.json) as json, store.lock():
        results = CheckResults(files=tuple(_results(options, paths, store)), seconds=round(time.monotonic() - began, 1))
        results = showing.clean(results)
        write_record(store.folder / names.CHECK_JSON, results)
        write_text(store.folder / names.CHECK_TABLE, words.markdown(results))
        for one in results.files:
            _say(one, quiet=options.running.quiet)
    if json is not None:
        json.write(msgspec.json.format(msgspec.json.encode(results), indent=1).decode() + "\n")
    return results.exit_code


def _say(found: FileResult, *, quiet: bool) -> None:
    listing.say_all([words.sentence(found)])
    if not quiet and found.environments:
        listing.show(words.HEADINGS, words.table(found), words.lines(found))
        listing.say_all(words.notes(found))


# ---------------------------------------------------------------- which files


def files_of(path: Path) -> list[Path]:
    """The file, or the model files of a folder.

    Raises:
        UsageError: there is none.
    """
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if kind_of(one) and one.is_file())
        if not found:
            raise UsageError(f"{path} holds no .keras, .h5 or .weights.h5 file: name a folder with some, or one file")
        return found
    if not path.is_file():
        raise UsageError(f"{path} is no file: check the path")
    if not kind_of(path):
        raise UsageError(f"{path} is no model file by its name: wanted .keras, .h5 or .weights.h5, or a folder of such")
    return [path]


def kind_of(path: Path) -> str:
    """ "weights", "keras" or "legacy", by the name; empty for another file."""
    name = path.name.lower()
    if name.endswith(WEIGHTS):
        return "weights"
    return "keras" if name.endswith(KERAS) else "legacy" if name.endswith(LEGACY) else ""


def refusal(path: Path, model: str) -> str:
    """Why a file is given to no environment, as words; empty if it is."""
    kind = kind_of(path)
    if kind == "weights" and not model:
        return "it holds weights only: give --model module:function, the function that builds the model"
    beginning, what = BEGINNINGS[KERAS if kind == "keras" else "h5"]
    with path.open("rb") as stream:
        begins = stream.read(len(beginning))
    if begins != beginning:
        return f"it is no {path.suffix} file ({what}): it begins with {begins!r}; save or copy it again"
    if kind == "keras" and not zipfile.is_zipfile(path):
        return "it is cut off or damaged: it begins as a zip archive, and does not end as one; save or copy it again"
    return ""


# ---------------------------------------------------------------- run


def _results(options: CheckOptions, paths: Sequence[Path], store: Store) -> list[FileResult]:
    refused = {path: refusal(path, options.model) for path in paths}
    questions = {path: question(path, options) for path in paths if not refused[path]}
    found: Mapping[Path, FileResult] = {}
    if questions:
        with places.site(options.running) as site:
            found = _checked(options, questions, store, site)
    return [found[path] if path in found else _refused(path, refused[path]) for path in paths]


def question(path: Path, options: CheckOptions) -> FileQuestion:
    """What workers are asked about the file.

    Raises:
        UsageError: there is no file with the data.
    """
    data = options.data
    if data is not None and not data.is_file():
        raise UsageError(f"--data {data} is no file: write one with numpy.savez")
    return FileQuestion(
        path=str(path.resolve()),
        digest=file_digest(path),
        model=options.model if kind_of(path) == "weights" else "",
        custom_objects=options.custom_objects,
        folder=str(Path.cwd()),
        data=str(data.resolve()) if data else "",
        data_digest=file_digest(data) if data else "",
        rows=options.rows,
        seed=options.seed,
        trusted=options.trust,
    )


def _refused(path: Path, reason: str) -> FileResult:
    return FileResult(
        file=path.name,
        digest=file_digest(path),
        bytes=path.stat().st_size,
        word=FileWord.UNDECIDED,
        code=FileCode.NOT_LOADED,
        detail=reason,
    )


def _checked(
    options: CheckOptions, questions: Mapping[Path, FileQuestion], store: Store, site: Site
) -> dict[Path, FileResult]:
    gpus = site.gpus()
    device = devices.resolve(options.environments.device, gpus)
    if passed_over := site.passed_over(options.environments.device):
        say(passed_over)
    folder = options.environments.environments_folder
    chosen = wanted(options.environments, gpus)
    plugins.add(options.environments.plugin, folder, say)
    ready = provisioned(options.environments, chosen, device, site=site)
    with _engine(options, ready, store, site) as engine:
        checking = Checking(
            engine,
            store,
            ready,
            Options(device=device, seed=options.seed),
            again=options.running.rerun == "all",
            code=code_digests(options),
        )
        results = checking.results(list(questions.values()))
    return {
        path: replace(found, file=path.name, bytes=path.stat().st_size)
        for path, found in zip(questions, results, strict=True)
    }


def _engine(
    options: CheckOptions, ready: Mapping[str, Provisioned], store: Store, site: Site
) -> AbstractContextManager[Engine]:
    return site.engine(
        ready,
        folder=store.folder,
        environments=options.environments.environments_folder,
        cores=options.running.jobs,
        timeout=options.running.timeout,
        jobs_per_gpu=options.running.jobs_per_gpu,
        listen=listening.listener(options.running, None),
    )


def code_digests(options: CheckOptions) -> tuple[str, ...] | None:
    """The sha256 of the user's code that is run; None if that is a module, of which it is not known what it imports."""
    found = []
    for reference in (options.model, options.custom_objects):
        place = reference.rpartition(":")[0]
        if place and not place.endswith(".py"):
            return None
        if place and Path(place).is_file():
            found.append(file_digest(Path(place)))
    return tuple(found)
