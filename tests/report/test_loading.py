"""What is said of files that load elsewhere only with compile=False."""

from __future__ import annotations

from dataclasses import replace

from suite.records import COMPILE_FALSE, JIT_KEPT, Results
from suite.report import html, loading, markdown, results_json
from tests.report import sample

SGD = "TypeError: Could not deserialize class 'SGD' because its parent module keras.src.backend.torch.optimizers.torch_sgd …"
OWN = "TypeError: Keras does not know the class 'Near'; give it"


def saying(*facts: str) -> Results:
    results = sample.results()
    rows = [
        replace(row, facts={**row.facts, COMPILE_FALSE: said}) if said else row
        for row, said in zip(results.runs, facts, strict=False)
    ]
    return replace(results, runs=(*rows, *results.runs[len(rows) :]))


def test_nothing_is_said_of_files_that_load() -> None:
    assert list(loading.sentences(sample.results())) == []


def test_a_class_of_one_backend_is_a_known_defect_once_and_anything_else_is_said_as_keras_says_it() -> None:
    results = saying(f"jax and tensorflow: {SGD}\njax: {OWN}", f"jax and tensorflow: {SGD.replace('SGD', 'Adam')}")
    first, second = (one.run.configuration for one in results.runs[:2])
    found = list(loading.sentences(results))
    known = [one for one in found if "K-73" in one]
    savers = list(dict.fromkeys((first.environment, second.environment)))
    save = " and ".join(savers) + (" save" if len(savers) > 1 else " saves")
    assert len(known) == 1 and known[0].startswith(f"What {save} loads in jax and tensorflow only")
    assert [one for one in found if "K-73" not in one] == [
        f"{first.scenario}: what {first.environment} saves loads in jax only with compile=False: {OWN}."
    ]
    assert begin_of(known[0]) in markdown.text(results)
    assert "What else was seen" in html.text(results) and begin_of(known[0]) in html.text(results)
    assert "What else was seen" not in html.text(sample.results())
    assert COMPILE_FALSE in results_json.text(results)


def test_what_auto_became_elsewhere_is_said_in_one_sentence() -> None:
    results = sample.results()
    first = results.runs[0]
    told = "tensorflow and torch: jit_compile=True\njax: jit_compile=False"
    again = replace(results, runs=(replace(first, facts={JIT_KEPT: told}), replace(first, facts={JIT_KEPT: told})))
    (found,) = loading.sentences(again)
    saved = first.run.configuration.environment
    assert found.count("what ") == 4 and "K-74" in found
    assert (
        f"what {saved} saves runs in tensorflow and torch with jit_compile=True, and what {saved} saves runs in jax" in found
    )


def test_what_many_environments_save_is_one_sentence_that_counts_them() -> None:
    results = sample.results()
    rows = [
        replace(
            results.runs[0],
            run=replace(run, configuration=replace(run.configuration, environment=f"torch-{index}")),
            facts={COMPILE_FALSE: f"jax-{index} and tensorflow: {SGD}\njax-nightly: {SGD.replace('Could', 'Can')}"},
        )
        for index in range(5)
        for run in [results.runs[0].run]
    ]
    (found,) = loading.sentences(replace(results, runs=tuple(rows)))
    assert found.startswith("What 5 environments save loads in 7 environments only with compile=False"), found


def begin_of(sentence: str) -> str:
    return sentence.partition(":")[0]
