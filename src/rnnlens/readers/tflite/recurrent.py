"""The fused recurrent operators of TensorFlow Lite: LSTMs of one or two directions, plain RNNs.

The places of what each takes are those of tensorflow/lite/kernels/lstm_shared.h,
bidirectional_sequence_lstm.cc and unidirectional_sequence_rnn.cc.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnlens.names import GATE_LETTERS, array_name, told
from rnnlens.network.cells import LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import Source
from rnnlens.readers.tflite.layers import Call, Made

__all__ = ["RECURRENT"]

#: The order in which an LSTM takes what its gates have.
GATES = ("input", "forget", "cell", "output")


@dataclass(frozen=True)
class Places:
    """Where one direction of an LSTM has its arrays."""

    kernels: int
    recurrent: int
    biases: int
    projection: int
    #: What a plain LSTM has not.
    others: tuple[tuple[range, str], ...]

    @property
    def all(self) -> range:
        """Every place of arrays."""
        return range(self.kernels, self.projection + 1)


ONE = Places(
    *(1, 5, 12, 16),
    (
        (range(9, 12), "peepholes"),
        (range(17, 18), "a bias of its projection"),
        (range(20, 24), "layer normalisation"),
    ),
)
FORWARD = Places(
    *(1, 5, 12, 16), ((range(9, 12), "peepholes"), (range(17, 18), "a bias of its projection"))
)
BACKWARD = Places(
    *(18, 22, 29, 33), ((range(26, 29), "peepholes"), (range(34, 35), "a bias of its projection"))
)
#: A second input of both directions, and its kernels.
AUXILIARY = range(39, 48)


def _cell(call: Call, places: Places) -> tuple[LSTM, dict[str, Source]]:
    """Read the arrays of one direction by gate."""
    for other, what in places.others:
        if any(call.tensor(place) is not None for place in other):
            raise call.refuse(f"it has {what}")
    if call.tensor(places.kernels) is None:
        raise call.refuse("its input gate is coupled to its forget gate")
    gates, sources = {}, {}
    for number, name in enumerate(GATES):
        firsts = (places.kernels, places.recurrent, places.biases)
        arrays = [call.fixed(first + number) for first in firsts]
        (W, _), (U, _), (b, _) = arrays
        if W.shape[1:] != call.shape()[2:]:
            raise ValueError(f"a kernel of {W.shape} does not fit what it takes")
        gates[name] = Gate(W.T.copy(), U.T.copy(), b)
        for kind, (_, text) in zip("WUb", arrays, strict=True):
            turned = "" if kind == "b" else " transposed"
            sources[array_name(kind, GATE_LETTERS["LSTM"][name])] = Source(text + turned)
    projection = None
    if call.tensor(places.projection) is not None:
        values, text = call.fixed(places.projection)
        projection, sources["P"] = values.T.copy(), Source(text + " transposed")
    return LSTM(**gates, projection=projection), sources


def lstm(call: Call) -> Made:
    """Read a fused LSTM over a sequence."""
    cell, sources = _cell(call, ONE)
    if int(call.option(0, "b")) != 4 or call.option(3, "B"):
        raise call.refuse("its activation is not tanh, or its first axis is that of the steps")
    left_out = (*_clipping(call, ONE), *call.rounded(ONE.all))
    return Made([Recurrent(cell, return_sequences=True)], sources, left_out)


def both_ways(call: Call) -> Made:
    """Read a fused LSTM that goes over a sequence in both directions."""
    if any(call.tensor(place) is not None for place in AUXILIARY):
        raise call.refuse("it takes a second input beside its own")
    options = call.operator.options
    # the schema takes the steps to come first where the file does not say
    steps_first = options is None or options.number(4, "B", 1)
    if int(call.option(0, "b")) != 4 or steps_first or not call.option(3, "B"):
        raise call.refuse(
            "its activation is not tanh, its first axis is that of the steps, or its directions "
            "come out apart"
        )
    layers, sources, left_out = [], dict[str, Source](), dict[str, None]()
    for side, places in (("forward", FORWARD), ("backward", BACKWARD)):
        cell, own = _cell(call, places)
        layers.append(Recurrent(cell, go_backwards=side == "backward", return_sequences=True))
        sources |= {f"{side}.{name}": source for name, source in own.items()}
        left_out |= dict.fromkeys((*_clipping(call, places), *call.rounded(places.all)))
    return Made([Bidirectional(*layers)], sources, tuple(left_out))


def plain(call: Call) -> Made:
    """Read a fused plain RNN over a sequence."""
    if call.option(0, "B"):
        raise call.refuse("its first axis is that of the steps")
    (W, kernel), (U, recurrent), (b, bias) = (call.fixed(place) for place in (1, 2, 3))
    if W.shape[1:] != call.shape()[2:]:
        raise ValueError(f"a kernel of {W.shape} does not fit what it takes")
    cell = SimpleRNN(Gate(W.T.copy(), U.T.copy(), b), call.fused(1))
    sources = {
        "W": Source(kernel + " transposed"),
        "U": Source(recurrent + " transposed"),
        "b": Source(bias),
    }
    return Made([Recurrent(cell, return_sequences=True)], sources, call.rounded((1, 2)))


def _clipping(call: Call, places: Places) -> tuple[str, ...]:
    """Say where a limit of the state can be passed: the cell state is no larger than its steps."""
    steps = call.shape()[1]
    limits = (call.option(1, "f"), _count(steps)), (call.option(2, "f"), np.inf)
    if call.tensor(places.projection) is None:
        limits = limits[:1]
    return tuple(
        told(
            "the interpreter limits {what} of an LSTM to {limit:g} either way, and rnnlens does "
            "not",
            what=what,
            limit=float(limit),
        )
        for (limit, largest), what in zip(
            limits, (told("the cell state"), told("the projection")), strict=False
        )
        if limit > 0 and largest > limit
    )


def _count(steps: int | None) -> float:
    """Give the number of steps, without end where it is open."""
    return np.inf if steps is None else float(steps)


#: Recurrent operators that are read.
RECURRENT: dict[str, Callable[[Call], Made]] = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    "BIDIRECTIONAL_SEQUENCE_LSTM": both_ways,
    "UNIDIRECTIONAL_SEQUENCE_RNN": plain,
}
