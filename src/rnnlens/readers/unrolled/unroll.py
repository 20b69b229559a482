"""A network that carries its state from call to call, as one that takes a series of calls at once.

The recurrent layers that carry on run over the whole series, once; what stands before them is
applied to the numbers of every call alone, and what stands behind them to the last call's. So a
window of the network that comes out is a series of calls, its forecast the one of the last call,
and what is asked of windows (how far back does it look?) can be asked of it.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlens.arguments import whole
from rnnlens.errors import InputError
from rnnlens.names import counted
from rnnlens.network.check import check
from rnnlens.network.network import Network, leading_to
from rnnlens.network.steps.axes import step_axes
from rnnlens.readers.unrolled.carrying import carrying_layers
from rnnlens.readers.unrolled.series import Series

__all__ = ["steps_of_call", "unrolled"]


def unrolled(network: Network, steps: int) -> Network:
    """Give the network over windows of so many steps, each the steps of one or more calls.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlens.network.cells import Gate, SimpleRNN
    >>> from rnnlens.network.layers import Input, Recurrent
    >>> from rnnlens.network.network import Network, Node, Origin
    >>> cell = SimpleRNN(Gate(np.ones((2, 1)), np.ones((1, 1)), np.zeros(1)))
    >>> nodes = Node("x", Input((1, 2))), Node("rnn", Recurrent(cell, stateful=True), (("x", 0),))
    >>> unrolled(Network(nodes, (("rnn", 0),), Origin("made here")), 60).inputs
    {'x': Input(shape=(60, 2), steps=None)}
    """
    whole(least=1).check("unroll", steps)
    carrying = carrying_layers(network)
    if not carrying:
        raise InputError(
            f"unroll={steps} asks for a series of calls, but no recurrent layer of the network "
            "carries its state from one call to the next (stateful, or by states that are inputs "
            "and outputs): leave unroll out"
        )
    axes = _step_axes_of(network, carrying)
    call = _of_call(network, axes)
    if steps % call:
        raise InputError(
            f"unroll={steps} is no whole number of calls: the network takes {call} steps a call, "
            f"so give a multiple of {call}"
        )
    made = Series(network, carrying, axes, call, steps // call).made()
    origin = network.origin
    note = counted(
        call,
        "unrolled over {steps} steps: a window is {calls} calls of {count} step one after the "
        "other, with the state of {layers} carried on; the forecast is that of the last call",
        "unrolled over {steps} steps: a window is {calls} calls of {count} steps one after the "
        "other, with the state of {layers} carried on; the forecast is that of the last call",
        steps=steps,
        calls=steps // call,
        layers=" and ".join(carrying),
    )
    notes = (*origin.notes, note)
    return check(replace(made, origin=replace(origin, notes=notes, calls=steps // call)))


def steps_of_call(network: Network) -> int:
    """Give the steps that one call of a network takes, 1 where any number of them serves."""
    return _of_call(network, _step_axes_of(network, carrying_layers(network)))


def _step_axes_of(network: Network, carrying: tuple[str, ...]) -> dict[str, int]:
    """Give the axis of steps of each input of which a call takes new ones, 0 for a bare vector."""
    by_name = {node.name: node for node in network.nodes}
    taken = leading_to(network.nodes, [by_name[name].inputs[0][0] for name in carrying])
    states = {ref[0] for name in carrying for ref in by_name[name].inputs[1:]}
    only_states = leading_to(network.nodes, states) - taken
    found = step_axes(network)
    named = [name for name in network.inputs if name in taken and name not in only_states]
    axes = {name: axis for name in named if (axis := found[name]) is not None}
    # a cell that is called on a step's numbers takes them without an axis of steps
    return axes or {name: 0 for name in named if len(network.inputs[name].shape) == 1}


def _of_call(network: Network, axes: dict[str, int]) -> int:
    """Give the steps that one call takes; where any number of them serves, one."""
    taken = {
        name: 1 if axis == 0 else network.inputs[name].shape[axis - 1] or 1
        for name, axis in axes.items()
    }
    if len(set(taken.values())) != 1:
        said = ", ".join(f"{name} of {count}" for name, count in taken.items())
        raise InputError(
            f"the network's inputs do not take one number of steps a call ({said or 'none found'})"
            ", so that its calls cannot be laid side by side: leave unroll out"
        )
    return next(iter(taken.values()))
