from __future__ import annotations

import dataclasses
from pathlib import Path

from suite.engine.variables import THREADS, gpu_names, of_host, processor
from suite.plan.locations import ROOT
from suite.records import Environment, Options

JAX = Environment(name="jax", backend="jax")
RUN = Path("/run")


def test_variables_that_would_change_a_number_are_not_inherited() -> None:
    foreign = {
        "KERAS_BACKEND": "torch", "KERAS_NNX_ENABLED": "1", "TF_ENABLE_ONEDNN_OPTS": "0", "XLA_FLAGS": "--x",
        "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "tpu", "PYTHONPATH": "/elsewhere", "PYTHONHOME": "/elsewhere",
        "CUDA_VISIBLE_DEVICES": "3", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1", "OMP_NUM_THREADS": "64",
    }  # fmt: skip
    variables = of_host(JAX, Options(threads=2), folder=RUN, cache=None, shell=foreign | {"HOME": "/home/me"})
    assert variables == {
        "HOME": "/home/me",
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": "/run/keras/jax",
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2",
        "NPROC": "2",
        "CUDA_VISIBLE_DEVICES": "",
    }


def test_no_torch_host_asks_the_driver_for_gpus_at_import() -> None:
    for device in ("cpu", "gpu"):
        of_torch = of_host(
            Environment(name="mine", backend="torch"), Options(device=device), folder=RUN, cache=None, shell={}
        )
        assert of_torch["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1"
        assert "PYTORCH_NVML_BASED_CUDA_CHECK" not in of_host(JAX, Options(device=device), folder=RUN, cache=None, shell={})


def test_on_gpus_the_users_choice_stays_and_threads_are_pinned() -> None:
    gpu = Options(device="gpu", threads=1)
    chosen = of_host(JAX, gpu, folder=RUN, cache=None, shell={"CUDA_VISIBLE_DEVICES": "3"})
    assert chosen["CUDA_VISIBLE_DEVICES"] == "3"
    assert {name: chosen[name] for name in THREADS} == dict.fromkeys(THREADS, "1") | {"NPROC": "4"}, "in which XLA compiles"
    assert of_host(JAX, Options(device="cpu"), folder=RUN, cache=None, shell={})["NPROC"] == "1", "in which it computes"
    assert "CUDA_VISIBLE_DEVICES" not in of_host(JAX, gpu, folder=RUN, cache=None, shell={})


def test_gpus_are_counted_as_the_driver_counts_them_unless_the_user_says_otherwise() -> None:
    gpu = Options(device="gpu")
    assert of_host(JAX, gpu, folder=RUN, cache=None, shell={})["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    own = {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    assert of_host(JAX, gpu, folder=RUN, cache=None, shell=own)["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"


def test_backends_take_memory_of_a_gpu_as_they_need_it_whatever_the_shell_says() -> None:
    shell = {"XLA_PYTHON_CLIENT_PREALLOCATE": "true", "TF_FORCE_GPU_ALLOW_GROWTH": "false"}
    told = {
        backend: of_host(
            Environment(name=backend, backend=backend), Options(device="gpu"), folder=RUN, cache=None, shell=shell
        )
        for backend in ("jax", "tensorflow", "torch")
    }
    assert told["jax"]["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert told["tensorflow"]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert not told["torch"].keys() & shell.keys()
    assert "XLA_PYTHON_CLIENT_PREALLOCATE" not in of_host(JAX, Options(), folder=RUN, cache=None, shell=shell)


def test_deterministic_kernels_need_variables_on_a_gpu_only() -> None:
    for backend, name, value in (
        ("torch", "CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
        ("jax", "XLA_FLAGS", "--xla_gpu_deterministic_ops=true"),
        ("tensorflow", "TF_DETERMINISTIC_OPS", "1"),
    ):
        one = Environment(name="mine", backend=backend, deterministic=True)
        assert of_host(one, Options(device="gpu"), folder=RUN, cache=None, shell={})[name] == value
        assert name not in of_host(one, Options(device="cpu"), folder=RUN, cache=None, shell={})
        other = dataclasses.replace(one, deterministic=False)
        assert name not in of_host(other, Options(device="gpu"), folder=RUN, cache=None, shell={})


def test_the_environments_own_variables_win() -> None:
    own = dataclasses.replace(JAX, pythonpath=("/a", "/b"), variables=(("PYTHONHASHSEED", "7"), ("JAX_ENABLE_X64", "0")))
    variables = of_host(own, Options(), folder=RUN, cache=None, shell={})
    assert variables["PYTHONPATH"] == f"{ROOT}:/a:/b"
    assert (variables["PYTHONHASHSEED"], variables["JAX_ENABLE_X64"]) == ("7", "0")


def test_jax_keeps_what_it_compiled_per_environment_and_processor() -> None:
    variables = of_host(JAX, Options(), folder=RUN, cache=Path("/cache"), shell={})
    assert variables["JAX_COMPILATION_CACHE_DIR"] == f"/cache/jax-{processor()}"
    torch = of_host(Environment(name="torch", backend="torch"), Options(), folder=RUN, cache=Path("/cache"), shell={})
    assert not any(name.startswith("JAX_") for name in torch)


def test_gpus_are_named_as_the_user_sees_them() -> None:
    assert gpu_names(2, {}) == ("0", "1")
    assert gpu_names(2, {"CUDA_VISIBLE_DEVICES": "5, 3,1"}) == ("5", "3")
    assert gpu_names(4, {"CUDA_VISIBLE_DEVICES": "5"}) == ("5",)
    assert gpu_names(0, {}) == ()


def test_a_worker_gets_nothing_of_the_shell_that_is_not_listed() -> None:
    secrets = {"AWS_SECRET_ACCESS_KEY": "s", "GITHUB_TOKEN": "s", "HF_TOKEN": "s", "PIP_INDEX_URL": "s", "MY_OWN": "s"}
    kept = {
        "PATH": "/bin",
        "LANG": "C",
        "LC_ALL": "C",
        "https_proxy": "p",
        "LD_LIBRARY_PATH": "/l",
        "PARITY_FAKE_ORDER": "1",
    }
    variables = of_host(JAX, Options(), folder=RUN, cache=None, shell=secrets | kept)
    assert not variables.keys() & secrets.keys()
    assert kept.items() <= variables.items()


def test_the_user_names_what_else_is_inherited() -> None:
    shell = {"MY_OWN": "1", "HF_TOKEN": "t", "OTHER": "2", "PARITY_INHERIT": "MY_OWN, HF_TOKEN"}
    variables = of_host(JAX, Options(), folder=RUN, cache=None, shell=shell)
    assert (variables["MY_OWN"], variables["HF_TOKEN"]) == ("1", "t") and "OTHER" not in variables
