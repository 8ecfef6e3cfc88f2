"""Variants of environments by name, and what a command adds to what environments say of themselves."""

from __future__ import annotations

import pytest

from suite.plan import variants
from suite.records import Environment, UnavailableDevice, UsageError

TORCH, JAX = Environment(name="torch", backend="torch"), Environment(name="jax", backend="jax")
BOTH = (TORCH, JAX)


def found(name: str) -> Environment:
    one = variants.find(name, BOTH)
    assert one is not None
    return one


def numerics(one: Environment) -> tuple[str, str, str, bool]:
    return one.name, one.device, one.precision, one.deterministic


def resolved(*chosen: Environment, device: str = "gpu", gpus: int = 1, precision: str = "both") -> list[Environment]:
    return list(variants.resolved(chosen, device=device, gpus=gpus, precision=precision, deterministic=False))


def test_a_variant_is_its_environment_with_what_its_name_says() -> None:
    assert numerics(found("torch@cpu")) == ("torch@cpu", "cpu", "", False)
    assert numerics(found("jax@exact-gpu")) == ("jax@gpu-exact", "gpu", "exact", False)
    assert numerics(found("jax@deterministic")) == ("jax@deterministic", "", "", True)
    assert found("torch") == TORCH
    assert variants.find("tensorflow@cpu", BOTH) is None
    assert variants.base_name("torch@cpu") == variants.base_name("torch") == "torch"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torch@tpu", "torch@tpu has 'tpu' after the @, wanted some of cpu, gpu, default, exact, deterministic"),
        ("torch@", "has '' after the @"),
        ("torch@cpu-gpu", "torch@cpu-gpu says its device twice: leave out one of them"),
    ],
)
def test_a_variant_that_makes_no_sense_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        variants.find(name, BOTH)


def test_a_variant_does_not_contradict_its_environment() -> None:
    on_cpu = Environment(name="mine", backend="torch", device="cpu")
    with pytest.raises(UsageError, match="mine@gpu says its device twice"):
        variants.named(on_cpu, ["gpu"])


def test_on_a_gpu_both_precisions_run_and_on_a_cpu_there_is_one() -> None:
    names = [numerics(one)[:3] for one in resolved(TORCH, found("torch@cpu"))]
    assert names == [("torch", "gpu", "default"), ("torch@exact", "gpu", "exact"), ("torch@cpu", "cpu", "default")]
    assert [one.name for one in resolved(*BOTH, device="cpu")] == ["torch", "jax"]
    assert [one.name for one in resolved(found("torch@gpu"), device="cpu")] == ["torch@gpu", "torch@gpu-exact"]


def test_an_environment_with_a_precision_of_its_own_keeps_it() -> None:
    own = [found("torch@default"), found("jax@exact")]
    assert [numerics(one)[:3] for one in resolved(*own)] == [
        ("torch@default", "gpu", "default"),
        ("jax@exact", "gpu", "exact"),
    ]
    assert [one.precision for one in resolved(*BOTH, precision="exact")] == ["exact", "exact"]
    assert [one.name for one in resolved(TORCH, found("torch@exact"))] == ["torch", "torch@exact"]


def test_an_environment_for_a_gpu_never_falls_back() -> None:
    with pytest.raises(UnavailableDevice, match="environment torch@gpu is for a GPU, but this machine shows none"):
        resolved(found("torch@gpu"), device="cpu", gpus=0)


def test_deterministic_kernels_are_asked_for_everywhere_or_where_a_name_says_so() -> None:
    chosen = [TORCH, found("jax@deterministic")]
    for everywhere in (False, True):
        made = variants.resolved(chosen, device="cpu", gpus=0, precision="both", deterministic=everywhere)
        assert [one.deterministic for one in made] == [everywhere, True]


def test_what_two_environments_differ_in() -> None:
    plain, exact, on_cpu = (
        Environment(name=name, backend="torch", device=device, precision=precision)
        for name, device, precision in (("a", "gpu", "default"), ("b", "gpu", "exact"), ("c", "cpu", "exact"))
    )
    assert variants.differ_in_precision_only(plain, exact)
    assert not variants.differ_in_precision_only(plain, on_cpu)
    assert not variants.differ_in_precision_only(plain, plain)
    assert not variants.differ_in_determinism_only(plain, exact)
    assert variants.differ_in_determinism_only(plain, Environment(**{**vars(plain), "name": "d", "deterministic": True}))
