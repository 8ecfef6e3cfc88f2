"""Every known defect has its page and its scripts, and every page and script belongs to one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from suite.referee import layers, losses, optimizers
from suite.referee.defects.cures import CURES
from suite.referee.defects.matching import known
from suite.referee.defects.records import AS_IN_PREDICTION, AS_IN_TRAINING, NO_GRADIENT, OVER_REPLICAS, KnownDefect, Sighting
from suite.referee.defects.table import DEFECTS, OF_IMAGES
from suite.referee.layers import operations

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "defects"
KNOWN = [one for one in DEFECTS if one.id.startswith("K")]
DOCUMENTED = [one for one in DEFECTS if one.id.startswith("D")]
STAGES = {"schedule", "forward", "state", "update", "slots", "gradient", "config", "process", "refused", "history"}


def test_ids_are_unique_and_leave_no_gap() -> None:
    assert [count for count in Counter(one.id for one in DEFECTS).values() if count > 1] == []
    assert sorted(int(one.id[2:]) for one in KNOWN) == list(range(1, len(KNOWN) + 1))


@pytest.mark.parametrize("defect", KNOWN, ids=lambda one: one.id)
def test_a_defect_has_a_page_with_its_title_its_scripts_and_a_report(defect: KnownDefect) -> None:
    page = (ROOT / defect.page).read_text()
    assert page.startswith(f"# {defect.id}: {defect.title}\n")
    assert re.findall(r"\(scripts/([\w-]+)\.py\)", page) == list(defect.scripts) != []
    assert all((FOLDER / "scripts" / f"{script}.py").is_file() for script in defect.scripts)
    for heading in ("## What to do", "## How to see it", "## Upstream", "Text of a report:"):
        assert heading in page
    assert (defect.issue.rpartition("/")[2] or "Upstream") in page
    assert "| 3.15.1 |" in page


def test_every_page_and_every_script_belongs_to_a_defect_and_the_index_has_all() -> None:
    assert {path.stem for path in FOLDER.glob("K-*.md")} == {one.id for one in KNOWN}
    assert {path.stem for path in (FOLDER / "scripts").glob("*.py")} == {name for one in KNOWN for name in one.scripts}
    index = (FOLDER / "README.md").read_text()
    assert re.findall(r"\[(K-\d+)\]\(\1\.md\)", index) == sorted(one.id for one in KNOWN)


@pytest.mark.parametrize("defect", DOCUMENTED, ids=lambda one: one.id)
def test_a_documented_difference_says_where_and_is_in_the_zoo_s_page(defect: KnownDefect) -> None:
    assert defect.source and not defect.scripts
    assert f"| {defect.id} | {defect.title} |" in (ROOT / "docs" / "zoo.md").read_text()


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda one: one.id)
def test_a_defect_names_what_exists(defect: KnownDefect) -> None:
    of_images = ("affine_transform", "gaussian_blur", "hsv_to_rgb", "map_coordinates", "sobel_edges")
    undefined = {f"image.{name}" for name in of_images} | {"segment_max", "stft", "unravel_index"}
    tables = {
        "layer": layers.LAYERS,
        "operation": operations.RULES.keys() | undefined,
        "loss": losses.LOSSES,
        "optimizer": optimizers.OPTIMIZERS,
        "metric": {"CosineSimilarity", "Precision", "Recall"},
        "training": set(OF_IMAGES),
        "formats": {},
        "parameters": {},
    }
    assert set(defect.names) <= set(tables[defect.kind]) and set(defect.operations) <= set(tables["operation"])
    assert set(defect.stages) <= STAGES and set(defect.backends) <= {"tensorflow", "jax", "torch"} and defect.backends


@pytest.mark.parametrize("defect", KNOWN, ids=lambda one: one.id)
def test_what_to_do_is_what_the_page_begins_to_say(defect: KnownDefect) -> None:
    page = " ".join((FOLDER / f"{defect.id}.md").read_text().split())
    _, _, said = page.partition("## What to do ")
    cure = CURES[defect.id]
    assert (cure and said[0].lower() + said[1:] == cure + said[len(cure) :]) or said.startswith(cure)
    assert len(cure) < 125 and not cure.endswith((".", ":"))


def test_scripts_import_no_part_of_the_suite() -> None:
    for path in (FOLDER / "scripts").glob("*.py"):
        assert "suite" not in path.read_text(), path.name


def sighting(name: str, backend: str, stage: str, kind: str = "layer", **about: object) -> Sighting:
    return Sighting(kind=kind, name=name, backend=backend, stage=stage, packages={"keras": "3.15.1"}, **about)  # type: ignore[arg-type]


def undecayed(part: str, names: str, weight_decay: float | None = 0.1) -> Sighting:
    """What weight decay leaves out by these names."""
    config = {"weight_decay": weight_decay, "exclude_from_weight_decay_names": names}
    return sighting("AdamW", "tensorflow", "update", "optimizer", part=part, config=config)


def of_stft(backend: str, **config: object) -> Sighting:
    return sighting("stft", backend, "forward", "operation", config={"fft_length": 16, **config})


STATE = ((2, 5, 4), (2, 3))
SIGHTINGS = [
    (sighting("cross", "torch", "forward", "operation"), "K-68"),
    (sighting("cross", "jax", "forward", "operation"), None),
    (sighting("pad", "torch", "forward", "operation", config={"mode": "symmetric"}), "K-67"),
    (sighting("pad", "torch", "forward", "operation", config={"mode": "reflect"}), None),
    (sighting("average", "torch", "forward", "operation", config={"weights": {"input": 1}}), "K-64"),
    (sighting("average", "torch", "forward", "operation"), None),
    (sighting("softplus", "torch", "forward", "operation"), "K-49"),
    (sighting("image.map_coordinates", "tensorflow", "forward", "operation", config={"fill_mode": "reflect"}), "K-72"),
    (sighting("image.map_coordinates", "tensorflow", "forward", "operation", config={"fill_mode": "wrap"}), None),
    (sighting("softplus", "torch", "forward"), None),
    (sighting("image.gaussian_blur", "jax", "forward", "operation"), "K-65"),
    (sighting("image.gaussian_blur", "jax", "forward", "operation", config={"data_format": "channels_last"}), None),
    (sighting("Adam", "tensorflow", "update", "optimizer", rows=True), "K-01"),
    (sighting("Adam", "tensorflow", "update", "optimizer"), None),
    (sighting("Adam", "tensorflow", "update", "optimizer", rows=True, config={"clipnorm": 1.0}), "K-01"),
    (sighting("Adam", "tensorflow", "update", "optimizer", rows=True, config={"global_clipnorm": 1.0}), "K-03"),
    (sighting("Adam", "tensorflow", "update", "optimizer", rows=True, dense=True, config={"global_clipnorm": 1.0}), "K-03"),
    (sighting("Adam", "tensorflow", "update", "optimizer", rows=True, dense=True, config={"clipnorm": 1.0}), None),
    (sighting("Adam", "tensorflow", "update", "optimizer", rows=True, dense=True), None),
    (sighting("Adam", "torch", "update", "optimizer", rows=True), None),
    (undecayed("norm/gamma", "norm"), "K-60"),
    (undecayed("bias_free/kernel", "bias"), "K-60"),
    (undecayed("dense/bias", "bias"), None),  # its own name has it
    (undecayed("dense/kernel", "norm"), None),
    (undecayed("norm/gamma", ""), None),
    (undecayed("norm/gamma", "norm", weight_decay=None), None),
    (sighting("Conv2D", "tensorflow", "forward", config={"data_format": "channels_first"}), "K-02"),
    (sighting("Conv2D", "tensorflow", "forward", config={"data_format": "channels_first", "use_bias": False}), None),
    (sighting("Conv2D", "tensorflow", "forward", config={}), None),
    (sighting("EinsumDense", "tensorflow", "gradient", config={"bias_axes": "d"}), "K-02"),
    (sighting("SGD", "tensorflow", "update", "optimizer", rows=True, config={"clipnorm": 1.0}), "K-03"),
    (sighting("SGD", "tensorflow", "update", "optimizer", rows=True), None),
    (sighting("SGD", "tensorflow", "refused", "optimizer", rows=True, config={"loss_scale_factor": 8.0}), "K-04"),
    (sighting("ScheduleFreeAdamW", "torch", "update", "optimizer"), "K-05"),
    (sighting("ScheduleFreeAdamW", "jax", "update", "optimizer"), None),
    (sighting("Adam", "torch", "update", "optimizer", config={"gradient_accumulation_steps": 2}, infinite=True), "K-08"),
    (sighting("Adam", "torch", "update", "optimizer", config={"gradient_accumulation_steps": 2}), None),
    (sighting("Tversky", "jax", "forward", "loss", config={"alpha": 0.3}), "K-11"),
    (sighting("Tversky", "jax", "forward", "loss", config={"alpha": 0.3, "beta": 0.3}), None),
    (sighting("Huber", "jax", "config", "loss", part="delta"), "K-12"),
    (sighting("Huber", "jax", "config", "loss", part="reduction"), None),
    (sighting("AveragePooling2D", "torch", "forward", config={"padding": "same"}), "K-22"),
    (sighting("AdaptiveMaxPooling2D", "tensorflow", "process", config={"output_size": [1, 2]}), "K-23"),
    (sighting("AdaptiveMaxPooling2D", "tensorflow", "process", config={"output_size": [2, 2]}), None),
    (sighting("LayerNormalization", "torch", "refused", config={"axis": 1}, shapes=[(2, 3, 4)]), "K-24"),
    (sighting("LayerNormalization", "torch", "refused", config={"axis": [-1, -2]}, shapes=[(2, 3, 4)]), None),
    (sighting("RMSNormalization", "jax", "forward", config={"axis": [1]}, shapes=[(2, 3, 4)]), "K-25"),
    (sighting("RMSNormalization", "jax", "forward", config={"axis": 2}, shapes=[(2, 3, 4)]), None),
    (sighting("BatchNormalization", "torch", "forward", precision="float32", training=True), "K-26"),
    (sighting("BatchNormalization", "torch", "forward", precision="float32"), None),
    (sighting("LayerNormalization", "torch", "forward", precision="float32"), "K-26"),
    (sighting("BatchNormalization", "torch", "forward", precision="float64"), None),
    (sighting("Activation", "torch", "forward", config={"activation": "sparsemax"}), "K-37"),
    (sighting("LSTM", "torch", "forward", masked=True, shapes=STATE), "K-38"),
    (sighting("LSTM", "torch", "forward", masked=True, shapes=STATE[:1]), None),
    (sighting("LSTM", "torch", "forward", masked=True, config={"zero_output_for_mask": True}), "K-39"),
    (
        sighting(
            "LSTM",
            "jax",
            "forward",
            masked=True,
            config={"zero_output_for_mask": True, "unroll": True, "return_sequences": True},
        ),
        "K-40",
    ),
    (sighting("GRU", "torch", "refused", masked=True, config={"unroll": True, "go_backwards": True}), "K-41"),
    (sighting("AdaptiveMaxPooling1D", "jax", "forward", config={"output_size": 7}), "K-50"),
    (sighting("MultiHeadAttention", "jax", "refused", config={"key_dim": 2, "value_dim": 4}), "K-51"),
    (sighting("MultiHeadAttention", "jax", "refused", config={"key_dim": 2}), None),
    (sighting("MultiHeadAttention", "torch", "config", part="flash_attention"), "K-52"),
    (sighting("MultiHeadAttention", "torch", "gradient", masked=True), "K-53"),
    (sighting("MultiHeadAttention", "torch", "gradient"), None),
    (sighting("Muon", "tensorflow", "refused", "optimizer", detail="to be a float tensor but is a double tensor"), "K-54"),
    (sighting("CosineSimilarity", "torch", "gradient", "loss"), "K-55"),
    (sighting("drop", "jax", "state", "training", training=True, detail=AS_IN_PREDICTION), "K-76"),
    (sighting("drop", "torch", "state", "training", training=True, detail=AS_IN_PREDICTION), None),
    (sighting("drop", "jax", "state", "training", training=True), None),
    (sighting("AdamW", "jax", "update", "optimizer", detail=NO_GRADIENT), "K-77"),
    (sighting("AdamW", "tensorflow", "update", "optimizer", detail=NO_GRADIENT), None),
    (sighting("AdamW", "jax", "update", "optimizer"), None),
    (sighting("LossScaleOptimizer", "tensorflow", "update", "optimizer", detail=OVER_REPLICAS), "K-78"),
    (sighting("LossScaleOptimizer", "tensorflow", "update", "optimizer"), None),
    (sighting("SGD", "tensorflow", "update", "optimizer", detail=OVER_REPLICAS), None),
    (sighting("BatchNormalization", "tensorflow", "state", masked=True, detail=OVER_REPLICAS), "K-79"),
    (sighting("BatchNormalization", "tensorflow", "state", detail=OVER_REPLICAS), None),
    (sighting("BatchNormalization", "tensorflow", "state", masked=True), None),
    (sighting("Conv2D", "tensorflow", "gradient", config={"activation": "celu"}), "K-80"),
    (sighting("celu", "tensorflow", "gradient", "operation"), "K-80"),
    (sighting("Conv2D", "tensorflow", "forward", config={"activation": "celu"}), None),
    (sighting("Conv2D", "tensorflow", "gradient", config={"activation": "elu"}), None),
    (sighting("unravel_index", "tensorflow", "forward", "operation", shapes=[(2, 3)]), "K-81"),
    (sighting("unravel_index", "tensorflow", "forward", "operation", shapes=[()]), "K-81"),
    (sighting("unravel_index", "tensorflow", "forward", "operation", shapes=[(6,)]), None),
    (sighting("image.sobel_edges", "tensorflow", "forward", "operation"), "K-82"),
    (of_stft("jax", sequence_length=12, window=None), "K-83"),
    (of_stft("torch", sequence_length=12, window=None), None),
    (of_stft("jax", sequence_length=12), None),  # with the default window
    (of_stft("jax", sequence_length=16, window=None), None),
    (sighting("segment_max", "tensorflow", "forward", "operation"), "K-84"),
    (sighting("Precision", "torch", "forward", "metric", config={"top_k": 2}), "K-85"),
    (sighting("Precision", "torch", "forward", "metric", config={"top_k": None}), None),
    (sighting("CosineSimilarity", "jax", "config", "metric", part="axis"), "K-86"),
    (sighting("", "jax", "forward", "formats"), "K-87"),
    (sighting("", "torch", "forward", "formats"), None),
    (sighting("", "torch", "forward", "parameters"), "K-88"),
    (sighting("", "jax", "forward", "parameters"), None),
    (sighting("", "torch", "forward", "metric", masked=True), "K-89"),
    (sighting("", "torch", "forward", "metric"), None),
    (sighting("", "jax", "forward", "metric", masked=True), None),
    (sighting("Resizing", "tensorflow", "forward", integers=True, precision="float32"), "K-91"),
    (sighting("scatter_update", "torch", "gradient", "operation"), "K-93"),
    (sighting("scatter_update", "jax", "gradient", "operation"), None),
    (sighting("Resizing", "tensorflow", "forward", integers=True), None),
    (sighting("Resizing", "torch", "forward", config={"antialias": True, "width": 1}, shapes=[(2, 6, 6, 1)]), "K-92"),
    (sighting("Resizing", "torch", "forward", config={"antialias": True, "width": 1}, shapes=[(2, 6, 6, 3)]), None),
    (sighting("Resizing", "torch", "forward", config={"antialias": True, "width": 2}, shapes=[(2, 6, 6, 1)]), None),
    (sighting("Resizing", "torch", "forward", config={"width": 1}, shapes=[(2, 6, 6, 1)]), None),
    (sighting("Resizing", "tensorflow", "forward", precision="float32"), None),
    (sighting("Resizing", "torch", "state", "training", detail=AS_IN_TRAINING), "K-90"),
    (sighting("Resizing", "jax", "state", "training", detail=AS_IN_TRAINING), None),
    (sighting("Rescaling", "torch", "state", "training", detail=AS_IN_TRAINING), None),
    (sighting("Resizing", "torch", "state", "training"), None),
    (sighting("CosineSimilarity", "jax", "config", "metric", part="name"), None),
    (sighting("Conv3D", "tensorflow", "refused", detail="only supports the NHWC tensor format"), "D-03"),
    (sighting("Conv3D", "tensorflow", "refused", detail="it said no"), None),
    (sighting("Dropout", "jax", "forward", training=True), "D-01"),
    (sighting("Dropout", "jax", "forward"), None),
]


@pytest.mark.parametrize(("seen", "expected"), SIGHTINGS, ids=[f"{one.name}-{id_}" for one, id_ in SIGHTINGS])
def test_a_sighting_is_explained_by_the_defect_that_it_is_and_by_no_other(seen: Sighting, expected: str | None) -> None:
    found = known(seen)
    assert (found.id if found else None) == expected


def test_what_is_mended_upstream_is_known_up_to_the_last_version_that_has_it_only() -> None:
    seen = sighting("Tversky", "jax", "forward", "loss", config={"alpha": 0.3})
    later = Sighting(**{**vars(seen), "packages": {"keras": "3.16.0"}})
    assert known(seen) is not None and known(later) is None
    old = Sighting(**{**vars(sighting("BatchNormalization", "jax", "gradient")), "packages": {"keras": "3.0.0"}})
    assert getattr(known(old), "id", "") == "K-75"
    assert known(Sighting(**{**vars(old), "packages": {"keras": "3.0.5"}})) is None
