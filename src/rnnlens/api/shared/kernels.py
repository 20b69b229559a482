"""Compiling ahead of the first question what questions of the usual networks need."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.options import Effort
from rnnlens.engine.schedule.context import equations, kernels
from rnnlens.engine.stepwise.replaced import own_run
from rnnlens.engine.stepwise.stretches import stretches
from rnnlens.evidence.options import Certificates
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

Array = NDArray[np.float64]

__all__ = ["ALL", "CERTIFICATES", "KINDS", "Part", "compile_kernels", "compile_part"]

#: Kinds of cells, with the activations that nearly all networks have.
KINDS = ("LSTM", "GRU", "GRU, reset before", "SimpleRNN")

#: Methods that between them call every kernel, and the lags that they take one by one.
_METHODS = (("secant", None), ("gradient", None), ("tree", 4), ("owen", 4))
#: As many samples as fill a block of the kernels, and some that do not.
_SAMPLES, _STEPS, _FEATURES, _UNITS = 40, 6, 3, 5

#: What is asked of cells beside a precision.
CERTIFICATES = "certificates"


class Part(NamedTuple):
    """What one process compiles: what some kinds of cells are asked.

    Parameters
    ----------
    kinds : tuple of str
        Of `KINDS`.
    asked : str
        A precision, or `CERTIFICATES`.
    """

    kinds: tuple[str, ...]
    asked: str


#: Every part, in the order in which processes take them. Loops over the steps serve all cells: the
#: second and the third compile them, each for a precision, and those after them only load them.
ALL = (
    Part(KINDS, CERTIFICATES),
    Part(KINDS[:1], "float64"),
    Part(KINDS[:1], "float32"),
    Part(KINDS[1:], "float64"),
    Part(KINDS[1:], "float32"),
)


def compile_kernels(kinds: tuple[str, ...] = KINDS) -> None:
    """Compile every kernel that the verbs call for some kinds of cells."""
    for asked in ("float64", "float32", CERTIFICATES):
        compile_part(Part(kinds, asked))


def compile_part(part: Part) -> None:
    """Compile every kernel that the verbs call for what cells are asked."""
    with _sparing():
        for kind in part.kinds:
            network = _forecaster(kind)
            x = np.random.default_rng(0).normal(size=(_SAMPLES, _STEPS, _FEATURES))
            if part.asked == CERTIFICATES:
                _certify(network, x)
            else:
                _explain(network, x, part.asked)


@contextmanager
def _sparing() -> Generator[None]:
    """Keep Python from looking for garbage between one kernel and the next: there is little."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _explain(network: Network, x: Array, precision: str) -> None:
    from rnnlens.api.forecast.explain import explain
    from rnnlens.api.inside.trace import trace

    effort = Effort(precision=precision)
    with kernels():
        for method, newest in _METHODS:
            explain(network, x, target=0, method=method, newest=newest, effort=effort)
        of, dtype = next(iter(network.inputs)), np.dtype(precision)
        together = stretches(network, of, dtype, products=True)
        if together is not None:
            own_run(together, x.astype(precision), lambda outputs: outputs[0][:, 0])
        if precision == "float64":  # which traces have always
            trace(network, x)


def _certify(network: Network, x: Array) -> None:
    from rnnlens.api.forecast.certify import certify

    with equations():  # what is forecast beside certificates is another part's
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
