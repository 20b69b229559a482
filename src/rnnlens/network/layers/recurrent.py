"""Layers over the steps of a sequence: recurrent ones, and a layer applied to every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnlens.network.cells import Cell
from rnnlens.network.layers.base import Layer

__all__ = ["Bidirectional", "Recurrent", "TimeDistributed"]


@dataclass(frozen=True, eq=False)
class Recurrent(Layer):
    """A recurrent layer: one cell run over the steps.

    Parameters
    ----------
    cell : Cell
        The cell.
    go_backwards : bool
        Whether it reads the newest step first; its sequence then comes out newest first.
    return_sequences : bool
        Whether it gives every step or the last one alone.
    return_state : bool
        Whether it gives its final states besides.
    stateful : bool
        Whether the source keeps its state from batch to batch; here the state starts at zero
        unless it is given.
    zero_output_for_mask : bool
        Whether the output at a masked step is zero instead of the one before.
    """

    cell: Cell
    go_backwards: bool = False
    return_sequences: bool = False
    return_state: bool = False
    stateful: bool = False
    zero_output_for_mask: bool = False


@dataclass(frozen=True, eq=False)
class Bidirectional(Layer):
    """Two recurrent layers over the same steps, in opposite directions.

    Parameters
    ----------
    forward, backward : Recurrent
        The two; ``backward.go_backwards`` is the opposite of ``forward.go_backwards``.
    merge_mode : {"concat", "sum", "mul", "ave", None}
        How the two outputs become one; ``None`` leaves two outputs.
    """

    forward: Recurrent
    backward: Recurrent
    merge_mode: Literal["concat", "sum", "mul", "ave"] | None = "concat"


@dataclass(frozen=True, eq=False)
class TimeDistributed(Layer):
    """A layer applied to every step alone.

    Parameters
    ----------
    layer : Layer
        The layer, which sees ``(sample, ...)`` without the step axis.
    """

    layer: Layer
