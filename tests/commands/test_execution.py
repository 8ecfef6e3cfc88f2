"""Every name is checked before anything is installed, and a plan installs nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from suite import report
from suite.commands import arguments, choosing, compare, conclusion, main, new_scenario, options, streams
from suite.engine import installer
from suite.report import answer
from tests.conftest import SCENARIO, Parity
from tests.report import sample


@pytest.fixture(autouse=True)
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something is installed")

    for name in ("venv", "install", "pip"):
        monkeypatch.setattr(installer.Installer, name, refuse)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an empty folder of environments."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARITY_ENVIRONMENTS", str(tmp_path / "environments"))
    return tmp_path


MISSPELLED = [
    (["compare", "--scenario", "artcle-mlp"], "no scenario 'artcle-mlp': did you mean 'article-mlp'? There are "),
    (["plan", "--scenario", "artcle-mlp"], "no scenario 'artcle-mlp': did you mean 'article-mlp'?"),
    (["claims", "--scenario", "artcle-mlp"], "no scenario 'artcle-mlp': did you mean 'article-mlp'?"),
    (["compare", "--backend", "pytorch"], "no backend or environment 'pytorch': did you mean 'torch'?"),
    (["environments", "--backend", "jaxx"], "no backend or environment 'jaxx': did you mean 'jax'?"),
    (["compare", "--environment", "toch@cpu"], "no environment 'toch@cpu'"),
    (["compare", "--environment", "torch@cup"], "environment torch@cup has 'cup' after the @, wanted some of cpu, gpu, "),
    (["compare", "--reference", "foo"], "no environment for --reference 'foo'; there are tensorflow, jax, torch"),
    (["plan", "--reference", "toch"], "no environment for --reference 'toch': did you mean 'torch'?"),
    (["selftest", "--fault", "bn-epsilon-smal"], "no fault 'bn-epsilon-smal': did you mean 'bn-epsilon-small'?"),
    (["selftest", "--reference", "foo"], "no environment for --reference 'foo'"),
]


@pytest.mark.parametrize(("arguments", "words"), MISSPELLED, ids=lambda value: value[-1] if isinstance(value, list) else "")
def test_a_misspelled_name_costs_nothing(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--device", "cpu"]) == 4
    assert capsys.readouterr().err.startswith(f"parity: {words}")
    assert not (folder / "environments").exists()


def test_a_plan_installs_and_writes_nothing_and_says_what_it_would(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--scenario", "article-mlp", "--backend", "jax", "--device", "cpu", "--devices", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "article-mlp/jax/single-x1"
    (environment,) = [line for line in lines if line.startswith("environment jax would be made first: installing jax==")]
    assert "psutil==" in environment
    assert any(" runs in " in line and ", 0 already there; plan " in line for line in lines)
    assert list(folder.iterdir()) == []


def test_what_a_scenario_needs_goes_into_every_environment(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SCENARIO.replace("{name}", "needy").replace("{synchronized}", "False").replace("{last_batch}", "0")
    (folder / "needy.py").write_text(text.replace("steps=25,", "steps=25, requirements=('theirs==1',),"))
    path = ["--scenario-path", str(folder), "--scenario", "needy", "--backend", "jax", "--device", "cpu"]
    assert main(["plan", *path]) == 0
    said = capsys.readouterr().out
    assert "environment jax would be made first: installing jax==" in said and "theirs==1" in said
    assert "not installed yet" not in said


def test_a_plan_says_which_plugins_it_lacks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--scenario", "article-mlp", "--device", "cpu", "--plugin", "mine==1"]) == 0
    assert capsys.readouterr().out.startswith(
        "not installed yet: mine==1; its scenarios and strategies are not in this plan"
    )


def test_a_plan_of_what_has_run_reuses_it(parity: Parity, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}})
    main(parity.arguments("--devices", "1"))
    capsys.readouterr()
    assert main(["plan", *parity.arguments("--devices", "1")[1:]]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " runs in " in line]
    runs = line.split()[0]
    assert f"{runs} runs in 0 processes, {runs} already there" in line


def test_a_known_reference_that_is_not_selected_is_no_mistake(folder: Path) -> None:
    assert main(["plan", "--scenario", "article-mlp", "--backend", "jax", "--reference", "torch", "--device", "cpu"]) == 0


def test_variants_are_environments_of_the_plan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--environment", "jax", "--environment", "jax@deterministic-cpu", "--backend", "torch"]
    assert main(["plan", "--scenario", "article-mlp", *chosen, "--device", "cpu", "--devices", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "article-mlp/jax/single-x1", "article-mlp/jax@cpu-deterministic/single-x1", "article-mlp/torch/single-x1",
    ]  # fmt: skip


def test_a_smoke_run_is_three_steps_of_one_scenario_and_leaves_the_latest_report_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["plan", "--smoke", "--backend", "jax", "--device", "cpu", "--devices", "1"]
    assert main(asked) == 0
    assert capsys.readouterr().out.splitlines()[0] == "article-mlp/jax/single-x1"
    mine = folder / "mine"
    mine.mkdir()
    for name in ("zebra", "another"):
        (mine / f"{name}.py").write_text(new_scenario.TEMPLATE.format(name=name))
    assert main([*asked, "--scenario-path", str(mine)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "another/jax/single-x1"
    chosen = options.of(arguments.parser().parse_args(["compare", "--smoke"]))
    assert choosing.selection(chosen).recipe.steps == options.SMOKE_STEPS
    more = options.of(arguments.parser().parse_args(["compare", "--smoke", "--steps", "5", "--out", "here"]))
    assert choosing.selection(more).recipe.steps == 5
    assert [compare._folder(one) for one in (chosen, more)] == [Path("reports/smoke"), Path("here")]


def test_more_virtual_devices_than_processors_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--smoke", "--backend", "jax", "--device", "cpu", "--devices", "4096"]) == 0
    assert "4096 virtual devices on " in capsys.readouterr().out


def test_json_is_all_that_standard_output_gets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with conclusion.output(json=True) as out:
        streams.say("a line")
        assert out is not None
        out.write(report.answer_json(sample.results(), tmp_path))
    said = capsys.readouterr()
    assert said.err == "a line\n"
    found = json.loads(said.out)
    assert found["answer"] == answer.sentence(sample.results())
    assert (found["exit_code"], found["report"]) == (3, str(tmp_path / "index.html"))
    assert found["counts"] == answer.counts(sample.results()).by_group
    assert {one["plan"] for one in found["plans"]} >= {"CPU → GPU, upgrade"}
    with conclusion.output(json=False) as out:
        assert out is None
