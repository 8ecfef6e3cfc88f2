"""What --budget leaves out, that it says so, and that nothing becomes better by it."""

from __future__ import annotations

import pytest

from suite.artifacts import names, reading
from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.commands import costs, main
from suite.commands.options import seconds_of
from suite.records import Code, Quality, Status, Verdict
from suite.records.measured import Measured, Sample, Timed
from tests.conftest import Parity
from tests.pipeline.fake_runs import written

SHORT = ("--devices", "1", "--jobs", "1")


@pytest.fixture
def timed(parity: Parity) -> Parity:
    """A folder in which everything ran, and in which every run took ten seconds."""
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}})
    main(parity.arguments(*SHORT, "--seeds", "2"))
    slow(parity)
    return parity


def slow(parity: Parity) -> None:
    """As if every run had taken ten seconds."""
    store = Store(parity.run)
    jobs = costs.read(store).jobs
    known = {name: Timed(work=one.work, seconds=10.0 * max(one.work.runs, 1)) for name, one in jobs.items()}
    write_record(parity.run / names.MEASURED, Measured(jobs=known))
    for row in written(parity).runs:
        artifact = store.run(row.run)
        manifest = artifact.manifest()
        assert manifest is not None
        fields = {**{name: getattr(manifest, name) for name in manifest.__dataclass_fields__}, "seconds": 10.0}
        (artifact.folder / names.MANIFEST).write_bytes(reading.sealed(type(manifest)(**fields)))


def left_out(parity: Parity) -> list[str]:
    return [row.run.id for row in written(parity).runs if row.status is Status.LEFT_OUT]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_a_budget_has_a_unit(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["30", "m", "", "0m", "-3m", "1.5h", "3d"])
def test_what_is_no_time_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", f"--budget={text}"]) == 4
    assert f"got {text!r}, wanted a number of seconds, minutes or hours, such as 90s, 30m or 2h" in capsys.readouterr().err


def test_enough_time_leaves_nothing_out(timed: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(timed.arguments(*SHORT, "--seeds", "2", "--rerun", "all", "--budget", "2h")) == 0
    assert "left out" not in capsys.readouterr().out and not left_out(timed)


def test_other_initial_states_go_first_and_no_quality_is_better(timed: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    whole = written(timed)
    expected = sum(one.seconds for one in costs.read(Store(timed.run)).jobs.values())
    capsys.readouterr()
    budget = f"{int(expected - 15)}s"  # two runs of ten seconds have to go
    assert main(timed.arguments(*SHORT, "--seeds", "2", "--rerun", "all", "--budget", budget)) == 0
    said = f"left out by --budget {budget}: 2 seed runs of clusters/fake-a/fake-x1, clusters/fake-b/fake-x1"
    assert said in capsys.readouterr().out
    assert left_out(timed) == ["clusters/fake-a/fake-x1/seed-2", "clusters/fake-b/fake-x1/seed-2"]
    found = written(timed)
    assert [pair.verdict for pair in found.pairs] == [pair.verdict for pair in whole.pairs]
    assert all(one.quality is not Quality.EQUIVALENT for one in found.quality)
    assert "left out" in (timed.run / "index.html").read_text()


@pytest.mark.parametrize("defect", ["", "wide", "layer"])
def test_where_rounding_was_not_measured_what_differs_is_undecided(
    timed: Parity, capsys: pytest.CaptureFixture[str], defect: str
) -> None:
    timed.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": defect}})
    main(timed.arguments(*SHORT))
    whole = written(timed)
    slow(timed)
    capsys.readouterr()
    main(timed.arguments(*SHORT, "--rerun", "all", "--budget", "1s"))
    said = capsys.readouterr().out
    assert "left out by --budget 1s: 6 permuted runs of clusters/fake-b/fake-x1, clusters/fake-a/fake-x1" in said
    assert "--budget 1s: what no verdict can do without takes about" in said
    found = written(timed)
    before = {member.id: member.verdict for member in whole.members}
    assert {member.id for member in found.members} <= before.keys()
    for member in found.members:
        if member.verdict is not before[member.id]:
            assert member.verdict is Verdict.INCONCLUSIVE
            assert {cause.code for cause in member.causes} == {Code.UNCHECKED}
            assert "left out by --budget 1s, so its rounding was not measured" in member.causes[0].reason
    (pair,) = found.pairs
    assert pair.verdict is (Verdict.DIFFERENT if defect == "layer" else Verdict.INCONCLUSIVE)
    assert "left out by --budget 1s" in (timed.run / "index.html").read_text()

    assert main(timed.arguments(*SHORT)) == whole.exit_code  # runs what was left out
    assert [member.verdict for member in written(timed).members] == list(before.values())


def test_what_nobody_has_timed_keeps_everything(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}})
    main(parity.arguments(*SHORT, "--budget", "1s"))
    assert "--budget 1s: not known how long clusters takes; of that, nothing can be left out" in capsys.readouterr().out
    assert not left_out(parity)


def test_first_steps_are_enough_for_a_budget(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}})
    sample = Sample(
        device="cpu",
        steps=25,
        model=8,
        data=8,
        process={"fake-a": 40.0, "fake-b": 40.0},
        step={"fake-a": 0.0, "fake-b": 0.0},
    )
    parity.run.mkdir()
    write_record(parity.run / names.MEASURED, Measured(samples={"clusters": sample}))
    main(parity.arguments(*SHORT, "--budget", "1s"))
    said = capsys.readouterr().out
    assert "left out by --budget 1s: 6 permuted runs of clusters/fake-b/fake-x1, clusters/fake-a/fake-x1" in said
    assert "--budget 1s: what no verdict can do without takes about" in said
    assert len(left_out(parity)) == 6


def test_a_plan_says_what_would_be_left_out(timed: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["plan", *timed.arguments(*SHORT, "--rerun", "all", "--budget", "1s")[1:]])
    assert "left out by --budget 1s: 6 permuted runs" in capsys.readouterr().out
