"""A run folder in which other things lie than runs: they are named, the rest is judged, and the next command mends it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from suite.artifacts import names
from suite.commands import main
from suite.records import Status, Verdict
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, ONE, TWO, artifact, compared, pair, rows, written


def spoil(parity: Parity, outside: Path) -> dict[str, str]:
    """Run id -> what is said of it."""
    runs = parity.run / names.RUNS / "clusters"
    pipe = runs / "fake-a" / ONE / "repeat-1" / names.MANIFEST
    pipe.unlink()
    os.mkfifo(pipe)
    link = runs / "fake-a" / TWO / "permuted-1"
    shutil.rmtree(link)
    link.symlink_to(outside)
    part = runs / "fake-b" / ONE / "repeat-1" / names.file_of(names.step(0))
    part.unlink()
    os.mkfifo(part)
    foreign = artifact(parity, "fake-b", devices=2, precision="float64")
    shutil.rmtree(foreign)
    shutil.copytree(artifact(parity, "fake-a", devices=2, precision="float64"), foreign)
    shutil.rmtree(parity.run / names.INPUTS)
    (parity.run / names.INPUTS).symlink_to(outside)
    reloads = artifact(parity, "fake-a", devices=1) / names.RELOAD
    shutil.rmtree(reloads)
    reloads.write_text("a file")
    probe = parity.run / names.PROBES / "fake-a" / names.file_of(names.NONLINEARITY)
    probe.write_bytes(probe.read_bytes()[:-1] + b"\x01")
    return {
        f"clusters/fake-a/{ONE}/repeat-1": "manifest.json is a pipe, wanted a file",
        f"clusters/fake-a/{TWO}/permuted-1": "permuted-1 is a link, wanted a folder",
        f"clusters/fake-b/{ONE}/repeat-1": "the artifact has no step-0.safetensors",
        f"clusters/fake-b/{TWO}/plain-float64": f"it is of 'runs/clusters/fake-a/{TWO}/plain-float64'",
    }


def test_a_damaged_probe_is_no_success(parity: Parity) -> None:
    """Without it, float64 runs show nothing: what they showed is open again."""
    parity.scenario("clusters", synchronized=True)
    parity.environments(CLEAN)
    assert compared(parity, "--devices", "1")[0] == 0
    probe = parity.run / names.PROBES / "fake-b"
    shutil.rmtree(probe)
    for words in ("it left nothing", "is a file, wanted a folder"):
        assert main(["report", "--out", str(parity.run)]) == 2
        results = written(parity)
        assert [one.job for one in results.jobs] == ["probe/fake-b"] and words in results.jobs[0].reason
        assert results.pairs[0].verdict is Verdict.INCONCLUSIVE
        probe.touch()
    assert compared(parity, "--devices", "1")[0] == 0


def test_a_damaged_float64_reload_is_neither_a_difference_nor_a_success(parity: Parity) -> None:
    parity.scenario("clusters", synchronized=True)
    parity.environments(CLEAN)
    _, clean = compared(parity, "--devices", "1")
    reload = artifact(parity, "fake-b", devices=1, precision="float64") / names.RELOAD / "fake-b" / names.KERAS_FILE
    for part in (names.RESUMED, names.step(0)):
        file = reload / names.file_of(part)
        before = file.read_bytes()
        file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        assert main(["report", "--out", str(parity.run)]) == 2
        results = written(parity)
        assert [one.job for one in results.jobs] == ["reload/clusters/fake-b/float64"]
        verdicts = [(one.verdict, now.verdict) for one, now in zip(clean.members, results.members, strict=True)]
        assert all(now in (was, Verdict.INCONCLUSIVE, Verdict.NOT_RUN) for was, now in verdicts)
        file.write_bytes(before)
    assert main(["report", "--out", str(parity.run)]) == 0


def test_what_is_damaged_is_named_and_the_rest_is_judged_and_the_next_command_mends_it(parity: Parity) -> None:
    outside = parity.folder / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    parity.scenario("clusters")
    parity.environments(CLEAN)
    assert compared(parity)[0] == 0
    damaged = spoil(parity, outside)

    assert main(["report", "--out", str(parity.run)]) == 2
    results = written(parity)
    found = {name: row.reason for name, row in rows(results).items() if row.status is not Status.COMPLETE}
    assert found.keys() == damaged.keys()
    assert all(damaged[name] in reason for name, reason in found.items())
    assert {one.verdict for one in results.pairs} <= {Verdict.ROUNDING, Verdict.INCONCLUSIVE, Verdict.BY_DESIGN}
    page = (parity.run / "summary.md").read_text()
    assert "the float64 probe of fake-a left nothing" in page

    code, mended = compared(parity)
    assert code == 0 and {row.status for row in mended.runs} == {Status.COMPLETE}
    assert {name for name, row in rows(mended).items() if not row.reused} >= damaged.keys()
    assert pair(mended, f"fake-a/{ONE}", f"fake-b/{ONE}").verdict is Verdict.ROUNDING
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("kept", "kept")]
