"""Functional graphs as people draw them: equal to Keras, or refused in a true sentence.

Keras computes in float32, rnnlens in float64; 1e-6 of the largest output, or of 1, is far below
what a wrong axis or a forgotten term does.
"""

import pytest

import rnnlens
from keras_models import agree, outputs_of
from keras_zoo import REFUSED, ZOO, drawn
from rnnlens.errors import UnsupportedModel

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")

#: Graphs on which contributions are checked to sum, one of each kind of layer that is new.
SUMMED = (
    "residual by plus",
    "highway gate",
    "softmax pooling",
    "additive attention",
    "multi head self attention",
    "cells in a stack",
    "model on every step",
    "quantiles that never cross",
    "window scaled by itself",
    "three steps ahead by themselves",
)


def given(made):
    """The windows of a model: one array where it has one input, by name otherwise."""
    return next(iter(made.inputs.values())) if len(made.inputs) == 1 else made.inputs


@pytest.mark.parametrize("name", ZOO)
def test_a_graph_computes_what_keras_does(name):
    made = drawn(name)
    ours = rnnlens.predict(rnnlens.read(made.model), given(made))
    agree(ours, outputs_of(made.model, list(made.inputs.values())))


def test_there_are_sixty_graphs():
    assert len(ZOO) >= 60


@pytest.mark.parametrize("name", REFUSED)
def test_a_graph_that_is_not_read_is_refused_truly(name):
    entry, words = REFUSED[name]
    with pytest.raises(UnsupportedModel, match=words):
        rnnlens.read(drawn(name, {name: entry}).model)


@pytest.mark.parametrize("name", SUMMED)
def test_contributions_sum_to_the_change_of_the_forecast(name):
    made = drawn(name)
    network, windows = rnnlens.read(made.model), given(made)
    several = rnnlens.predict(network, windows).ndim == 3
    target = rnnlens.Target(0, horizon=1) if several else 0
    explained = rnnlens.explain(network, windows, method="secant", baseline="zero", target=target)
    total = explained.contribution.sum([d for d in explained.contribution.dims if d != "sample"])
    change = explained.forecast - explained.baseline_forecast
    # both are sums in float64 of some hundred products of order one
    assert abs(total - change).max() < 1e-9
