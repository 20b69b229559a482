"""Dense, convolution, embedding, and layers applied step by step."""

from __future__ import annotations

import numpy as np

from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.activations import value
from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.errors import DataError
from rnnlens.network.layers import Conv1D, Dense, Embedding, TimeDistributed

__all__ = ["gathered_back", "padding"]


def _bias(b: np.ndarray | None) -> Array | float:
    return 0.0 if b is None else np.asarray(b, float)


@run.register
def _(layer: Dense, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    a = inputs[0] @ np.asarray(layer.W, float) + _bias(layer.b)
    return Tape(inputs, (value(layer.activation, a),), masks[:1], a)


@pull.register
def _(layer: Dense, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    m_a = pull_activation(layer.activation, tape.saved, tape0.saved, m[0])
    return (m_a @ np.asarray(layer.W, float).T,)


def padding(kind: str, length: int, reach: int, stride: int) -> tuple[int, int]:
    """Count the steps that padding adds on either side.

    Parameters
    ----------
    kind : {"valid", "same", "causal"}
        As in Keras.
    length : int
        Number of steps.
    reach : int
        Steps from the first to the last one that a window covers, both counted.
    stride : int
        Steps from one window to the next.

    Returns
    -------
    tuple of int
        Added before the oldest step, and after the newest.
    """
    if kind == "valid":
        return 0, 0
    if kind == "causal":
        return reach - 1, 0
    total = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return total // 2, total - total // 2


def gathered_back(m_read: Array, index: np.ndarray, length: int, around: tuple[int, int]) -> Array:
    """Sum the multipliers of every reading of a step into that step.

    Parameters
    ----------
    m_read : array (sample, output step, reading, feature)
        Multipliers of what each window read.
    index : array (output step, reading) of int
        The padded step that was read.
    length : int
        Number of steps without padding.
    around : tuple of int
        Padding before and after.

    Returns
    -------
    array (sample, step, feature)
        Multipliers of the steps; those of the padding are dropped.
    """
    m_padded = np.zeros((length + sum(around), len(m_read), m_read.shape[-1]))
    np.add.at(m_padded, index, m_read.transpose(1, 2, 0, 3))
    return m_padded.swapaxes(0, 1)[:, around[0] : around[0] + length]


def _taps(layer: Conv1D, length: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Give the padded step that each (output step, tap) reads, and the padding."""
    taps = layer.W.shape[0]
    reach = (taps - 1) * layer.dilation + 1
    before, after = padding(layer.padding, length, reach, layer.stride)
    count = (length + before + after - reach) // layer.stride + 1
    index = layer.stride * np.arange(count)[:, None] + layer.dilation * np.arange(taps)
    return index, (before, after)


@run.register
def _(layer: Conv1D, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    index, (before, after) = _taps(layer, x.shape[1])
    padded = np.pad(x, ((0, 0), (before, after), (0, 0)))
    read = padded[:, index]  # (sample, step, tap, feature)
    W = np.asarray(layer.W, float)
    parts = [
        np.tensordot(inside, kernel, axes=([2, 3], [0, 1]))
        for inside, kernel in zip(
            np.split(read, layer.groups, axis=-1), np.split(W, layer.groups, axis=-1), strict=True
        )
    ]
    a = np.concatenate(parts, axis=-1) + _bias(layer.b)
    return Tape(inputs, (value(layer.activation, a),), (None,), a)


@pull.register
def _(layer: Conv1D, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    m_a = pull_activation(layer.activation, tape.saved, tape0.saved, m[0])
    length = tape.inputs[0].shape[1]
    index, around = _taps(layer, length)
    W = np.asarray(layer.W, float)
    parts = [
        np.tensordot(outer, kernel, axes=([2], [2]))
        for outer, kernel in zip(
            np.split(m_a, layer.groups, axis=-1), np.split(W, layer.groups, axis=-1), strict=True
        )
    ]
    m_read = np.concatenate(parts, axis=-1)
    return (gathered_back(m_read, index, length, around),)


@run.register
def _(layer: Embedding, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0]
    tokens = x.astype(np.int64)
    if not np.array_equal(tokens, x) or tokens.min() < 0 or tokens.max() >= len(layer.E):
        raise DataError(
            f"an embedding takes whole numbers from 0 to {len(layer.E) - 1}, but the input holds "
            f"values from {x.min():g} to {x.max():g}; give the tokens themselves, unscaled"
        )
    mask = None
    if layer.mask_zero:
        mask = tokens != 0 if forced is None else np.broadcast_to(forced, tokens.shape)
    return Tape(inputs, (np.asarray(layer.E, float)[tokens],), (mask,))


@pull.register
def _(layer: Embedding, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    # A table has no slope; between two tokens the secant carries the whole change of the vector.
    assert m[0] is not None
    change = tape.inputs[0] - tape0.inputs[0]
    rise = (m[0] * (tape.outputs[0] - tape0.outputs[0])).sum(axis=-1)
    return (np.where(change == 0, 0.0, rise / np.where(change == 0, 1.0, change)),)


def _fold(array: Array) -> Array:
    return array.reshape(-1, *array.shape[2:])


@run.register
def _(
    layer: TimeDistributed, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    samples, steps = inputs[0].shape[:2]
    inner = run(layer.layer, (_fold(inputs[0]),), (None,), None)
    output = inner.outputs[0]
    return Tape(inputs, (output.reshape(samples, steps, *output.shape[1:]),), masks[:1], inner)


@pull.register
def _(layer: TimeDistributed, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    (inner,) = pull(layer.layer, tape.saved, tape0.saved, (_fold(m[0]),))
    assert inner is not None
    return (inner.reshape(*m[0].shape[:2], *inner.shape[1:]),)
