"""The share of gates that are saturated, by the equations in short windows and by the kernels."""

from types import SimpleNamespace

import numpy as np
import pytest

from networks import cell, chain, head
from rnnlens.checks.forecast import inputs
from rnnlens.engine.kernels import run
from rnnlens.network import layers as L


class Windows(SimpleNamespace):
    """What the check takes of its data."""

    def __len__(self):
        return len(self.inputs["x"])

    def select(self, chosen):
        return Windows(network=self.network, inputs={"x": self.inputs["x"][chosen]})


def gates_by_hand(lstm, x):
    """Give every gate of every step of windows, as the equations have them: written out."""
    found = []
    for window in x:
        h, c = np.zeros(lstm.units), np.zeros(lstm.units)
        for step in window:
            a = {
                name: step @ gate.W + h @ gate.U + gate.b
                for name, gate in lstm.gates.items()
            }  # fmt: skip
            i, f, o = (1 / (1 + np.exp(-a[name])) for name in ("input", "forget", "output"))
            c = f * c + i * np.tanh(a["cell"])
            h = o * np.tanh(c)
            found += [i, f, o]
    return np.array(found)


@pytest.mark.parametrize("short", [0, inputs.SHORT])
def test_shares_of_saturated_gates_are_those_of_the_equations(short, rng, monkeypatch):
    lstm = cell("lstm", rng, 2, 3)
    net = chain(L.Recurrent(lstm), head(rng, 3, 1), shape=(5, 2))
    x = rng.normal(size=(inputs.TRACED, 5, 2)) * 6
    traced = []
    monkeypatch.setattr(inputs, "SHORT", short)
    own = run.step_loop.trace
    monkeypatch.setattr(run.step_loop, "trace", lambda *a: traced.append(1) or own(*a))
    names, shares = inputs.saturation(Windows(network=net, inputs={"x": x}))
    gates = gates_by_hand(lstm, x)
    share = ((gates < inputs.NEAR) | (gates > 1 - inputs.NEAR)).mean()
    assert 0.05 < share < 0.95
    # both count the same gates: no rounding of a sum of some hundred ones
    np.testing.assert_allclose(shares, [share], rtol=1e-12)
    assert len(names) == 1 and bool(traced) == (short == 0)
