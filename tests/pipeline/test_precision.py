"""Precision, devices and repeats on a GPU, through the whole pipeline: the fake backend, and a fake nvidia-smi."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from suite.records import Cause, Code, Pair, Results, Verdict
from tests.conftest import Parity
from tests.pipeline.fake_runs import compared, pair

SCRIPT = """#!/bin/sh
case "$1" in
--query-gpu=name) echo "NVIDIA H100" ;;
*) exit 2 ;;
esac
"""


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that shows one GPU. The fake backend computes on it as on a CPU."""
    driver = tmp_path / "driver"
    driver.mkdir()
    (driver / "nvidia-smi").write_text(SCRIPT)
    (driver / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(driver), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def on_one_device(parity: Parity, defect: str, *extra: str, clean: str = "") -> tuple[int, Results]:
    parity.scenario("clusters")
    parity.environments(
        {
            "fake-a": {"PARITY_FAKE_DEFECT": clean} if clean else {},
            "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": defect},
        }
    )
    return compared(parity, "--devices", "1", *extra)


def between(results: Results, a: str, b: str) -> Pair:
    return pair(results, f"/{a}/", f"/{b}/")


def products(form: str, environment: str) -> Cause:
    return Cause(code=f"{form}-products", subject=environment)


def kinds(found: Pair) -> list[Cause]:
    return [cause.kind for cause in found.causes]


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(("form", "least"), [("tf32", 1e-4), ("bfloat16", 1e-3)])
def test_rounded_operands_are_named_and_expected_of_the_default_precision(parity: Parity, form: str, least: float) -> None:
    code, results = on_one_device(parity, form)
    assert code == 0
    for other in ("fake-a", "fake-a@exact", "fake-b@exact"):
        found = between(results, "fake-b", other)
        assert (found.verdict, kinds(found)) == (Verdict.BY_DESIGN, [products(form, "fake-b")])
        numbers = dict(found.causes[0].evidence)
        assert least < numbers["apart"] < 8 * least
        assert numbers["left"] < 1e-6
        assert numbers["calls"] == 2
        assert found.side is not None and found.side.configuration.environment == "fake-b"
        assert found.place is not None and (found.place.stage, found.place.tensor) == ("forward", "hidden")
    assert between(results, "fake-a", "fake-b@exact").verdict is Verdict.ROUNDING
    assert between(results, "fake-a", "fake-a@exact").verdict is Verdict.IDENTICAL
    (finding,) = (one for one in parity.results()["findings"] if one["verdict"] == "by design")
    name = {"tf32": "TF32", "bfloat16": "bfloat16"}[form]
    assert f"fake-b computes products of float32 numbers in {name}" in finding["claim"]
    assert "from the result with operands rounded to" in finding["experiment"]


@pytest.mark.usefixtures("gpu")
def test_a_difference_in_precision_does_not_hide_in_noise(parity: Parity) -> None:
    _, results = on_one_device(parity, "tf32,noise")
    found = between(results, "fake-a", "fake-b")
    assert (found.verdict, kinds(found)) == (Verdict.BY_DESIGN, [products("tf32", "fake-b")])
    noisy = between(results, "fake-a", "fake-b@exact")
    assert (noisy.verdict, kinds(noisy)) == (
        Verdict.NOISE,
        [Cause(code=Code.REPEATS_DIFFER, subject="fake-b@exact")],
    )


@pytest.mark.usefixtures("gpu")
def test_products_of_both_sides_are_named_where_they_are_apart(parity: Parity) -> None:
    _, results = on_one_device(parity, "bfloat16", clean="tf32")
    found = between(results, "fake-a", "fake-b")
    assert found.verdict is Verdict.BY_DESIGN
    assert kinds(found) == [products("bfloat16", "fake-b")] or set(kinds(found)) == {
        products("tf32", "fake-a"), products("bfloat16", "fake-b"),
    }  # fmt: skip
    assert kinds(between(results, "fake-a", "fake-a@exact")) == [products("tf32", "fake-a")]


@pytest.mark.usefixtures("gpu")
def test_a_different_fault_beside_rounded_operands_is_not_excused(parity: Parity) -> None:
    _, results = on_one_device(parity, "tf32,rate")
    found = between(results, "fake-a", "fake-b")
    assert found.verdict is Verdict.DIFFERENT
    assert "learning-rate" in {cause.code for cause in found.causes}


def test_rounded_operands_on_a_cpu_need_a_decision(parity: Parity) -> None:
    code, results = on_one_device(parity, "tf32", "--device", "cpu")
    assert code == 1
    found = between(results, "fake-a", "fake-b")
    assert (found.verdict, kinds(found)) == (Verdict.DIFFERENT, [products("tf32", "fake-b")])
    assert [one.environment.name for one in results.environments] == ["fake-a", "fake-b"]


@pytest.mark.usefixtures("gpu")
def test_exact_precision_alone_adds_no_variant_and_rounds_nothing(parity: Parity) -> None:
    code, results = on_one_device(parity, "tf32", "--precision", "exact")
    assert code == 0
    assert {one.environment.name: one.environment.precision for one in results.environments} == {
        "fake-a": "exact", "fake-b": "exact",
    }  # fmt: skip
    assert between(results, "fake-a", "fake-b").verdict is Verdict.ROUNDING


@pytest.mark.usefixtures("gpu")
def test_a_gpu_against_a_cpu_is_a_pair_with_a_group_of_its_own(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}})
    arguments = parity.arguments("--devices", "1", "--precision", "default")
    place = arguments.index("--backend")
    arguments[place : place + 2] = ["--environment", "fake-a", "--environment", "fake-a@cpu"]
    from suite.commands import main

    assert main(arguments) == 0
    document = parity.results()
    assert {one["environment"]["name"]: one["environment"]["device"] for one in document["environments"]} == {
        "fake-a": "gpu", "fake-a@cpu": "cpu",
    }  # fmt: skip
    assert document["answer"] == "Yes. Everything that was compared is equal, up to rounding."
    assert "across backends" not in document["answer"].lower()
    page = (parity.run / "index.html").read_text()
    assert "fake-a@cpu" in page
    assert re.search(r"CPU → GPU</th>\s*<td>.{0,200}?safe</", page, re.DOTALL)
    assert '<th scope="row">device</th><td>gpu</td><td>cpu</td><td>differs</td>' in page


@pytest.mark.usefixtures("gpu")
def test_deterministic_kernels_that_cure_repeats_are_named(parity: Parity) -> None:
    parity.scenario("clusters")
    noisy = "{ PARITY_FAKE_DEFECT = 'noise' }"
    (parity.folder / "environments.toml").write_text(
        f"[environments.fake-a]\nbackend = 'fake'\n\n[environments.fake-b]\nbackend = 'fake'\nvariables = {noisy}\n"
    )
    arguments = parity.arguments("--devices", "1", "--precision", "default")
    place = arguments.index("--backend")
    arguments[place : place + 2] = [
        word for name in ("fake-a", "fake-b", "fake-b@deterministic") for word in ("--environment", name)
    ]
    from suite.commands import main

    assert main(arguments) == 0
    said = [one for one in parity.results()["findings"] if one["verdict"] == "noise"]
    assert any("fake-b does not repeat itself" in one["claim"] for one in said)
    assert any("fake-b@deterministic, repeats itself bit for bit" in one["experiment"] for one in said)
