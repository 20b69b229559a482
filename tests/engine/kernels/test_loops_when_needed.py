"""Loops over activations are compiled for what asks for them, and not before."""

import numpy as np
import pytest

from networks import cell, chain, head
from rnnlens.engine.backward import backward, multipliers
from rnnlens.engine.forward import forward
from rnnlens.engine.kernels import buffers
from rnnlens.engine.kernels.lowlevel.compiling import INTERNALS
from rnnlens.engine.trace import layer_traces
from rnnlens.network import layers as L

pytestmark = pytest.mark.skipif(not INTERNALS, reason="the plain kernels hold all their loops")

#: What is asked of a network, and the loops that it takes: for a common LSTM, whose forecasts and
#: derivatives have loops of their own, and for a cell without any.
ASKED = {
    "forecast": (set(), {"values"}),
    "derivative": (set(), {"values", "slopes"}),
    "secant": ({"values", "slopes"}, {"values", "slopes"}),
    "trace": ({"values"}, {"values"}),
}


def asked(what, net, x, rng):
    run = forward(net, {"x": x})
    m = {net.outputs[0]: np.ones((len(x), 1))}
    if what == "derivative":
        backward(run, m)
    elif what == "secant":
        multipliers(run, forward(net, {"x": rng.normal(size=x.shape)}), m)
    elif what == "trace":
        layer_traces(run)


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("kind", ["lstm", "simple_rnn"])
def test_a_question_compiles_the_loops_that_it_takes_and_no_others(what, kind, rng, monkeypatch):
    found = set()
    for name, own in (("values", buffers._values_at), ("slopes", buffers._slopes_at)):

        def note(number, dtype, name=name, own=own):
            found.add(name)
            return own(number, dtype)

        monkeypatch.setattr(buffers, f"_{name}_at", note)
    net = chain(L.Recurrent(cell(kind, rng, 2, 3)), head(rng, 3, 1), shape=(4, 2))
    asked(what, net, rng.normal(size=(5, 4, 2)), rng)
    assert found == ASKED[what][kind == "simple_rnn"]
