"""GPUs as nvidia-smi reports them. Here nvidia-smi is a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.engine.devices import detect_gpus, resolve
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
