"""A tree of several inputs refuses what is too many together, and says what fits."""

import re

import numpy as np
import pytest

import rnnlens
from networks import cell
from rnnlens.errors import DataError
from rnnlens.network.layers import Concatenate, Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

STEPS = 14


def towers(rng, count):
    """As many sequences as are asked for, each read by a layer of its own."""
    names = [f"x{k}" for k in range(count)]
    nodes = [Node(name, Input((STEPS, 2))) for name in names]
    nodes += [
        Node(f"rnn{k}", Recurrent(cell("gru_after", rng, 2, 3)), ((name, 0),))
        for k, name in enumerate(names)
    ]
    states = tuple((f"rnn{k}", 0) for k in range(count))
    nodes.append(Node("beside", Concatenate(), states))
    nodes.append(Node("head", Dense(rng.normal(size=(3 * count, 1))), (("beside", 0),)))
    return Network(tuple(nodes), (("head", 0),), Origin("test"))


@pytest.mark.parametrize("method", ["tree", "owen"])
@pytest.mark.parametrize("count", [2, 3])
def test_the_number_of_lags_that_a_refusal_names_fits(method, count, rng):
    network = towers(rng, count)
    inputs = {name: rng.normal(size=(3, STEPS, 2)) for name in network.inputs}
    asked = {"target": 0, "baseline": "zero", "method": method}
    with pytest.raises(DataError, match="up to 21 players, but newest=12 makes") as refusal:
        rnnlens.explain(network, inputs, newest=12, **asked)
    said = str(refusal.value)
    players = int(re.search(r"makes (\d+) of all", said)[1])
    assert players == count * 13  # its 12 newest lags, and all older ones as one
    fits = int(re.search(r"newest=(\d+) or less", said)[1])
    assert count * (fits + 1) <= 21 < count * (fits + 2)
    if method == "tree" and count == 3:  # the advice is taken: fewer lags, fewer inputs
        rnnlens.explain(network, inputs, newest=4, **asked)
        rnnlens.explain(network, inputs, newest=12, of="x0", **asked)


def test_inputs_that_are_too_many_with_one_lag_each_are_refused_without_a_number(rng):
    network = towers(rng, 12)
    inputs = {name: rng.normal(size=(2, STEPS, 2)) for name in network.inputs}
    with pytest.raises(DataError, match=r"24 of all inputs together: name fewer inputs with of="):
        rnnlens.explain(network, inputs, newest=1, target=0, baseline="zero", method="tree")
    found = rnnlens.explain(network, inputs, target=0, baseline="zero", method="secant")
    change = found.forecast - found.baseline_forecast
    total = sum(found[name].contribution.sum(("lag", "feature")) for name in network.inputs)
    np.testing.assert_allclose(total, change, rtol=0, atol=1e-12)
