"""Runs in which each way hides one of many features: what they share is read as one number a step.

A way that differs from its window in one feature k reads ``x_t + d_t e_k`` at step t, so that its
input puts ``x_t W + d_t W_k`` into the gates. Some ways together, over a stretch of L steps, need
no more than the rows ``x_1 W .. x_L W`` and their own ``W_k``: a cell that has these for its input
kernel and reads which step it is, and each d, takes the same steps with far fewer products than one
that reads all features anew for each way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.device.choice import chosen
from rnnlens.engine.operations.registry import Array, run
from rnnlens.engine.schedule.context import by_equations
from rnnlens.engine.stepwise.split import SplitNetwork
from rnnlens.network.cells import Gate
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Node

__all__ = ["Changed", "narrow_after", "narrow_share", "only_layer"]

#: Steps of a stretch, and ways that go through it together.
LENGTH, TOGETHER = 32, 64
#: How many times as many features as they read make it worth while to make a cell for them.
WORTH = 2.0


class Changed(NamedTuple):
    """The one feature in which each way differs from its window.

    Parameters
    ----------
    columns : array (way,) of int
        Which.
    values : array (step, way)
        What it holds instead.
    """

    columns: NDArray[np.int64]
    values: Array


def narrow_share(features: int) -> float:
    """Give the part of the features that ways read, on average; 1 where all are read."""
    most = LENGTH + TOGETHER
    return most / features if features >= WORTH * most else 1.0


def only_layer(split: SplitNetwork, of: str) -> Node | None:
    """Give the recurrent layer that is all of each step and reads the input; None for others."""
    if len(split.each_step) != 1 or chosen() or by_equations():
        return None
    if split.joined or split.static or split.picked or split.held - {of}:
        return None
    node = split.each_step[0]
    alone = isinstance(node.layer, Recurrent) and node.inputs == ((of, 0),)
    return node if alone and node.name in split.cells else None


def narrow_after(
    node: Node, states: tuple[Array, ...], x: Array, changed: Changed
) -> tuple[Array, ...]:
    """Give the states after some steps, from those that all ways begin with.

    Shapes: states tuple of (1, unit), x (step, feature) -> tuple of (way, unit).
    """
    layer = node.layer
    assert isinstance(layer, Recurrent)
    gates, ways = layer.cell.gates, len(changed.columns)
    found = tuple(np.repeat(one, ways, axis=0) for one in states)
    for first in range(0, len(x), LENGTH):
        own = x[first : first + LENGTH]
        put_in = {name: own @ gate.W for name, gate in gates.items()}
        after = []
        for k in range(0, ways, TOGETHER):
            some = changed.columns[k : k + TOGETHER]
            away = changed.values[first : first + LENGTH, k : k + TOGETHER] - own[:, some]
            cell = replace(layer.cell, **_narrowed(gates, put_in, some))
            before = tuple(one[k : k + TOGETHER] for one in found)
            taken = (_read(away), *before)
            tape = run(replace(layer, cell=cell), taken, (None,) * len(taken), None)
            after.append(tape.saved.finals[: len(states)])
        found = tuple(np.concatenate(ones) for ones in zip(*after, strict=True))
    return found


def _narrowed(
    gates: dict[str, Gate], put_in: dict[str, Array], columns: NDArray[np.int64]
) -> dict[str, Gate]:
    """Give gates that read which step it is, and how far each of some features is moved."""
    return {
        name: replace(gate, W=np.concatenate([put_in[name], gate.W[columns]]))
        for name, gate in gates.items()
    }


def _read(away: Array) -> Array:
    """Give what such gates read: away (step, way) -> (way, step, step + way)."""
    steps, ways = away.shape
    x = np.zeros((ways, steps, steps + ways), away.dtype)
    every = np.arange(steps)
    x[:, every, every] = 1
    for way in range(ways):
        x[way, :, steps + way] = away[:, way]
    return x
