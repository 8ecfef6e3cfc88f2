"""GPUs as nvidia-smi reports them. Here nvidia-smi is a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.engine.devices import answers, detect_gpus, forbids_sharing, resolve, used_memory
from suite.records import UnavailableDevice

NAMES = ("NVIDIA H200", "NVIDIA H100", "NVIDIA A100")
IDENTIFIERS = ("GPU-11aa", "GPU-22bb", "GPU-33cc")


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that answers the two questions it is asked, and fails on every other."""
    answers = "\n".join(
        f"--query-gpu={field}) printf '{lines}\\n' ;;"
        for field, lines in (("name", "\\n".join(NAMES)), ("uuid", "\\n".join(IDENTIFIERS)))
    )
    driver(tmp_path, monkeypatch, f'[ "$2" = --format=csv,noheader ] || exit 2\ncase "$1" in\n{answers}\n*) exit 2 ;; esac')


@pytest.mark.usefixtures("three")
def test_all_gpus_are_visible_unless_something_says_otherwise() -> None:
    assert detect_gpus() == NAMES


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("0", [0]),
        ("2, 0", [2, 0]),
        ("", []),
        ("-1", []),
        ("0,-1,1", [0]),  # CUDA's rule: nothing after the first that is none
        ("1,7,0", [1]),
        ("nonsense", []),
        ("GPU-22bb", [1]),
        ("GPU-33,GPU-11aa", [2, 0]),
        ("GPU-44", []),
        ("MIG-5a", [0]),
    ],
)
def test_cuda_visible_devices_is_honoured(visible: str, found: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert detect_gpus() == tuple(NAMES[index] for index in found)


@pytest.mark.parametrize("script", ["exit 9", "echo NVIDIA-SMI has failed; exit 9", "true"])
def test_a_driver_without_an_answer_has_no_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    driver(tmp_path, monkeypatch, script)
    assert detect_gpus() == ()
    for visible in ("0", "MIG-5a"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert detect_gpus() == ()


def test_a_machine_without_a_driver_has_no_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert detect_gpus() == ()


def test_auto_takes_gpus_where_they_are_and_what_is_asked_for_is_never_changed() -> None:
    assert [resolve("auto", ()), resolve("auto", NAMES), resolve("cpu", NAMES), resolve("cpu", ())] == [
        "cpu", "gpu", "cpu", "cpu",
    ]  # fmt: skip
    assert resolve("gpu", NAMES) == "gpu"
    with pytest.raises(
        UnavailableDevice, match=r"--device gpu, but nvidia-smi shows no GPU: check the driver .* or give --device cpu"
    ):
        resolve("gpu", ())


FULL = "GPU-11111111-2222-3333-4444-555555555555"


def test_memory_in_use_is_asked_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, r'[ "$1" = --query-gpu=memory.used ] && printf "1024 MiB\n2 MiB\n0 MiB\n"')
    assert used_memory() == (2**30, 2**21, 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert used_memory() == (2**21, 2**30)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-5a")
    assert used_memory() == (), "that of the whole GPU is not that of one of its instances"


@pytest.mark.parametrize(
    ("mode", "forbidden"), [("Default", False), ("Exclusive_Process", True), ("[N/A]", False), ("Exclusive_Thread", True)]
)
def test_a_gpu_for_one_process_is_not_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, forbidden: bool
) -> None:
    driver(tmp_path, monkeypatch, f'[ "$1" = --query-gpu=compute_mode ] && printf "Default\\n{mode}\\n"')
    assert forbids_sharing() is forbidden
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert not forbids_sharing()


@pytest.mark.parametrize("script", ["exit 9", "echo '[N/A]'", "printf '5 MiB\\n[N/A]\\n'"])
def test_memory_that_the_driver_does_not_tell_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    driver(tmp_path, monkeypatch, script)
    assert used_memory() == ()


def test_the_driver_says_whether_it_still_knows_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = "Unable to determine the device handle for GPU0000:02:00.0: GPU is lost. Reboot the system to recover this GPU"
    driver(
        tmp_path,
        monkeypatch,
        f'case "$1" in --id=0) echo {FULL} ;; --id={FULL}) echo {FULL} ;; *) echo "{lost}"; exit 15 ;; esac',
    )
    assert [answers("0"), answers(FULL), answers("1"), answers(FULL.replace("5", "6"))] == [True, True, False, False]
    assert answers("GPU-11") is answers("MIG-5a") is True, "the driver cannot be asked for these"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert answers("1") is True
