"""What is said of a file that does not load: the reason, and what to do."""

from __future__ import annotations

from suite.runner.keras_jobs import why_it_does_not_load

AROUND = (
    "<class 'Sequential'> could not be deserialized properly.\n\nconfig={" + "x" * 5000 + "}.\n\nException encountered: "
)
UNKNOWN = (
    "Could not locate class 'MaskedMean'. Make sure custom classes and functions are decorated with "
    "`@keras.saving.register_keras_serializable()`. Full object config: {...}"
)


def test_the_reason_is_not_lost_behind_the_configuration() -> None:
    reason = why_it_does_not_load(TypeError(AROUND + AROUND + "__init__() got an unexpected keyword argument 'n'"))
    assert reason == "__init__() got an unexpected keyword argument 'n'"


def test_a_class_that_keras_does_not_know_is_named_and_so_is_the_cure() -> None:
    for error in (TypeError(UNKNOWN), TypeError(AROUND + UNKNOWN)):
        reason = why_it_does_not_load(error)
        assert reason.startswith("Keras does not know the class 'MaskedMean', which is in the file: give it in")
        assert "custom_objects" in reason and "register_keras_serializable" in reason and len(reason) < 300


def test_any_other_reason_is_as_keras_gives_it() -> None:
    assert why_it_does_not_load(OSError("no\nsuch   file")) == "no such file"
    assert len(why_it_does_not_load(ValueError("y" * 2000))) == 500
