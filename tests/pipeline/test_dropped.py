"""What is dropped once it was judged: nothing that is said changes, and nothing becomes better."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from suite.artifacts import dropping as artifacts
from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.commands import compare, execution, main
from suite.engine.dispatch import Engine
from suite.records import KeptVerdicts, Status, Verdict
from suite.results import dropping, kept_verdicts
from suite.results.study import Study
from tests.conftest import Parity
from tests.pipeline.fake_runs import compared, written

# None; of a kernel, of a declaration, of a backend, of a file; numbers that are not finite.
DEFECTS = ("", "wide", "summed", "layer", "unsaved", "nan")
KEY = "k" * 32
AGAIN = "are made again: what they had left was dropped after it was judged, and this command asks something else"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """No scenario may hold anything."""
    for limit in ("MODELS", "LEAST", "BLOCK"):
        monkeypatch.setattr(dropping, limit, 0)


def prepared(parity: Parity, defect: str = "") -> Parity:
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": defect}})
    return parity


def told(parity: Parity) -> dict[str, Any]:
    """All of results.json, but for what is of the command that wrote it."""
    found: dict[str, Any] = json.loads((parity.run / "results.json").read_text())
    del found["generated"], found["plan"]["command"]
    for row in found["runs"]:
        row |= {"seconds": 0, "reused": False}
    for job in found["jobs"]:
        job["seconds"] = 0
    return found


def again(parity: Parity, *extra: str) -> int:
    """The exit code of the same command, which judges again."""
    (parity.run / names.JUDGED).unlink(missing_ok=True)
    return main(parity.arguments(*extra))


def left(parity: Parity) -> list[Artifact]:
    """The artifacts of all runs, and what was loaded from their files."""
    store, found = Store(parity.run), written(parity)
    environments = [one.environment.name for one in found.environments]
    every = (artifact for row in found.runs for artifact in store.around(row.run, environments))
    return [artifact for artifact in every if artifact.manifest() is not None]


def files(parity: Parity) -> list[Path]:
    """All of its runs."""
    return [path for path in (parity.run / names.RUNS).rglob("*") if path.is_file()]


def is_dropped(artifact: Artifact) -> bool:
    manifest = artifact.manifest()
    return manifest is not None and bool(manifest.dropped)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("defect", DEFECTS)
def test_results_are_those_of_a_folder_that_keeps_everything(parity: Parity, defect: str) -> None:
    prepared(parity, defect)
    code = main(parity.arguments("--keep", "all"))
    whole = told(parity)
    assert not any(map(is_dropped, left(parity)))

    assert again(parity) == code  # judged by everything, and then dropped
    assert told(parity) == whole
    assert any(map(is_dropped, left(parity)))
    assert {path.name for path in files(parity)} == {names.MANIFEST, names.KERAS_FILE}

    assert again(parity) == code  # judged by what was kept
    assert told(parity) == whole
    assert all(row.reused for row in written(parity).runs)
    assert main(["report", "--out", str(parity.run)]) == code
    assert told(parity) == whole


@pytest.mark.usefixtures("small")
def test_a_scenario_more_runs_nothing_of_the_others(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(parity, "summed")
    main(parity.arguments())
    first = told(parity)
    parity.scenario("more", synchronized=True)
    capsys.readouterr()
    main(parity.arguments())
    assert AGAIN not in capsys.readouterr().out
    assert {row.run.configuration.scenario for row in written(parity).runs if not row.reused} == {"more"}
    both = told(parity)
    for part in ("pairs", "checks"):
        assert [one for one in both[part] if one["id"].startswith("clusters/")] == first[part]


@pytest.mark.usefixtures("small")
def test_an_environment_more_makes_what_was_dropped_again_and_says_so(
    parity: Parity, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(parity)
    main(parity.arguments())
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}, "fake-c": {"PARITY_FAKE_DEFECT": "layer"}})
    capsys.readouterr()
    code = main(parity.arguments("--keep", "all"))
    assert f"runs of clusters {AGAIN}; --keep all keeps everything" in capsys.readouterr().out
    found = told(parity)
    assert main(parity.arguments("--keep", "all", "--rerun", "all")) == code
    assert told(parity) == found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("change", ["gone", "edited", "other code", "other"])
def test_without_what_was_judged_nothing_is_judged_by_the_rest(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    prepared(parity, "summed")
    code = main(parity.arguments())
    whole, kept = told(parity), parity.run / names.verdicts_of("clusters")
    if change == "gone":
        kept.unlink()
    elif change == "edited":
        kept.write_bytes(kept.read_bytes()[:-1] + b"\0")
    elif change == "other":
        kept.write_bytes(b"")
    else:
        monkeypatch.setattr(kept_verdicts, "_code", lambda: "other")
    assert main(["report", "--out", str(parity.run)]) == 2
    found = written(parity)
    assert {row.status for row in found.runs} == {Status.FAILED}
    assert all("run `parity compare` again; with --keep all" in row.reason for row in found.runs)
    assert {pair.verdict for pair in found.pairs} == {Verdict.NOT_RUN}
    assert again(parity) == code
    assert told(parity) == whole
    assert again(parity) == code
    assert all(row.reused for row in written(parity).runs)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_was_dropped_no_verdict_is_better(parity: Parity, seed: int) -> None:
    """Any files of any artifacts, without what was judged by them."""
    draw = random.Random(seed)
    prepared(parity, "wide")
    main(parity.arguments("--keep", "all"))
    before, store = told(parity), Store(parity.run)
    for artifact in draw.sample(left(parity), k=draw.choice([1, 3])):
        artifacts.drop(store, artifact, draw.sample(sorted(artifacts.sizes(artifact)), k=1))
    assert main(["report", "--out", str(parity.run)]) == 2
    assert {pair.verdict for pair in written(parity).pairs} == {Verdict.NOT_RUN}
    assert again(parity, "--keep", "all") == before["exit_code"]
    assert told(parity) == before


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("place", [names.MANIFEST, names.KERAS_FILE])
def test_damage_of_what_is_left_is_found(parity: Parity, place: str) -> None:
    prepared(parity)
    code = main(parity.arguments())
    whole = told(parity)
    path = next((parity.run / names.RUNS).glob(f"**/plain/{place}"))
    path.write_bytes(path.read_bytes()[:-9])
    main(["report", "--out", str(parity.run)])
    assert {pair.verdict for pair in written(parity).pairs} == {Verdict.NOT_RUN}
    assert again(parity) == code
    assert told(parity) == whole


@pytest.mark.usefixtures("small")
def test_all_of_it_runs_again_where_that_is_asked_for(parity: Parity) -> None:
    prepared(parity)
    main(parity.arguments())
    main(parity.arguments("--rerun", "all", "--keep", "all"))
    assert not any(row.reused for row in written(parity).runs)
    assert not any(map(is_dropped, left(parity)))


@pytest.mark.usefixtures("small")
def test_what_was_judged_is_signed(parity: Parity, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    prepared(parity)
    (tmp_path / "key").write_text(KEY)
    key = ("--key-file", str(tmp_path / "key"))
    assert main(parity.arguments("--sign", *key)) == 0
    assert main(parity.arguments("--verify", *key, "--sign")) == 0
    assert all(row.reused for row in written(parity).runs)
    kept = parity.run / names.verdicts_of("clusters")
    kept.write_bytes(b"")
    capsys.readouterr()
    assert main(parity.arguments("--verify", *key)) == 2
    assert "clusters.msgpack was changed after" in capsys.readouterr().err


def test_a_scenario_holds_what_it_may_and_small_ones_keep_everything(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(parity, "layer")
    compared(parity)
    assert not any(map(is_dropped, left(parity)))
    assert not (parity.run / names.VERDICTS).exists()
    allowed = 200_000
    monkeypatch.setattr(dropping, "LEAST", allowed)
    again(parity)
    assert "of clusters that had been judged; --keep all keeps everything" in capsys.readouterr().out
    held = sum(path.stat().st_size for path in files(parity) if path.name != names.MANIFEST)
    assert held <= allowed * 4  # two environments on one and two devices
    kinds = {artifact.where.split("/")[4].partition("~")[0] for artifact in left(parity) if is_dropped(artifact)}
    assert "single-step-float64" in kinds and "plain" not in kinds


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("failing", ["", "second"])
def test_scenarios_are_judged_and_dropped_before_others_run(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failing: str
) -> None:
    prepared(parity, "layer")
    for name in ("second", "third"):
        path = parity.scenario(name, synchronized=True)
        if name == failing:
            path.write_text(path.read_text().replace("random = np", "raise ValueError('no data')\n    random = np"))
    code = main(parity.arguments("--keep", "all"))
    whole = told(parity)
    shutil.rmtree(parity.run)

    settled: list[tuple[set[str], set[str], set[str]]] = []

    def settle(study: Study) -> Mapping[str, KeptVerdicts]:
        begun = {path.name for path in (parity.run / names.RUNS).iterdir()}
        found = drop(study)
        settled.append((begun, set(found), {path.name for path in files(parity) if "second" not in path.parts}))
        return found

    drop = compare._settle
    monkeypatch.setattr(compare, "_settle", settle)
    monkeypatch.setattr(execution, "TOGETHER", 1)
    monkeypatch.setattr(Engine, "cores", 2)
    capsys.readouterr()
    assert main(parity.arguments()) == code
    said = capsys.readouterr().out
    assert said.index("judged clusters; 2 scenarios left") < said.index("judged second; 1 scenario left")
    assert told(parity) == whole
    bare = {names.MANIFEST, names.KERAS_FILE}
    rest = {"second"} if not failing else set()
    assert settled == [({"clusters"}, {"clusters"}, bare), ({"clusters", *rest}, rest, bare)]

    assert again(parity) == code
    assert all(row.reused for row in written(parity).runs if row.run.configuration.scenario != failing)
    assert told(parity) == whole


@pytest.mark.usefixtures("small")
def test_what_failed_keeps_everything(parity: Parity) -> None:
    prepared(parity, "raise")
    assert main(parity.arguments()) == 2
    assert not any(map(is_dropped, left(parity)))


@pytest.mark.usefixtures("small")
def test_an_interrupted_command_leaves_nothing_that_was_to_go(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(parity)
    with monkeypatch.context() as patched:
        patched.setattr("suite.artifacts.places.clear", lambda *_: None)
        main(parity.arguments())
    there = [artifact for artifact in left(parity) if is_dropped(artifact)]
    assert there and all(artifacts.sizes(artifact) for artifact in there)
    again(parity)
    assert {path.name for path in files(parity)} == {names.MANIFEST, names.KERAS_FILE}
