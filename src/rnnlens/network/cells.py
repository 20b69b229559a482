"""The recurrent cells: one frozen object a cell, one set of arrays a gate.

Row vectors: ``x (feature,)``, ``W (feature, unit)``, ``U (unit, unit)``, ``b (unit,)``. The
equations are in `rnnlens.engine.step`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.names import GATE_LETTERS
from rnnlens.network.activations import Activation

__all__ = ["GRU", "LSTM", "Cell", "Gate", "SimpleRNN"]

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Gate:
    """The arrays of one gate.

    Parameters
    ----------
    W : array (feature, unit)
        Input kernel.
    U : array (unit, unit)
        Recurrent kernel; the first axis is the unit that the value comes from: (output, unit)
        where the cell projects its hidden state.
    b : array (unit,), optional
        Bias on the input side.
    b_r : array (unit,), optional
        Bias on the recurrent side, where the source keeps two.
    V : array (unit,), optional
        Peephole: the weight of the unit's own cell state.
    """

    W: FloatArray
    U: FloatArray
    b: FloatArray | None = None
    b_r: FloatArray | None = None
    V: FloatArray | None = None

    def arrays(self) -> dict[str, FloatArray]:
        """Give the arrays that are there, by kind."""
        every = {"W": self.W, "U": self.U, "b": self.b, "b_r": self.b_r, "V": self.V}
        return {kind: array for kind, array in every.items() if array is not None}


@dataclass(frozen=True, eq=False)
class Cell:
    """What every recurrent cell has: named gates, a size, states."""

    kind: ClassVar[str]
    states: ClassVar[tuple[str, ...]] = ("hidden",)

    @property
    def gates(self) -> dict[str, Gate]:
        """The gates by name, in the order of `rnnlens.names.GATE_LETTERS`."""
        return {name: getattr(self, name) for name in GATE_LETTERS[self.kind]}

    @property
    def features(self) -> int:
        """Number of input features."""
        return next(iter(self.gates.values())).W.shape[0]

    @property
    def units(self) -> int:
        """Number of hidden units."""
        return next(iter(self.gates.values())).W.shape[1]

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Length of each state, in the order of `states`; the first is that of the output."""
        return (self.units,) * len(self.states)


@dataclass(frozen=True, eq=False)
class LSTM(Cell):
    """A long short-term memory cell (Hochreiter and Schmidhuber 1997; forget gate Gers 2000).

    Parameters
    ----------
    input, forget, cell, output : Gate
        The gates; ``cell`` is the candidate.
    activation : Activation
        ``phi``, of the candidate and of the cell state on its way out.
    recurrent_activation : Activation
        ``sigma``, of the three gates.
    projection : array (unit, output), optional
        ``P`` of ``h' = (o * phi(c')) P``: the hidden state that the cell hands on, to the next
        step and to the next layer, has ``output`` entries instead of one a unit (Sak, Senior and
        Beaufays 2014).
    """

    kind: ClassVar[str] = "LSTM"
    states: ClassVar[tuple[str, ...]] = ("hidden", "cell")

    input: Gate
    forget: Gate
    cell: Gate
    output: Gate
    activation: Activation = Activation("tanh")
    recurrent_activation: Activation = Activation("sigmoid")
    projection: FloatArray | None = None

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Length of the hidden state, as projected, and of the cell state."""
        hidden = self.units if self.projection is None else self.projection.shape[1]
        return hidden, self.units


@dataclass(frozen=True, eq=False)
class GRU(Cell):
    """A gated recurrent unit (Cho et al. 2014).

    Parameters
    ----------
    update, reset, candidate : Gate
        The gates.
    reset_after : bool
        Whether the reset gate multiplies the recurrent product (Keras 2+ default, PyTorch,
        CuDNN) or the hidden state before it (the paper's form).
    activation : Activation
        ``phi``, of the candidate.
    recurrent_activation : Activation
        ``sigma``, of the two gates.
    """

    kind: ClassVar[str] = "GRU"

    update: Gate
    reset: Gate
    candidate: Gate
    reset_after: bool
    activation: Activation = Activation("tanh")
    recurrent_activation: Activation = Activation("sigmoid")


@dataclass(frozen=True, eq=False)
class SimpleRNN(Cell):
    """A plain recurrent cell (Elman 1990).

    Parameters
    ----------
    hidden : Gate
        Its one set of arrays.
    activation : Activation
        ``phi``.
    """

    kind: ClassVar[str] = "SimpleRNN"

    hidden: Gate
    activation: Activation = Activation("tanh")
