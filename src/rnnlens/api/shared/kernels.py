"""Compiling ahead of the first question what questions of the usual networks need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnlens.attribution.options import Effort
from rnnlens.engine.schedule.context import kernels
from rnnlens.engine.stepwise.stretches import own_run, stretches
from rnnlens.evidence.options import Certificates
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

__all__ = ["KINDS", "compile_kernels", "compile_kernels_of"]

#: Kinds of cells, with the activations that nearly all networks have.
KINDS = ("LSTM", "GRU", "GRU, reset before", "SimpleRNN")

#: Methods that between them call every kernel, and the lags that they take one by one.
_METHODS = (("secant", None), ("gradient", None), ("tree", 4), ("owen", 4))
#: As many samples as fill a block of the kernels, and some that do not.
_SAMPLES, _STEPS, _FEATURES, _UNITS = 40, 6, 3, 5


def compile_kernels(
    kinds: tuple[str, ...] = KINDS, progress: Callable[[int, int], None] | None = None
) -> None:
    """Compile every kernel that the verbs call for some kinds of cells."""
    for done, kind in enumerate(kinds):
        compile_kernels_of(_forecaster(kind))
        if progress is not None:
            progress(done + 1, len(kinds))


def compile_kernels_of(network: Network) -> None:
    """Compile every kernel that the verbs call for a network that takes one series."""
    from rnnlens.api.forecast.certify import certify
    from rnnlens.api.forecast.explain import explain
    from rnnlens.api.inside.trace import trace

    x = np.random.default_rng(0).normal(size=(_SAMPLES, _STEPS, _FEATURES))
    with kernels():
        for precision in ("float64", "float32"):
            effort = Effort(precision=precision)
            for method, newest in _METHODS:
                explain(network, x, target=0, method=method, newest=newest, effort=effort)
            of, dtype = next(iter(network.inputs)), np.dtype(precision)
            together = stretches(network, of, dtype, products=True)
            if together is not None:
                own_run(together, x.astype(precision), lambda outputs: outputs[0][:, 0])
        trace(network, x)
        certify(network, x[:2], lag=1, target=0, certificates=Certificates(range=0.1))


def _forecaster(kind: str) -> Network:
    """Make a small random network whose one recurrent layer is of a kind."""
    rng = np.random.default_rng(0)
    nodes = (
        Node("x", Input((_STEPS, _FEATURES))),
        Node("recurrent", Recurrent(_cell(kind, rng)), (("x", 0),)),
        Node("dense", Dense(rng.normal(size=(_UNITS, 2)), rng.normal(size=2)), (("recurrent", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("made to compile kernels"), kind)


def _cell(kind: str, rng: np.random.Generator) -> Cell:
    tanh, sigmoid = Activation("tanh"), Activation("sigmoid")
    first, second, third, fourth = (
        Gate(
            W=rng.normal(size=(_FEATURES, _UNITS)),
            U=rng.normal(size=(_UNITS, _UNITS)) / _UNITS,
            b=rng.normal(size=_UNITS),
            b_r=rng.normal(size=_UNITS) if kind.startswith("GRU") else None,
        )
        for _ in range(4)
    )
    if kind == "LSTM":
        return LSTM(first, second, third, fourth, tanh, sigmoid)
    if kind.startswith("GRU"):
        return GRU(first, second, third, kind == "GRU", tanh, sigmoid)
    return SimpleRNN(first, tanh)
