"""Equal words about one class are one finding; a known defect explains it; new ones are to be shrunk; the exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.records import Environment, Provisioned
from suite.records.zoo import Case, JudgedCase, Values, Word, ZooResults, ZooVerdict
from suite.referee.defects import matching
from suite.referee.defects.matching import known
from suite.referee.defects.records import KnownDefect, Sighting
from suite.zoo import findings, output
from suite.zoo.plain_keras import line
from suite.zoo.visit import exit_code

SMALL = Case(kind="layer", name="Dense", arguments='{"units": 1}', inputs=(Values(shape=(2, 3)),))
LARGE = replace(SMALL, arguments='{"activation": "relu", "units": 1}')
OTHER = Case(kind="loss", name="Huber", arguments='{"delta": 0.3}', inputs=(Values(shape=(2, 3)), Values(shape=(2, 3))))
ENVIRONMENTS = {
    name: Provisioned(environment=Environment(name=name, backend=name), python="python", packages={"keras": "3.15.1"})
    for name in ("torch", "jax")
}
UNITS = KnownDefect(
    id="K-99",
    title="Dense is off",
    backends=("torch",),
    kind="layer",
    names=("Dense",),
    stages=("forward",),
    affected={"keras": ">=3.12"},
    when=lambda sighting: sighting.argument("activation", "linear") == "relu",
)


def judged(case: Case, **words: tuple[Word, str, float]) -> JudgedCase:
    verdicts = tuple(
        ZooVerdict(environment=name, word=word, stage=stage, precision="float64", distance=distance)
        for name, (word, stage, distance) in words.items()
    )
    return JudgedCase(case=case, verdicts=verdicts)


OFF = (Word.DEPARTS, "forward", 0.5)
AGREES = (Word.AGREES, "", 0.0)


@pytest.fixture
def units_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "DEFECTS", (UNITS,))


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "DEFECTS", ())


def test_the_same_about_one_class_on_one_environment_is_one_finding() -> None:
    found = findings.groups(
        [
            judged(LARGE, torch=OFF, jax=AGREES),
            judged(SMALL, torch=(Word.DEPARTS, "forward", 0.1), jax=OFF),
            judged(OTHER, torch=(Word.DEPARTS, "gradient", 0.1), jax=AGREES),
        ],
        ENVIRONMENTS,
    )
    told = [(group.environment, group.verdict.stage, len(group.members), group.verdict.distance) for group in found]
    assert told == [("torch", "forward", 2, 0.5), ("jax", "forward", 1, 0.5), ("torch", "gradient", 1, 0.1)]
    assert found[0].smallest.case == SMALL


def test_agreement_and_what_nobody_can_is_not_told() -> None:
    refused = (Word.UNSUPPORTED, "", 0.0)
    everywhere, somewhere = judged(SMALL, torch=refused, jax=refused), judged(SMALL, torch=refused, jax=AGREES)
    assert findings.groups([everywhere, judged(SMALL, torch=AGREES, jax=AGREES)], ENVIRONMENTS) == []
    assert [group.environment for group in findings.groups([somewhere], ENVIRONMENTS)] == ["torch"]


@pytest.mark.usefixtures("units_known")
def test_a_known_defect_explains_only_what_it_is_about() -> None:
    found = findings.groups([judged(LARGE, torch=OFF, jax=OFF), judged(SMALL, torch=OFF, jax=AGREES)], ENVIRONMENTS)
    assert [(group.environment, group.known and group.known.id, group.is_new) for group in found] == [
        ("torch", "K-99", False),
        ("jax", None, True),
        ("torch", None, True),
    ]


@pytest.mark.usefixtures("units_known")
@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"backend": "jax"}, False),
        ({"kind": "loss"}, False),
        ({"name": "Conv2D"}, False),
        ({"stage": "gradient"}, False),
        ({"config": {"activation": "linear"}}, False),
        ({"packages": {"keras": "3.9.2"}}, False),
        ({"packages": {"keras": "3.16.0.dev2026"}}, True),
        ({"packages": {"keras": "built by hand"}}, True),
        ({"packages": {}}, True),
    ],
)
def test_everything_about_a_known_defect_must_fit(changes: dict[str, object], fits: bool) -> None:
    sighting = Sighting(
        kind="layer",
        name="Dense",
        backend="torch",
        stage="forward",
        config={"activation": "relu"},
        packages={"keras": "3.15.1"},
    )
    found = known(replace(sighting, **changes))  # type: ignore[arg-type]
    assert (found.id if found else None) == ("K-99" if fits else None)


def test_new_ones_are_shrunk_one_for_each_class_and_stage() -> None:
    found = findings.groups([judged(LARGE, torch=OFF, jax=OFF), judged(OTHER, torch=AGREES, jax=OFF)], ENVIRONMENTS)
    assert [(group.environment, group.verdict.stage) for group in findings.to_shrink(found)] == [
        ("torch", "forward"),
        ("jax", "forward"),
    ]


@pytest.mark.usefixtures("units_known")
def test_what_is_known_or_float32_is_not_shrunk() -> None:
    inside = (Word.INSIDE, "forward", 1e-8)
    found = findings.groups([judged(LARGE, torch=OFF, jax=inside)], ENVIRONMENTS)
    assert len(found) == 2 and findings.to_shrink(found) == []


def results(*cases: JudgedCase, missing: dict[str, str] | None = None) -> ZooResults:
    return ZooResults(
        cases=len(cases),
        precisions=("float32", "float64"),
        seed=0,
        seconds=90.0,
        packages={"torch": {"keras": "3.15.1"}, "jax": {}},
        words=findings.words(cases),
        findings=tuple(findings.finding(group) for group in findings.groups(cases, ENVIRONMENTS)),
        missing=missing or {},
    )


def test_the_exit_code_is_that_of_what_is_new() -> None:
    assert exit_code(results(judged(SMALL, torch=AGREES, jax=AGREES))) == 0
    assert exit_code(results(judged(SMALL, torch=(Word.INSIDE, "forward", 1e-8), jax=AGREES))) == 0
    assert exit_code(results(judged(SMALL, torch=(Word.UNSUPPORTED, "", 0.0), jax=AGREES))) == 0
    assert exit_code(results(judged(SMALL, torch=OFF, jax=AGREES))) == 1
    assert exit_code(results(judged(SMALL, torch=(Word.FAULTY, "", 0.0), jax=AGREES))) == 1
    assert exit_code(results(judged(SMALL, torch=(Word.DIFFERS, "forward", 1.0), jax=AGREES))) == 1


def test_something_that_is_missing_counts_most() -> None:
    assert exit_code(results(judged(SMALL, torch=OFF, jax=AGREES), missing={"tensorflow": "no disk"})) == 2
    assert exit_code(results()) == 2


@pytest.mark.usefixtures("units_known")
def test_a_known_departure_does_not_fail() -> None:
    assert exit_code(results(judged(LARGE, torch=OFF, jax=AGREES))) == 0


@pytest.mark.usefixtures("units_known")
def test_the_table_has_a_section_for_each_kind_of_finding(tmp_path: Path) -> None:
    refused = (Word.UNSUPPORTED, "", 0.0)
    told = results(
        judged(LARGE, torch=OFF, jax=AGREES),
        judged(OTHER, torch=OFF, jax=refused),
        judged(SMALL, torch=(Word.INSIDE, "forward", 1e-8), jax=AGREES),
    )
    text = output.table(told)
    assert "3 calls in float32 and float64 (6 cases) on 2 environments in 1.5 minutes" in text
    places = [text.index(word) for word in ("New departures", "Known defects", "float32 inside float64", "Refused by some")]
    assert places == sorted(places)
    assert "K-99" in text and "keras.losses.Huber(delta=0.3)(" in text and "5.0e-01" in text
    output.write(told, tmp_path)
    assert output.read(tmp_path) == told
    page = (tmp_path / "zoo.md").read_text()
    assert "Dense is off" in page and "## New departures" in page


def test_where_nothing_is_new_the_table_says_so() -> None:
    assert output.table(results(judged(SMALL, torch=AGREES, jax=AGREES))).endswith("Nothing is new.")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (SMALL, "keras.layers.Dense(units=1)(np.random.normal(size=(2, 3)))"),
        (
            Case(
                kind="layer",
                name="Bidirectional",
                arguments='{"layer": {"class_name": "GRU", "config": {"units": 2}}, "merge_mode": null}',
                inputs=(Values(shape=(1, 2, 3)),),
                masks=(Values(shape=(1, 2), holds="padding"),),
                training=True,
            ),
            "keras.layers.Bidirectional(layer=GRU(units=2), merge_mode=None)(np.random.normal(size=(1, 2, 3)), "
            "mask=padding_mask((1, 2)), training=True)",
        ),
        (
            Case(kind="layer", name="Add", inputs=(Values(shape=(1,)), Values(shape=(1,))), passed="list"),
            "keras.layers.Add()([np.random.normal(size=(1,)), np.random.normal(size=(1,))])",
        ),
        (
            Case(
                kind="loss",
                name="SparseCategoricalCrossentropy",
                inputs=(
                    Values(shape=(2,), holds="indices", below=3),
                    Values(shape=(2, 3), holds="distribution"),
                    Values(shape=(2,), holds="positive"),
                ),
            ),
            "keras.losses.SparseCategoricalCrossentropy()(np.random.randint(0, 3, (2,)), "
            "softmax(np.random.normal(size=(2, 3))), sample_weight=np.random.uniform(0.1, 2, (2,)))",
        ),
        (
            Case(
                kind="optimizer",
                name="SGD",
                arguments='{"learning_rate": 0.1}',
                inputs=(Values(shape=(2, 3)), Values(shape=(5, 2), holds="rows")),
                call='{"size": 100.0, "updates": 2}',
            ),
            "keras.optimizers.SGD(learning_rate=0.1)  # 2 updates of variables (2, 3), (5, 2) by rows, "
            "gradients of size 100",
        ),
    ],
)
def test_a_case_is_a_line_of_plain_keras(case: Case, expected: str) -> None:
    assert line(case) == expected
