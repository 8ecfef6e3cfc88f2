"""A host that has initialized CUDA is never forked. A driver library of our own plays the driver: it works in the
process that initialized it, and in no other, as CUDA's does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from suite.runner import driver
from tests.runner.test_host import Driven, driving

PROJECT = Path(__file__).resolve().parents[2]

DRIVER = """
#include <unistd.h>
static pid_t owner = 0;
int hides = 0;
int cuInit(unsigned flags) { if (!owner) owner = getpid(); return owner == getpid() ? 0 : 3; }
int cuDeviceGetCount(int *count) { *count = 1; return owner == getpid() && !hides ? 0 : 3; }
"""

# The rest of it that a worker asks, with a card of 16 GiB of which 3 are in use. `contexts` counts who holds the context.
MEMORY = """
#include <stddef.h>
int contexts = 0, current = 0;
int cuDeviceGet(int *device, int index) { *device = 7; return owner == getpid() && index == 0 ? 0 : 3; }
int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) { *active = contexts > 0; return device != 7; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &contexts; contexts++; return 0; }
int cuDevicePrimaryCtxRelease_v2(int device) { contexts--; return 0; }
int cuCtxPushCurrent_v2(void *context) { current++; return context == &contexts ? 0 : 1; }
int cuCtxPopCurrent_v2(void **context) { current--; return 0; }
int cuMemGetInfo_v2(size_t *free, size_t *total) {
    *total = 16ul << 30; *free = 13ul << 30; return current ? 0 : 201;
}
int cuDeviceTotalMem_v2(size_t *total, int device) { *total = 16ul << 30; return 0; }
"""

ASKS = """
import ctypes
from suite.runner import driver
print(driver.memory())
library = ctypes.CDLL({library!r})
print(driver.memory())
library.cuInit(0)
print(driver.memory())
contexts = ctypes.c_int.in_dll(library, "contexts")
contexts.value = 1
print(driver.memory(), contexts.value, ctypes.c_int.in_dll(library, "current").value)
print(driver.total_memory())
"""

# What a worker imports: a module that leaves the driver as its name says, and jobs that want a device.
ENTRY = """
import ctypes, json, os
from pathlib import Path
from suite.runner import driver, facts, outcome
LIBRARY = ctypes.CDLL({library!r})
LIBRARY.cuInit(0) if {initializes} else None
ctypes.c_int.in_dll(LIBRARY, "hides").value = {hides}

def main(job_file):
    job = json.loads(Path(job_file).read_text())
    if reason := driver.spoiled():
        raise outcome.ForkedTooLate(reason)
    with Path(job["run_folder"], "ran").open("a") as stream:
        print(job["scenario"], os.environ["CUDA_VISIBLE_DEVICES"], facts.process(), sep="|", file=stream)
    if job["scenario"] == "raise":
        raise ValueError("no")
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A driver library, compiled: tests need a C compiler."""
    source = tmp_path_factory.mktemp("driver") / "driver.c"
    source.write_text(DRIVER + MEMORY)
    library = source.with_name("libcuda.so.1")
    subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source], check=True)
    return library


def entry(folder: Path, library: Path, *, initializes: bool, hides: bool = False) -> str:
    (folder / "wants_gpu.py").write_text(ENTRY.format(library=str(library), initializes=initializes, hides=int(hides)))
    return "wants_gpu:main"


def ran(folder: Path) -> list[list[str]]:
    return [line.split("|") for line in (folder / "ran").read_text().splitlines()]


def until_ended(host: Driven) -> list[dict[str, Any]]:
    answers = [host.answer()]
    while "ended" not in answers[-1]:
        answers.append(host.answer())
    return answers


def test_a_driver_that_is_only_loaded_leaves_a_host_forkable(tmp_path: Path, library: Path) -> None:
    with driving(tmp_path, entry(tmp_path, library, initializes=False), str(tmp_path)) as host:
        assert host.answer()["ready"] is True
        for job in ("one", "two"):
            assert host.ended(job)["status"] == "complete"
    assert [how for _, _, how in ran(tmp_path)] == ["forked from a warm host"] * 2


def test_imports_that_initialize_cuda_are_noticed_and_jobs_are_new_processes(tmp_path: Path, library: Path) -> None:
    with driving(tmp_path, entry(tmp_path, library, initializes=True), str(tmp_path)) as host:
        because = "the imports of fake initialized CUDA (libcuda.so.1)"
        assert host.answer() == {"note": f"{because}: jobs start as new processes, which takes longer"}
        assert host.answer()["ready"] is True
        host.start("one", CUDA_VISIBLE_DEVICES="3")
        assert until_ended(host)[-1]["status"] == "complete"
        answer = host.ended("raise")
        assert (answer["status"], answer["reason"]) == ("failed", "ValueError: no (wants_gpu.py, line 16)")
    assert ran(tmp_path) == [["one", "3", f"new, because {because}"], ["raise", "", f"new, because {because}"]]


def test_a_forked_job_that_cannot_use_the_driver_is_started_again_as_a_new_process(tmp_path: Path, library: Path) -> None:
    with driving(tmp_path, entry(tmp_path, library, initializes=True, hides=True), str(tmp_path)) as host:
        assert host.answer()["ready"] is True  # it looked clean
        host.start("one")
        first, note, second, end = until_ended(host)
        assert first["pid"] != second["pid"]
        assert note["note"].startswith("CUDA was initialized before this process was forked: jobs start as new processes")
        assert (end["status"], end["reason"]) == ("complete", "")
        host.start("two")
        assert len(until_ended(host)) == 2  # at once as a new process: nobody forks in vain again
    assert [how for _, _, how in ran(tmp_path)] == ["new, because CUDA was initialized before this process was forked"] * 2


def test_a_new_process_that_cannot_use_the_driver_either_fails(tmp_path: Path, library: Path) -> None:
    broken = library.with_name("libcuda.so.broken")
    source = library.with_suffix(".c")
    source.write_text(
        "int hides = 0; int cuInit(unsigned flags) { return 3; } int cuDeviceGetCount(int *count) { return 3; }"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", broken, source], check=True)
    with driving(tmp_path, entry(tmp_path, broken, initializes=False), str(tmp_path)) as host:
        assert host.answer()["ready"] is True
        host.start("one")
        end = until_ended(host)[-1]
        assert (end["status"], end["reason"]) == ("no such devices", "CUDA was initialized before this process was forked")


def test_a_backend_that_says_it_touched_a_device_is_believed(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("")
    (tmp_path / "torch" / "cuda.py").write_text("import os\ndef is_initialized(): return os.environ['TOUCHED'] == '1'\n")
    script = "import torch.cuda; from suite.runner import driver; print(driver.initialized('torch'))"
    said = {}
    for touched in ("0", "1"):
        paths = os.pathsep.join([str(tmp_path), str(PROJECT)])
        command = [sys.executable, "-P", "-c", script]
        environment = os.environ | {"PYTHONPATH": paths, "TOUCHED": touched}
        said[touched] = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    assert said == {"0": "", "1": "the imports of torch initialized a device (torch.cuda.is_initialized)"}


def test_memory_is_told_by_who_has_a_context_and_nobody_gets_one_by_asking(library: Path) -> None:
    """Not loaded, not initialized, initialized without a context; then with one, which stays as it was."""
    command = [sys.executable, "-c", ASKS.format(library=str(library))]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["None", "None", "None", f"({3 << 30}, {16 << 30}) 1 0", str(16 << 30)]


def test_a_driver_that_was_updated_while_it_was_in_use_is_found(tmp_path: Path, library: Path) -> None:
    copy = tmp_path / "libcuda.so.1"
    copy.write_bytes(library.read_bytes())
    script = "import ctypes, pathlib, sys; path = pathlib.Path(sys.argv[1]); loaded = ctypes.CDLL(str(path)); path.unlink()"
    script += "; from suite.runner import driver; print([driver.initialized('fake'), driver.spoiled()])"
    script += "; print(driver.initialized('fake'))"
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", script, str(copy)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "['', '']"
    assert said[1].startswith("the imports of fake initialized CUDA (libcuda.so.1")


def test_without_a_driver_nobody_knows_how_much_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "LIBRARY", "libnowhere.so")
    assert (driver.memory(), driver.total_memory()) == (None, 0)
