"""Everything that the kernels compute, on small networks: to be run with the fast and the plain."""

from __future__ import annotations

import json
import sys

import numpy as np

from networks import cell, chain, forecaster, head
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import forward, predict
from rnnlens.engine.kernels.coalition_tables import marginal_sums
from rnnlens.engine.kernels.lowlevel import gate
from rnnlens.engine.kernels.run import evaluate_leaves, packed
from rnnlens.engine.last_state import derivatives
from rnnlens.engine.operations.registry import pull, run
from rnnlens.engine.schedule.context import equations
from rnnlens.evidence.proof.zonotope.bounds import Boxes, bounds, start
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Conv1D, LayerNormalization, Recurrent

KINDS = ("lstm_peephole", "gru_before", "simple_rnn")
CERTIFIED = ("lstm",)  # one kind: its kernel takes longest to compile
TARGET = ResolvedTarget((1,))


def there_and_back(layer, x, x0, mask):
    """Value, derivatives and secants of a layer."""
    here, there = (run(layer, (one,), (mask,), None) for one in (x, x0))
    m = (np.ones_like(here.outputs[0]),)
    return here.outputs[0], pull(layer, here, here, m)[0], pull(layer, here, there, m)[0]


def layers(rng):
    for kind in KINDS:
        phi = Activation("relu") if kind == "lstm_peephole" else Activation("tanh")
        yield kind, Recurrent(cell(kind, rng, phi=phi), return_sequences=True)
    # whose loops the plain kernels do not hold: they take the equations
    yield "softsign", Recurrent(cell("simple_rnn", rng, phi=Activation("softsign")))
    kernel = rng.normal(size=(3, 3, 4))
    yield "convolution", Conv1D(kernel, rng.normal(size=4), Activation("relu"), padding="same")
    yield "normalisation", LayerNormalization(*rng.normal(size=(2, 3)))


def results():
    """Give every result by name: ``kernels/...`` has its ``equations/...``."""
    given = {}
    rng = np.random.default_rng(20)
    x = rng.normal(size=(39, 6, 3))
    x0 = x + 0.1 * rng.choice([-1.0, 1.0], size=x.shape)
    mask = rng.random((39, 6)) > 0.3
    for name, layer in layers(rng):
        own = mask if isinstance(layer, Recurrent) else None
        values = there_and_back(layer, x, x0, own)
        with equations():
            truth = there_and_back(layer, x, x0, own)
        for what, value, exact in zip(("value", "slope", "secant"), values, truth, strict=True):
            given[f"kernels/{name}/{what}"], given[f"equations/{name}/{what}"] = value, exact
    for kind in KINDS:
        network = forecaster(kind, rng, steps=6)
        given[f"kernels/{kind}/predict"] = predict(network, x)
        with equations():
            given[f"equations/{kind}/predict"] = predict(network, x)
    many = rng.normal(size=(70, 6, 3))
    given["gradient"] = derivatives(
        forecaster("lstm", rng, steps=6), {"x": many}, "x", TARGET.pick
    )[0]
    for kind in ("lstm", "gru_after"):
        given[f"tree/{kind}"] = tree(cell(kind, rng), rng)
    given["table"] = marginal_sums(rng.normal(size=(1 << 7, 3)))
    for kind in CERTIFIED:
        for name, value in certificate(kind, rng).items():
            given[f"certificate/{kind}/{name}"] = value
    return given


def tree(core, rng):
    """A readout after every choice of three steps; a fourth row checks it by the equations."""
    weights = packed(core, np.dtype(float))
    x, readout = rng.normal(size=(2, 3, 3)), rng.normal(size=5)
    states = tuple(rng.normal(size=(40, n)) * 0.5 for n in core.state_sizes)
    values = evaluate_leaves(weights, x, states, readout, 0.5)
    windows = np.array([[x[S >> t & 1, t] for t in range(3)] for S in range(8)])
    layer = Recurrent(core)
    with equations():
        for S in range(8):
            given = np.broadcast_to(windows[S], (40, 3, 3))
            last = run(layer, (given, *states), (None,), None).outputs[0]
            np.testing.assert_allclose(values[S], last @ readout + 0.5, rtol=0, atol=1e-13)
    return values


def certificate(kind, rng):
    """Bounds over some boxes, and values within them by the equations."""
    network = chain(Recurrent(cell(kind, rng)), head(rng, 5), shape=(6, 3))
    X = rng.normal(size=(1, 6, 3))
    half = np.array([[0.01], [0.3], [2.0]])
    low, high = X[0, 3, :1] - half, X[0, 3, :1] + half
    feature = np.zeros((3, 1), np.int64)
    found = bounds(
        start(network, {"x": X}, TARGET, of="x"),
        Boxes(np.zeros(3, np.int64), 3, feature, low, high),
    )
    shares = np.linspace(-1, 1, 41)
    moved = np.repeat(X, 3 * 41, axis=0)
    moved[:, 3, 0] += (half * shares).ravel()
    with equations():
        values = TARGET.pick(forward(network, {"x": moved}).outputs).reshape(3, 41)
    return {"low": found.low, "high": found.high, "slope": found.slope, "values": values}


if __name__ == "__main__":
    np.savez(sys.argv[1], **results())
    print(json.dumps({"internals": gate.INTERNALS}))
