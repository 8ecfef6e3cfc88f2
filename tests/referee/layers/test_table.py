from __future__ import annotations

from types import ModuleType

import pytest

from suite.referee import layers
from suite.referee.definition import Call, Undefined
from suite.referee.layers import convolution, dense, normalization, pooling, reshaping, resizing

FAMILIES = (convolution, dense, normalization, pooling, reshaping, resizing)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__.rsplit(".", maxsplit=1)[-1])
def test_each_definition_is_in_the_table_and_states_its_formula_and_source(family: ModuleType) -> None:
    for name, definition in family.LAYERS.items():
        assert layers.LAYERS[name] is definition
        documented = definition.__doc__ or ""
        assert name.rstrip("123D") in documented and ("Source:" in documented or "`_adaptive`" in documented), name


def test_an_unknown_layer_is_undefined() -> None:
    with pytest.raises(Undefined, match="there is no independent definition of Mine"):
        layers.call(Call(layer="Mine", config={}, inputs=()))
