"""What the loop over the steps takes and gives: arrays that belong together, by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gradients", "Multipliers", "Outputs", "Reading", "Trace", "Windows"]

Array = NDArray[Any]
Pair = tuple[Array, Array]


class Reading(NamedTuple):
    """How a layer reads its steps and what it gives.

    Parameters
    ----------
    backwards : bool
        Whether the newest step is read first.
    sequences : bool
        Whether every step's output is wanted, and not the last alone.
    zeroes : bool
        Whether the output of a masked step is zero, and not the one before it.
    """

    backwards: bool
    sequences: bool
    zeroes: bool


class Windows(NamedTuple):
    """What a cell runs over, and what it needs to run over it again.

    Parameters
    ----------
    x : array (sample, step, feature)
        Its inputs.
    mask : array (sample, step) of bool
        Which steps are real; empty where all are.
    states : tuple of two arrays (sample, output) and (sample, unit)
        Those it starts from; empty for zero.
    checkpoints : tuple of two arrays (block, stretch, row * BLOCK)
        States before each stretch of steps; empty where one stretch holds all steps.
    """

    x: Array
    mask: NDArray[np.bool_]
    states: Pair
    checkpoints: Pair


class Outputs(NamedTuple):
    """What a way forward gives.

    Parameters
    ----------
    outputs : array (sample, step or 1, output)
        Its outputs, in the order in which the steps were read.
    finals : tuple of two arrays (sample, output) and (sample, unit)
        Hidden and cell state after the last step.
    """

    outputs: Array
    finals: Pair


class Trace(NamedTuple):
    """What every step computed, steps in the order of the window.

    Parameters
    ----------
    rows : array (row,) of int
        The rows of a step's record that are wanted.
    values : array (sample, step, row, unit)
        Those.
    hidden, cell : array (sample, step, output) and (sample, step, unit)
        States after the step.
    """

    rows: NDArray[np.int64]
    values: Array
    hidden: Array
    cell: Array


class Multipliers(NamedTuple):
    """What a way back begins with.

    Parameters
    ----------
    outputs : array (sample, step or 1, output)
        Multipliers of the outputs; empty where there are none.
    finals : tuple of two arrays (sample, output) and (sample, unit)
        Multipliers of the last states; empty where there are none.
    """

    outputs: Array
    finals: Pair


class Gradients(NamedTuple):
    """What a way back gives.

    Parameters
    ----------
    inputs : array (sample, step, feature)
        Multipliers of the inputs.
    states : tuple of two arrays (sample, output) and (sample, unit)
        Multipliers of the states it started from.
    last_hidden : array (sample, output)
        The hidden state after the last step; empty where it is not wanted.
    """

    inputs: Array
    states: Pair
    last_hidden: Array
