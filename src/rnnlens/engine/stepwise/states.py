"""States of many histories: node by node, and within a node window by window."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["State", "histories_in", "joined", "select", "some_histories", "spread", "tiled"]

T = TypeVar("T", bound=np.generic)

#: By node: the states of a recurrent layer and its last output, the steps that were picked of a
#: sequence, or what an input of several gave last.
State = dict[str, tuple[Array, ...]]


def spread(array: Array, count: int) -> Array:
    """Give each row to as many histories in a row as it stands for."""
    if len(array) == 1:
        return np.broadcast_to(array, (count, *array.shape[1:]))
    return array if len(array) == count else np.repeat(array, count // len(array), axis=0)


def tiled(array: NDArray[T], count: int) -> NDArray[T]:
    """Give the rows over and over."""
    if len(array) == 1:
        return np.broadcast_to(array, (count, *array.shape[1:]))
    return (
        array
        if len(array) == count
        else np.tile(array, (count // len(array), *(1,) * (array.ndim - 1)))
    )


def histories_in(state: State) -> int:
    """Count the histories of a state."""
    return len(next(iter(state.values()))[0]) if state else 1


def joined(one: State, other: State) -> State:
    """Give one state with the histories of two."""
    return {
        name: tuple(np.concatenate(pair) for pair in zip(arrays, other[name], strict=True))
        for name, arrays in one.items()
    }


def some_histories(state: State, which: slice | NDArray[np.int64] | NDArray[np.bool_]) -> State:
    """Give some of the histories of a state."""
    return {name: tuple(one[which] for one in arrays) for name, arrays in state.items()}


def select(state: State, nodes: NDArray[np.int64], windows: int) -> State:
    """Take the histories of some nodes."""

    def taken(array: Array) -> Array:
        by_unit = array.T.reshape(array.shape[1], -1, windows)[:, nodes]
        return by_unit.reshape(array.shape[1], -1).T

    return {name: tuple(taken(array) for array in arrays) for name, arrays in state.items()}
