"""Lengths beside the windows: lags count from the newest real step of each window."""

import numpy as np
import pytest

import rnnlens
from networks import cell, head
from rnnlens.engine.forward import predict
from rnnlens.network.axes import Lengths, Unmask
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

LENGTHS = np.array([6.0, 4.0, 2.0])
METHODS = ("auto", "secant", "tree", "owen", "integrated_gradients", "lrp")


def told(rng, *, every=False):
    """A forecaster that is told lengths, as packed sequences and ONNX have them."""
    lstm = Recurrent(cell("LSTM", rng), return_sequences=every, return_state=True)
    nodes = [
        Node("x", Input((None, 3))),
        Node("n", Input(())),
        Node("lengths", Lengths(), (("x", 0), ("n", 0))),
        Node("lstm", lstm, (("lengths", 0),)),
        Node("fc", head(rng, 5), (("lstm", 1),)),
    ]
    outputs = [("fc", 0)]
    if every:
        each = Dense(rng.normal(size=(5, 1)))
        nodes += [Node("whole", Unmask(), (("lstm", 0),)), Node("each", each, (("whole", 0),))]
        outputs.append(("each", 0))
    return Network(tuple(nodes), tuple(outputs), Origin("by hand"))


def by_lag(found, sample):
    """Give the numbers of one window by lag, and feature where they have one, lag 1 first."""
    values = found["contribution" if "contribution" in found else "relevance"]
    return values.isel(sample=sample).sortby("lag")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("every", [False, True], ids=["one_output", "every_step_too"])
def test_a_padded_window_is_explained_as_it_is_without_its_padding(rng, method, every):
    net, x = told(rng, every=every), rng.normal(size=(3, 6, 3))
    asked = {"target": rnnlens.Target(output=0, name=0), "method": method, "of": "x"}
    if method != "lrp":
        asked["baseline"] = "zero"
    found = rnnlens.explain(net, {"x": x, "n": LENGTHS}, **asked)
    assert found.attrs["lags_from"] == "the newest real step of each window"
    for sample, length in enumerate(LENGTHS.astype(int)):
        alone = {"x": x[sample : sample + 1, :length], "n": LENGTHS[sample : sample + 1]}
        expected = by_lag(rnnlens.explain(net, alone, **asked), 0)
        mine = by_lag(found, sample)
        # the padding has no share, and the rest is the same numbers in the same order of sums
        assert not mine.sel(lag=slice(length + 1, None)).any()
        np.testing.assert_allclose(mine.sel(lag=slice(1, length)), expected, rtol=0, atol=1e-10)


def test_an_output_at_every_step_keeps_its_steps(rng):
    net, x = told(rng, every=True), rng.normal(size=(3, 6, 3))
    asked = rnnlens.Target(output=1, horizon=1)
    found = rnnlens.explain(
        net, {"x": x, "n": LENGTHS}, of="x", target=asked, method="secant", baseline="zero"
    )
    assert found.attrs["lags_from"] == "the newest step fed in"
    np.testing.assert_allclose(found.forecast, predict(net, {"x": x, "n": LENGTHS})[1][:, 0, 0])
    assert not by_lag(found, 0).sel(lag=slice(1, 5)).any()  # its first step sees the oldest alone


def test_the_table_of_lags_counts_from_the_newest_real_step(rng):
    net, x = told(rng), rng.normal(size=(24, 6, 3))
    lengths = np.tile([2.0, 3.0, 4.0], 8)
    table = rnnlens.lags(net, {"x": x, "n": lengths}, of="x", target=0)
    assert table.attrs["lags_from"] == "the newest real step of each window"
    assert table.sizes["lag"] == 4  # two steps are padding in all windows
