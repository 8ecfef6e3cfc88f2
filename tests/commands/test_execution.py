"""Every name is checked before anything is installed, and a plan installs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from suite.commands import main
from suite.engine import installer
from tests.conftest import SCENARIO, Parity


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
    assert lines[-2].startswith("environment jax would be made first: installing jax==") and "psutil==" in lines[-2]
    assert " runs in " in lines[-1] and ", 0 already there; plan " in lines[-1]
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
    line = capsys.readouterr().out.splitlines()[-1]
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
