"""What a run records of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.runner import facts

KERNEL = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build\nGCC 12.2.0\n"


@pytest.fixture(autouse=True)
def asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(facts, "DRIVER", tmp_path / "version")
    monkeypatch.setenv("PATH", str(tmp_path))
    facts.driver_version.cache_clear()
    yield
    facts.driver_version.cache_clear()


def test_the_kernel_says_which_driver_it_has(tmp_path: Path) -> None:
    (tmp_path / "version").write_text(KERNEL)
    assert facts.driver_version() == "580.159.04"


def test_where_the_kernel_does_not_nvidia_smi_does(tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 570.86.15\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert facts.driver_version() == "570.86.15"


def test_a_driver_that_nobody_knows_is_unknown() -> None:
    assert facts.driver_version() == "unknown"
