"""A scenario to start from is a good one, and nothing is overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from suite.commands import main, new_scenario
from suite.plan import discover
from suite.plan.locations import ROOT
from suite.records import ConfigurationError


def test_the_written_scenario_is_a_good_one(tmp_path: Path) -> None:
    path = new_scenario.write("my-model.2", tmp_path / "new")
    assert path == tmp_path / "new" / "my_model_2.py"
    (found,), broken = discover.scenarios([tmp_path / "new"], plugins=False)
    assert broken == () and found.scenario.name == "my-model.2"
    data = found.scenario.data()
    assert isinstance(data.x, np.ndarray) and isinstance(data.predict, np.ndarray)
    assert data.x.shape == (1280, 64) and data.predict.shape == (256, 64) and np.asarray(data.y).shape == (1280,)
    assert data.x.dtype == np.float32 and 0 <= data.x.min() < data.x.max() <= 1
    assert len(data.predict) % found.scenario.batch == 0


def test_it_names_no_backend_and_imports_without_keras(tmp_path: Path) -> None:
    path = new_scenario.write("mine", tmp_path)
    text = path.read_text().lower()
    assert not [name for name in ("tensorflow", "jax", "torch") if name in text]
    code = f"import sys, runpy; runpy.run_path({str(path)!r}); print({{'keras', 'sklearn', 'numpy'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = new_scenario.write("mine", tmp_path)
    path.write_text("my work")
    with pytest.raises(ConfigurationError, match=r"mine.py exists: choose another name, or edit it"):
        new_scenario.write("mine", tmp_path)
    assert path.read_text() == "my work"


@pytest.mark.parametrize("name", ["Mine", "my_model", "", "-x", "../up", "a b", "a/b", "é", "a\n"])
def test_a_bad_name_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ConfigurationError, match="is no scenario name: use lower case, digits and hyphens, such as my-model"
    ):
        new_scenario.write(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_command_says_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-scenario", "mine", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "mine.py"),
        f"run it: parity compare --scenario-path {tmp_path} --scenario mine",
    ]
    assert main(["new-scenario", "mine", "--folder", str(tmp_path)]) == 3
    assert "mine.py exists" in capsys.readouterr().err


def test_a_folder_with_a_colour_in_its_name_is_shown_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-scenario", "mine", "--folder", str(tmp_path / "\x1b[31mred")]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="exists"):
        new_scenario.write("mine", tmp_path)
    assert not (tmp_path / "elsewhere").exists()
